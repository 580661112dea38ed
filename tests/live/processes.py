"""The live process for real, and clients of its streams."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from _campushub import ports, processes
from django.conf import settings
from django.db import connection

SITE = "http://127.0.0.1:7999"
#: Far more than anything here takes; a wait that long has failed.
PATIENCE = 30


def database_url() -> str:
    """The test's database, as the application role."""
    known = connection.settings_dict
    return f"postgres://{known['USER']}:{quote(known['PASSWORD'])}@{known['HOST']}:{known['PORT']}/{known['NAME']}"


def _first_port() -> int:
    """Where to look for a free port: each test worker elsewhere, or two would find the same one free."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return 31_000 + 100 * int(worker.removeprefix("gw"))


@dataclass
class LiveProcess:
    """uvicorn with our application on a port of its own."""

    redis_url: str = field(default_factory=lambda: settings.REDIS_URL)
    #: How often open streams are asked whether they may go on; None leaves it as it is.
    check_seconds: float | None = None
    port: int = field(default_factory=lambda: ports.next_free(_first_port()))
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        environment = os.environ | {
            "DATABASE_URL": database_url(),
            "REDIS_URL": self.redis_url,
            "CAMPUSHUB_ENV": "test",
            "PUBLIC_URL": SITE,
        }
        program = (
            "import sys, uvicorn, campushub.live, core.streams.asgi as asgi\n"
            f"asgi.CHECK_SECONDS = {self.check_seconds!r} or asgi.CHECK_SECONDS\n"
            "uvicorn.run(campushub.live.application, port=int(sys.argv[1]), access_log=False,"
            " timeout_graceful_shutdown=int(sys.argv[2]))"
        )
        command = [sys.executable, "-c", program, str(self.port), str(PATIENCE)]
        self.process = subprocess.Popen(command, env=environment)
        assert processes.wait_for(self._answers, seconds=PATIENCE, unless=lambda: not self.runs())
        return self

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> int:
        """Its exit status after SIGTERM."""
        assert self.process is not None
        if self.runs():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()

    def get(self, path: str, *, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        line.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return line.getresponse()

    def watch(self, session: Any, **headers: str) -> Watch:
        return Watch(self.get(f"/live/sessions/{session.pk}/", **headers))

    def _answers(self) -> bool:
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False


class Watch:
    """A stream as a browser reads it."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        assert response.status == 200, response.read()
        self.response = response

    def next(self) -> Any:
        """The data of the next event. Raises EOFError at the end of the stream."""
        while line := self.response.readline():
            if line.startswith(b"data: "):
                return json.loads(line[6:])
        raise EOFError

    def until(self, wanted: int) -> Any:
        """The first state that shows so many students present."""
        while (state := self.next())["counts"]["present"] < wanted:
            pass
        return state

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.response.close()
