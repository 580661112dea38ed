"""A real site whose PostgreSQL is stopped dead and whose Valkey is killed: clean refusals, then recovery by itself."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from _campushub import ports, processes
from _campushub.layout import State
from _campushub.processes import wait_for
from _campushub.servers import Servers
from django.conf import settings

pytestmark = pytest.mark.deep

NAMES = (f"nobody{number}" for number in count())


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message  # whatever the case of their names
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    servers: Servers
    port: int

    def ask(self, method: str, address: str, body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = None if body is None else json.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, address, data, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def sign_in(self) -> Answer:
        """As somebody who does not exist, and somebody else each time, so that nobody is locked out."""
        return self.ask(
            "POST", "/api/v1/auth/token/", {"username": next(NAMES), "password": "wrong-password"}
        )

    def ready(self) -> Answer:
        return self.ask("GET", "/readyz")

    def stop_database(self) -> None:
        """``pg_ctl stop -m immediate``."""
        assert self.servers.postgres is not None
        pid = self.servers.postgres.pid()
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)
        assert wait_for(lambda: not processes.alive(pid), seconds=30)

    def kill_redis(self) -> None:
        assert self.servers.valkey is not None
        pid = self.servers.valkey.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert wait_for(lambda: not processes.alive(pid), seconds=30)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    # Not in pytest's own folder: the unprivileged user that PostgreSQL runs as could not enter it.
    folder = Path(tempfile.mkdtemp(prefix="campushub-away-", dir="/var/tmp"))
    folder.chmod(0o755)
    servers = Servers(State.at(folder), configured={})
    servers.start_missing(linked=True)
    port = ports.choose(servers.state, "web")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TEST_")},
        **servers.environment(mode="test"),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "THROTTLE_RATES": '{"login": "100000/min"}',
        "CAMPUSHUB_DB_ROLE": "",
    }
    manage = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    owner = {**environment, "CAMPUSHUB_DB_ROLE": "owner"}
    assert processes.run(manage, env=owner, cwd=settings.BASE_DIR) == 0
    web = processes.start(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "4",
            "--host", "127.0.0.1", "--port", str(port), "campushub.wsgi:application",
        ],
        log=servers.state.log / "web.log", env=environment, cwd=settings.BASE_DIR, death_signal=signal.SIGTERM,
    )  # fmt: skip
    site = Site(servers, port)
    try:
        assert wait_for(lambda: is_up(site), seconds=60), (servers.state.log / "web.log").read_text()
        yield site
    finally:
        processes.stop(web.pid)
        web.wait(timeout=30)
        servers.stop()
        shutil.rmtree(folder)


def is_up(site: Site) -> bool:
    try:
        return site.ask("GET", "/healthz").status == 200
    except OSError:
        return False


@pytest.fixture(autouse=True)
def everything_runs(site: Site) -> Iterator[None]:
    site.servers.start_missing(linked=True)
    yield
    site.servers.start_missing(linked=True)


def test_the_api_refuses_with_a_code_while_the_database_is_down_and_goes_on_when_it_is_back(
    site: Site,
) -> None:
    before = site.sign_in()
    assert (before.status, before.json["errors"][0]["code"]) == (401, "invalid_credentials")
    site.stop_database()

    down = [site.sign_in() for _ in range(6)]

    assert {answer.status for answer in down} == {503}
    assert {answer.json["errors"][0]["code"] for answer in down} == {"database_unavailable"}
    assert {answer.json["type"] for answer in down} == {"server_error"}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in down)
    site.servers.start_missing(linked=True)
    assert [site.sign_in().status for _ in range(12)] == [401] * 12


def test_a_connection_that_died_with_the_database_costs_nobody_a_request(site: Site) -> None:
    assert [site.sign_in().status for _ in range(8)] == [401] * 8
    site.stop_database()
    site.servers.start_missing(linked=True)

    # Every thread still holds a connection to the server that is gone.
    assert [site.sign_in().status for _ in range(12)] == [401] * 12


def test_a_page_says_so_in_words_although_its_session_cannot_be_read(site: Site) -> None:
    site.stop_database()

    page = site.ask("GET", "/", Cookie=f"campushub_session_{site.port}=abcdefghijklmnopqrstuvwxyz012345")

    assert page.status == 503
    assert page.headers["Content-Type"].startswith("text/html")
    assert "CampusHub is not reachable right now" in page.body
    assert page.headers["X-Request-ID"] in page.body
    assert int(page.headers["Retry-After"]) > 0


def test_readiness_names_the_part_that_is_down(site: Site) -> None:
    assert site.ready().status == 200
    site.stop_database()

    down = site.ready()

    assert (down.status, down.json["status"]) == (503, "down")
    assert "database" in down.json["down"]
    assert site.ask("GET", "/healthz").status == 200
    site.servers.start_missing(linked=True)
    assert site.ready().status == 200


def test_without_redis_everything_is_answered_and_readiness_is_degraded(site: Site) -> None:
    site.kill_redis()

    assert [site.sign_in().status for _ in range(12)] == [401] * 12
    degraded = site.ready()
    assert (degraded.status, degraded.json["status"]) == (200, "degraded")
    assert "redis" in degraded.json["down"]
