"""Sending something exactly once although the worker may die at any moment: claim, send, note.

1. *Claim*, in a transaction: the row is `sending`, with a claim of its own and a lease; whoever looks at the same
   moment skips it (``FOR UPDATE SKIP LOCKED``), whoever looks later sees that somebody is at it.
2. *Send*, outside of any transaction: a server that takes its time keeps no row locked.
3. *Note*, in another transaction, only if the claim still stands.

A worker that dies before 2 delays the row by the lease. One that dies between 2 and 3 leaves a row of which nobody
knows whether it went: it is sent again once the lease is over, under the same Message-ID or delivery id, by which the
receiver knows it. To lose it would be worse (decision 11).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from django.db import models, transaction
from django.db.models import Q

from notifications.enums import SendState
from notifications.models import Sendable

S = TypeVar("S", bound=Sendable)

#: Longer than any sending can last: see the time limits of mail and webhooks.
LEASE = timedelta(minutes=5)
#: After so many refusals something is given up; with the pauses between them that is about a day.
MOST_ATTEMPTS = 10
NEVER = 30_000
_LONGEST_PAUSE = timedelta(hours=6)
_ERROR_LENGTH = 500


#: How long one run goes on (s). Opening and closing classes are on the same workers and must not wait for a slow
#: server; what is left goes in the next minute.
BUDGET = 25.0


def while_time(seconds: float) -> Iterator[None]:
    """A loop that ends after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield


def due(found: models.QuerySet[Any], now: datetime) -> models.QuerySet[Any]:
    """Those whose time has come, and those whose sender has not been heard of within its lease."""
    waiting = Q(state__in=[SendState.WAITING, SendState.FAILED], next_try_at__lte=now)
    return found.filter(waiting | Q(state=SendState.SENDING, lease_until__lte=now))


def claim(found: models.QuerySet[Any], *, now: datetime) -> Any | None:
    """Take the one of `found` that waits longest; None when there is none."""
    with transaction.atomic():
        row = (
            due(found, now)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("next_try_at", "id")
            .first()
        )
        if row is None:
            return None
        row.state, row.claim, row.lease_until = SendState.SENDING, uuid4(), now + LEASE
        row.attempts += 1
        row.save(update_fields=["state", "claim", "lease_until", "attempts"])
    return row


def sent(row: Sendable, *, now: datetime, **values: Any) -> bool:
    """Note that it went; False when the lease was over and somebody else has it."""
    return _note(row, state=SendState.SENT, sent_at=now, last_error="", **values)


def failed(
    row: Sendable, *, error: str, now: datetime, give_up_after: int = MOST_ATTEMPTS, **values: Any
) -> bool:
    """Note that it was refused: tried again later, or given up after so many attempts."""
    return _note(
        row,
        state=SendState.PARKED if row.attempts >= give_up_after else SendState.FAILED,
        next_try_at=now + pause(row.attempts),
        last_error=error[:_ERROR_LENGTH],
        **values,
    )


def put_back(row: Sendable, *, error: str, until: datetime) -> bool:
    """Note that it could not even be tried: that is no attempt, and nothing is ever given up for it."""
    return _note(
        row,
        state=SendState.WAITING,
        attempts=row.attempts - 1,
        next_try_at=until,
        last_error=error[:_ERROR_LENGTH],
    )


def pause(attempts: int) -> timedelta:
    """How long something rests after so many failures: a minute, doubled each time, at most six hours."""
    return min(timedelta(minutes=1) * 2 ** min(max(attempts, 1) - 1, 20), _LONGEST_PAUSE)


def _note(row: Sendable, **values: Any) -> bool:
    values |= {"claim": None, "lease_until": None}
    found = type(row)._default_manager.filter(pk=row.pk, state=SendState.SENDING, claim=row.claim)
    if not found.update(**values):
        return False
    for name, value in values.items():
        setattr(row, name, value)
    return True
