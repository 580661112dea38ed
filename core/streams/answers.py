"""Plain answers of the live process, and what every answer carries so that the pages may read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, in place of a stream."""

    status: int
    headers: Headers
    body: bytes


OK = Answer(200, [(b"content-type", b"text/plain")], b"ok\n")

#: What a page of the site may do with a stream on another port or host (Fetch Standard, CORS preflight).
PREFLIGHT = Answer(
    204,
    [
        (b"access-control-allow-methods", b"GET"),
        (b"access-control-allow-headers", b"authorization, cache-control, last-event-id"),
        (b"access-control-max-age", b"600"),
    ],
    b"",
)

_PROTECTION = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"same-origin"),
]


def shared_headers(scope: Scope, request_id: str) -> Headers:
    """Headers of every answer to this request. Only the pages of the site may read streams with their cookies."""
    headers = [*_PROTECTION, (b"x-request-id", request_id.encode()), (b"vary", b"Origin")]
    site = "{0.scheme}://{0.netloc}".format(urlsplit(settings.PUBLIC_URL)).encode()
    if dict(scope["headers"]).get(b"origin") == site:
        headers += [(b"access-control-allow-origin", site), (b"access-control-allow-credentials", b"true")]
    return headers


async def answer(send: Send, what: Answer, shared: Headers) -> None:
    """Send a whole answer."""
    length = [] if what.status == 204 else [(b"content-length", str(len(what.body)).encode())]
    await send(
        {"type": "http.response.start", "status": what.status, "headers": [*what.headers, *shared, *length]}
    )
    await send({"type": "http.response.body", "body": what.body})
