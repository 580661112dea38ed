"""Who is asking, from where, under which request id: set by the middleware, read by audit and logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What is known of the request under way; empty outside one (commands, tasks)."""

    request_id: str = ""
    ip: str | None = None


_current: ContextVar[RequestContext] = ContextVar("request_context", default=RequestContext())  # noqa: B039 - frozen, so safe to share


def current() -> RequestContext:
    """The context of the request or task under way."""
    return _current.get()


@contextmanager
def use(context: RequestContext) -> Iterator[RequestContext]:
    """Make `context` the current one inside the block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
