"""Where a clone may lie, and whose servers it may use."""

from __future__ import annotations

import os
import pwd
import shlex
from pathlib import Path

import pytest

from tests.install.clones import Clone, Person

pytestmark = pytest.mark.install


def test_a_deep_path_behind_a_closed_folder_works(somewhere: Path) -> None:
    """Longer than a socket's path may be, with spaces and letters beyond ASCII, closed to other users."""

    closed = somewhere / "closed"
    closed.mkdir(mode=0o700)
    deep = closed / "a folder with spaces" / "ఆంధ్ర" / ("x" * 100) / ("y" * 60) / "campus"
    deep.parent.mkdir(parents=True)
    clone = Clone.make(deep, Person(pwd.getpwuid(os.geteuid()).pw_name))
    try:
        with clone.running(CAMPUSHUB_POSTGRES="wheel") as site:
            assert site.get("/readyz") == 200
        with clone.running(CAMPUSHUB_POSTGRES="wheel") as site:
            assert site.get("/readyz") == 200
        assert clone.processes() == {}
    finally:
        clone.remove()


def test_servers_that_are_configured_are_used_and_left_alone(users_clone: Clone) -> None:
    assert users_clone.command("bin/services", "start", "--var", "var-servers").returncode == 0
    try:
        lines = users_clone.command("bin/services", "env", "--var", "var-servers").stdout.splitlines()
        variables = dict(shlex.split(line)[1].split("=", 1) for line in lines)
        urls = {name: value for name, value in variables.items() if name.endswith("_URL") and "@" in value}
        with users_clone.running("--var", "var-configured", **urls) as site:
            assert site.get("/readyz") == 200
            assert not (users_clone.path / "var-configured" / "postgres").exists()
        assert users_clone.command("bin/services", "status", "--var", "var-servers").returncode == 0
    finally:
        users_clone.command("bin/services", "stop", "--var", "var-servers")
    assert users_clone.processes() == {}
