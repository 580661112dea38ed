"""Telling the live process that something changed: an id, never data.

Goes through Redis; when Redis is away through PostgreSQL's NOTIFY. The live process listens to both, reads what
it shows from the database, and folds many announcements of one thing into one reading, so it costs the same
whether one student scans or a thousand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from uuid import UUID

import structlog
from django.db import DatabaseError, close_old_connections, connection
from redis import Redis

from core import redis

CHANNEL = "campushub_live"
#: Between two messages of `Announcer` (seconds): so many scans in between cost one message.
PAUSE = 0.02
#: A thread that had to go through the database gives its connection back after so long (seconds) without work.
_IDLE = 1.0
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


class Announcer:
    """Announces from a thread of its own, off the path of the requests, many changes in one message.

    The first one after a quiet time goes at once.
    """

    def __init__(self, announce: Callable[[Iterable[UUID]], None] = announce) -> None:
        self._announce = announce
        self._changed: set[UUID] = set()
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def tell(self, session_ids: Iterable[UUID]) -> None:
        """Announce these soon. Returns at once."""
        with self._guard:
            self._changed.update(session_ids)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="announcer", daemon=True)
                self._thread.start()
        self._wake.set()

    def _work(self) -> None:
        pause = threading.Event()
        while True:
            if not self._wake.wait(_IDLE):
                connection.close()
                self._wake.wait()
            self._wake.clear()
            with self._guard:
                changed, self._changed = self._changed, set()
            # Without Redis it goes through this thread's own database connection, which may have died since.
            close_old_connections()
            self._announce(changed)
            pause.wait(PAUSE)


#: The one of this process. For what happens many times a second in a process that goes on: scans.
announcer = Announcer()


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
