"""Telling the live process that something changed: an id, never data.

Goes through Redis; when Redis is away through PostgreSQL's NOTIFY. The live process listens to both, reads what
it shows from the database, and folds many announcements of one thing into one reading, so it costs the same
whether one student scans or a thousand.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import structlog
from django.db import DatabaseError, connection
from redis import Redis

from core import redis

CHANNEL = "campushub_live"
#: PostgreSQL's notifications have less than 8,000 bytes.
_MOST_IDS = 200
log = structlog.get_logger(__name__)


def announce(session_ids: Iterable[UUID]) -> None:
    """Say that these class sessions changed. Call it after commit; never raises, a lost hint costs a poll.

    A message holds many ids, separated by commas: `ids_in` reads them.
    """
    ids = [str(ident) for ident in session_ids]
    payloads = [",".join(ids[start : start + _MOST_IDS]) for start in range(0, len(ids), _MOST_IDS)]
    try:
        redis.run(lambda client: _publish(client, payloads))
    except redis.RedisAway:
        _notify(payloads)


def ids_in(payload: str) -> list[str]:
    """The ids in a message."""
    return payload.split(",")


def _publish(client: Redis, payloads: list[str]) -> None:
    for payload in payloads:
        client.publish(CHANNEL, payload)


def _notify(payloads: list[str]) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) payload", [CHANNEL, payloads]
            )
    except DatabaseError:
        log.warning("live_announcement_lost", messages=len(payloads), exc_info=True)
