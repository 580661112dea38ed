"""Calling WSGI applications in this process, as a server would."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from wsgiref.validate import validator

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

SCAN = "/api/v1/attendance/records/qr-scan/"


@dataclass(frozen=True)
class Answer:
    status: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of an answer or of a refusal."""
        body = self.json()
        return body["code"] if "code" in body else body["errors"][0]["code"]


def call(
    application: Application,
    *,
    method: str = "POST",
    path: str = SCAN,
    body: bytes = b"",
    token: str | None = None,
    environ: dict[str, Any] | None = None,
) -> Answer:
    """One request. `environ` adds to what a server puts there; None takes something out."""
    asked: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "10.1.2.3",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_X_REQUEST_ID": "test-request-1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if token is not None:
        asked["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    asked.update(environ or {})
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((status, headers))
        return lambda _data: None

    answer = validator(application)(
        {name: value for name, value in asked.items() if value is not None}, start_response
    )
    try:
        content = b"".join(answer)
    finally:
        answer.close()
    return Answer(started[0][0], started[0][1], content)
