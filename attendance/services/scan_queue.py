"""Scans that come one by one share a statement and a commit: what queues up during one goes into the next.

A single scan's statement costs PostgreSQL three times as much as one of eight costs per scan: most of it is starting
the plan and committing. So a process has one queue for the scans that its threads answer each for themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from attendance.services import scanning
from attendance.services.scan_line import MOST_ROWS, Line, Outcome
from attendance.services.scanning import ScanAnswer, ScanRequest
from core.batching import Batcher
from core.db import DatabaseUnavailable


class ScanQueue:
    """One queue with a line of its own. Thread-safe."""

    def __init__(self, line: Line | None = None) -> None:
        self._line = line or Line()
        self._batcher: Batcher[ScanRequest, Outcome] = Batcher(self._decide, max_rows=MOST_ROWS)

    def scan(self, request: ScanRequest, *, now: datetime, alone: bool = False) -> ScanAnswer:
        """What becomes of one scan; committed when it is answered. Raises DatabaseUnavailable.

        On the caller's own connection if that is in a transaction or the scan is to go `alone`; and if it failed
        among others, for example on a lock that somebody keeps: there it waits as long as any request may, and the
        database's error is raised as from any query.
        """
        if not (alone or connection.in_atomic_block):
            outcome = self._batcher.ask(request)
            if isinstance(outcome, ScanAnswer):
                return outcome
            if isinstance(outcome, DatabaseUnavailable):
                raise outcome
        (answer,) = scanning.scan([request], now=now)
        return answer

    def close(self) -> None:
        """Give the line's connection back; the next scan makes a new one."""
        self._line.close()

    def _decide(self, requests: Sequence[ScanRequest]) -> Sequence[Outcome]:
        try:
            return self._line.run(requests)
        except DatabaseUnavailable:
            # One for each: they are raised in as many threads.
            return [DatabaseUnavailable() for _ in requests]


#: This process's own.
queue = ScanQueue()
