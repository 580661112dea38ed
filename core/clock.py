"""The one clock.

Every rule that depends on time gets `now` as an argument; this module is where the argument comes from.
Outside production the clock can be shifted as a whole (setting ``CLOCK_SHIFT_SECONDS``) or, inside one
thread or task, held still (``frozen``), so that tests and demonstrations can live on any day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from django.conf import settings

_frozen: ContextVar[datetime | None] = ContextVar("frozen_clock", default=None)


def now() -> datetime:
    """The current instant, aware, in UTC."""
    held = _frozen.get()
    if held is not None:
        return held
    instant = datetime.now(UTC)
    return instant + shift() if settings.CLOCK_SHIFT_SECONDS else instant


def shift() -> timedelta:
    """How far this process's clock is moved; zero in production, where settings refuse a shift."""
    return timedelta(seconds=settings.CLOCK_SHIFT_SECONDS)


@contextmanager
def frozen(instant: datetime) -> Iterator[datetime]:
    """Hold the clock of this thread or task at `instant` (aware). Raises ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError("the clock needs an aware instant")
    token = _frozen.set(instant.astimezone(UTC))
    try:
        yield instant
    finally:
        _frozen.reset(token)
