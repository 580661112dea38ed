"""What Django puts round every answer of the scan address: learned by asking it, so that it cannot differ.

Middleware sets security headers, `Vary`, `Content-Language`, `Allow` from settings and from a few headers of the
request. For each combination of those the gate asks Django once, with a token that is none, and keeps the
headers of the refusal. Where Django answers anything but that refusal (host not allowed, redirect to https,
nothing acceptable), the gate has no business and lets Django answer.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Headers = list[tuple[str, str]]
Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

#: All of a request that middleware, content negotiation and the language of the answer look at.
KEYS = (
    "HTTP_HOST",
    "SERVER_NAME",
    "SERVER_PORT",
    "wsgi.url_scheme",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_LANGUAGE",
)
_OWN_TO_EACH_ANSWER = {"content-length", "x-request-id", "www-authenticate"}
_MOST_KINDS = 512


@dataclass(frozen=True, slots=True)
class Envelope:
    """Headers of every answer, and the language of its texts."""

    headers: Headers
    language: str


class Envelopes:
    """The envelopes of one address of a Django application."""

    def __init__(self, application: Application, path: str, method: str = "POST") -> None:
        self._application = application
        self._path = path
        self._method = method
        # The oldest kinds are forgotten: whoever invents headers costs us what Django would cost anyway.
        self._learn = lru_cache(maxsize=_MOST_KINDS)(self._ask)

    def of(self, environ: Environ) -> Envelope | None:
        """The envelope for this kind of request; None when Django has to answer it."""
        return self._learn(*map(environ.get, KEYS))

    def _ask(self, *values: Any) -> Envelope | None:
        answer: list[tuple[str, Headers]] = []

        def start_response(status: str, headers: Headers, exc_info: Any = None) -> None:
            answer.append((status, headers))

        body = self._application(self._question(values), start_response)
        if hasattr(body, "close"):
            body.close()
        (status, headers), *_ = answer
        names = {name.lower() for name, _ in headers}
        if not status.startswith("401") or "set-cookie" in names:
            return None
        kept = [(name, value) for name, value in headers if name.lower() not in _OWN_TO_EACH_ANSWER]
        return Envelope(kept, next((value for name, value in kept if name == "Content-Language"), "en"))

    def _question(self, values: Iterable[Any]) -> Environ:
        """A request of that kind whose token is none: refused before anything is looked up."""
        return {
            "REQUEST_METHOD": self._method,
            "SCRIPT_NAME": "",
            "PATH_INFO": self._path,
            "QUERY_STRING": "",
            "REMOTE_ADDR": "",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": "0",
            "HTTP_AUTHORIZATION": "Bearer none",
            "wsgi.version": (1, 0),
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **{key: value for key, value in zip(KEYS, values, strict=True) if value is not None},
        }
