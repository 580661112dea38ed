"""A process's own line to the database, for scans alone: as many as there are in one statement and one commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import connection

from attendance import metrics
from attendance.services import scanning
from attendance.services.scanning import ScanAnswer, ScanRequest
from core import clock, live
from core.db import DatabaseUnavailable

log = structlog.get_logger(__name__)

#: After a failed connection nobody tries again for so long (seconds): they are refused at once.
PAUSE = 0.5
#: More rows at once gain nothing, and the first of them would wait for the last.
MOST_ROWS = 64

#: One plan for all batches: planning anew costs more than the statement. A class whose row somebody keeps locked
#: must not hold up the other classes of a batch for longer than this.
_SETTINGS = """
SELECT set_config('plan_cache_mode', 'force_generic_plan', false), set_config('lock_timeout', '500ms', false),
       set_config('TimeZone', 'UTC', false)
"""

Outcome = ScanAnswer | psycopg.Error | DatabaseUnavailable


def connect() -> psycopg.Connection[Any]:
    """A connection as Django would make it, but autocommitting: an answer of the database means committed."""
    # The settings follow as a statement: a pooler in between would refuse them as options of the connection.
    made = psycopg.connect(
        **connection.get_connection_params() | {"application_name": "campushub scans", "autocommit": True}
    )
    made.execute(_SETTINGS)
    return made


class Line:
    """One connection that is made when needed and made anew when it broke. Used by one thread at a time."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[Any]] = connect,
        *,
        announcer: live.Announcer = live.announcer,
    ) -> None:
        self._connect = connect
        self._announcer = announcer
        self._connection: psycopg.Connection[Any] | None = None
        self._away_until = 0.0

    def run(self, requests: Sequence[ScanRequest]) -> list[Outcome]:
        """The outcome of each scan, committed; an error in the place of an answer for a row that failed alone.

        The class screens of the sessions that changed are told, soon. Raises DatabaseUnavailable when the database
        cannot be reached.
        """
        metrics.BATCH_ROWS.observe(len(requests))
        with metrics.BATCH_SECONDS.time():
            outcomes = self._outcomes(requests)
        changed = {o.session_id for o in outcomes if isinstance(o, ScanAnswer) and o.code == "recorded"}
        if changed:
            self._announcer.tell(changed)
        return outcomes

    def close(self) -> None:
        """Give the connection back; the next batch makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _outcomes(self, requests: Sequence[ScanRequest]) -> list[Outcome]:
        connected = self._connection is not None
        try:
            return self._batch(requests)
        except psycopg.Error as error:
            if not self._broken():
                return self._one_by_one(requests)
            if not connected:
                raise self._away(error) from error
        # The server may have been restarted since the last scan. Whether this batch was committed before the line
        # broke is unknown, and needs not be known: scanning again what is recorded changes nothing.
        try:
            return self._batch(requests)
        except psycopg.Error as error:
            if not self._broken():
                return self._one_by_one(requests)
            raise self._away(error) from error

    def _batch(self, requests: Sequence[ScanRequest]) -> list[Outcome]:
        return [*scanning.run(self._open(), requests, now=clock.now())]

    def _one_by_one(self, requests: Sequence[ScanRequest]) -> list[Outcome]:
        """A row that cannot be done fails alone; the others of its class do not wait for the same lock again."""
        outcomes: list[Outcome] = []
        locked: dict[UUID, psycopg.Error] = {}
        for request in requests:
            if request.session_id in locked:
                outcomes.append(locked[request.session_id])
                continue
            try:
                outcomes += self._batch([request])
            except psycopg.Error as error:
                if self._broken():
                    # Those before it are committed and say so.
                    outcomes += [DatabaseUnavailable() for _ in range(len(requests) - len(outcomes))]
                    break
                if isinstance(error, psycopg.errors.LockNotAvailable):
                    locked[request.session_id] = error
                outcomes.append(error)
        return outcomes

    def _away(self, error: psycopg.Error) -> DatabaseUnavailable:
        self._away_until = time.monotonic() + PAUSE
        log.warning("scans_without_database", reason=type(error).__name__)
        return DatabaseUnavailable()

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            if time.monotonic() < self._away_until:
                raise DatabaseUnavailable
            self._connection = self._connect()
        return self._connection

    def _broken(self) -> bool:
        """Whether the connection is gone; then it is also forgotten."""
        if self._connection is not None and not self._connection.broken and not self._connection.closed:
            return False
        self.close()
        return True
