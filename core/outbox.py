"""Background jobs asked for inside a transaction and sent to the broker after its commit.

The request is a row: it commits or vanishes with the change that wants the job, and a broker that is away delays
it and never loses it. A job may be sent twice (the relay can die between sending and noting it), so every task
is harmless when it runs again. Arguments are ids, never data.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from core import clock
from core.models import OutboxMessage

KEPT_AFTER_SENDING = timedelta(days=1)
_LONGEST_PAUSE = timedelta(hours=1)

Send = Callable[[str, dict[str, Any]], None]


class BrokerAway(Exception):
    """The broker cannot be reached: nothing is wrong with the message."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """What one run of the relay did."""

    sent: int
    failed: int
    broker_away: bool


def enqueue(job: str, *, at: datetime | None = None, **arguments: Any) -> None:
    """Ask for a job, not before `at` (default: as soon as the transaction has committed).

    Raises RuntimeError outside a transaction, TypeError for arguments that have no JSON form.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a job is enqueued in the transaction of the change that it follows")
    now = clock.now()
    OutboxMessage.objects.create(
        job=job,
        arguments=json.loads(json.dumps(arguments, cls=DjangoJSONEncoder)),
        created_at=now,
        available_at=at or now,
    )


def relay(*, send: Send, now: datetime, limit: int = 500) -> Relayed:
    """Hand up to `limit` due messages to `send`, oldest first. Several relays at once share the work.

    A message that `send` chokes on is put off, longer each time, and those after it go on. When the broker is
    away (BrokerAway) everything waits, in order, for the next run.
    """
    sent = failed = 0
    with transaction.atomic():
        due = (
            OutboxMessage.objects.select_for_update(skip_locked=True)
            .filter(sent_at__isnull=True, available_at__lte=now)
            .order_by("id")[:limit]
        )
        for message in due:
            message.attempts += 1
            try:
                send(message.job, message.arguments)
            except BrokerAway as error:
                message.last_error = f"broker away: {error}"[:500]
                message.save(update_fields=["attempts", "last_error"])
                return Relayed(sent, failed + 1, broker_away=True)
            except Exception as error:
                # Whatever is wrong with this one must not hold up the others.
                message.last_error = f"{type(error).__name__}: {error}"[:500]
                message.available_at = now + pause(message.attempts)
                message.save(update_fields=["attempts", "last_error", "available_at"])
                failed += 1
            else:
                message.sent_at, message.last_error = now, ""
                message.save(update_fields=["attempts", "sent_at", "last_error"])
                sent += 1
    return Relayed(sent, failed, broker_away=False)


def pause(attempts: int) -> timedelta:
    """How long a message rests after so many failed attempts: 10 s, doubled each time, at most an hour."""
    return min(timedelta(seconds=10) * 2 ** min(attempts - 1, 20), _LONGEST_PAUSE)


def purge(*, now: datetime) -> int:
    """Forget what was sent more than a day ago; how many that were."""
    return OutboxMessage.objects.filter(sent_at__lt=now - KEPT_AFTER_SENDING).delete()[0]
