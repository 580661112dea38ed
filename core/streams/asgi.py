"""The live process as an ASGI application: admits who may watch, and sends them what the hub has.

An open stream is asked again now and then whether it may go on. All end when the process is told to stop: the
server would wait for them, and they never end by themselves.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from django.core.handlers.asgi import ASGIRequest
from rest_framework.exceptions import MethodNotAllowed

from core.errors import NotFound
from core.middleware import request_id_of
from core.streams import sse
from core.streams.admission import Check, Watcher, admit, refusal
from core.streams.answers import OK, PREFLIGHT, Answer, Headers, Receive, Scope, Send, answer, shared_headers
from core.streams.hub import Hub, Stream
from core.streams.lifespan import lifespan
from core.streams.threads import in_thread

log = structlog.get_logger(__name__)

#: An open stream is asked so often whether its watcher still may (seconds; between half and all of it).
CHECK_SECONDS = 60.0


@dataclass(frozen=True)
class Route:
    """Streams of one kind: ``address`` has a group ``topic``, `check` says who may watch one."""

    address: re.Pattern[str]
    check: Check
    hub: Hub


def route(address: str, *, check: Check, read: Callable[[Collection[str]], Mapping[str, bytes]]) -> Route:
    """A route whose `check` and `read` are ordinary functions on the database: they run in threads."""
    return Route(re.compile(address), check, Hub(partial(in_thread, read)))


class LiveApplication:
    """Serves routes; one instance per process."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan([route.hub for route in self.routes], receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        shared = shared_headers(scope, request_id_of(_environ(scope)))
        for wanted in self.routes:
            if found := wanted.address.fullmatch(scope["path"]):
                break
        else:
            await answer(send, OK if scope["path"] == "/healthz" else refusal(NotFound()), shared)
            return
        if scope["method"] == "OPTIONS":
            await answer(send, PREFLIGHT, shared)
        elif scope["method"] != "GET":
            await answer(send, refusal(MethodNotAllowed(scope["method"])), shared)
        else:
            await _Visit(scope, receive, send, wanted, found["topic"].lower()).serve(shared)


@dataclass
class _Visit:
    """One request for one stream."""

    scope: Scope
    receive: Receive
    send: Send
    route: Route
    topic: str

    async def serve(self, shared: Headers) -> None:
        outcome = await self._admitted()
        if isinstance(outcome, Answer):
            await answer(self.send, outcome, shared)
            return
        log.info("stream_opened", user_id=outcome.user_id, school_id=outcome.school_id, topic=self.topic)
        with Stream(self.route.hub, self.topic) as stream:
            gone = asyncio.create_task(self._until_gone(stream))
            try:
                await self._pour(stream, shared)
            finally:
                gone.cancel()

    async def _admitted(self, *, again: bool = False) -> Watcher | Answer:
        return await in_thread(admit, self.scope, self.route.check, self.topic, again)

    async def _until_gone(self, stream: Stream) -> None:
        """End the stream when its client has gone."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
        stream.end()

    async def _pour(self, stream: Stream, shared: Headers) -> None:
        await self.send({"type": "http.response.start", "status": 200, "headers": [*sse.HEADERS, *shared]})
        await self._piece(sse.OPENING)
        check_at = _next_check()
        while (piece := await stream.next()) is not None:
            if time.monotonic() > check_at:
                outcome = await self._admitted(again=True)
                if isinstance(outcome, Answer) and outcome.status < 500:
                    break
                check_at = _next_check()
            await self._piece(piece)
        await self.send({"type": "http.response.body", "body": b""})

    async def _piece(self, piece: bytes) -> None:
        await self.send({"type": "http.response.body", "body": piece, "more_body": True})


def _next_check() -> float:
    """Not the same moment for streams that were opened together."""
    return time.monotonic() + CHECK_SECONDS * random.uniform(0.5, 1)  # noqa: S311 - nothing secret


def _environ(scope: Scope) -> dict[str, str]:
    return ASGIRequest(scope, None).META  # type: ignore[arg-type] # nobody reads the body
