"""What the service worker is told to keep: everything that the pages of a class load, in either naming of files."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from csp.constants import HEADER
from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.test import Client

from core import service_worker


def told(client: Client, **headers: str) -> dict[str, Any]:
    """What /sw.js says of this version."""
    script = client.get("/sw.js", headers=headers).content.decode()
    (line,) = re.findall(r"^self\.campushub = (\{.*\});$", script, re.MULTILINE)
    answer: dict[str, Any] = json.loads(line)
    return answer


@pytest.fixture
def hashed(settings: Any, tmp_path: Path) -> dict[str, str]:
    """Static files as in production, where names carry a hash; their names by the plain ones."""
    paths = {}
    for name in [*service_worker.names(), service_worker.WORKER]:
        stem, _dot, extension = name.rpartition(".")
        content = Path(str(finders.find(name))).read_bytes()
        paths[name] = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{extension}"
    (tmp_path / "staticfiles.json").write_text(json.dumps({"version": "1.1", "hash": "", "paths": paths}))
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **django_settings.STORAGES,
        "staticfiles": {"BACKEND": "core.staticfiles.HashedStorage"},
    }
    service_worker._known_files.cache_clear()
    return paths


def test_it_is_served_from_the_root_and_asked_for_each_time(client: Client) -> None:
    answer = client.get("/sw.js")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/javascript"
    assert answer["Cache-Control"] == "no-cache"
    assert "default-src 'self'" in answer[HEADER]
    assert 'importScripts("/static/js/service-worker.js");' in answer.content.decode()


def test_every_file_that_it_keeps_is_there(client: Client) -> None:
    files = told(client)["files"]
    assert len(files) == len(set(files))
    missing = [name for name in files if not finders.find(name.removeprefix("/static/"))]
    assert not missing


def test_a_script_is_kept_with_whatever_it_imports() -> None:
    names = service_worker.names()
    assert "js/lib/device-store.js" in names
    for name in names:
        if not name.startswith("js/"):
            continue
        source = Path(str(finders.find(name))).read_text()
        for other in re.findall(r'from "\./([^"]+)"', source):
            assert str(Path(name).parent / other) in names, f"{name} imports {other}"


def test_names_that_carry_a_hash_are_told_as_they_are(client: Client, hashed: dict[str, str]) -> None:
    answer = told(client)
    assert answer["immutable"] is True
    assert sorted(answer["files"]) == sorted(f"/static/{name}" for name in hashed.values())
    script = client.get("/sw.js").content.decode()
    assert f'importScripts("/static/{hashed["js/service-worker.js"]}");' in script
    service_worker._known_files.cache_clear()


def test_another_content_makes_another_version(client: Client, settings: Any, tmp_path: Path) -> None:
    before = told(client)
    assert before["immutable"] is False
    assert told(client) == before
    changed = tmp_path / "js" / "roster.js"
    changed.parent.mkdir()
    changed.write_text("export const changed = true;\n")
    settings.STATICFILES_DIRS = [tmp_path, *django_settings.STATICFILES_DIRS]
    finders.get_finder.cache_clear()
    try:
        after = told(client)
    finally:
        finders.get_finder.cache_clear()
    assert after["version"] != before["version"]
    assert "/static/js/roster.js" in after["files"]


def test_the_page_without_a_network_is_kept_in_the_language_of_whoever_installs_it(client: Client) -> None:
    assert told(client)["version"] != told(client, **{"accept-language": "te"})["version"]
    page = client.get("/offline/")
    assert page.status_code == 200
    assert "No connection" in page.content.decode()


@pytest.mark.parametrize("address", ["/sw.js", "/offline/"])
def test_nothing_is_sent_there(client: Client, address: str) -> None:
    assert client.post(address).status_code == 405
