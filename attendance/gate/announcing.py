"""Telling the class screens from the gate: folded, so that a thousand scans cost a few messages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from uuid import UUID

from django.db import close_old_connections

from core import live

#: At least so long (seconds) between two messages; the first one after a quiet time goes at once.
PAUSE = 0.05


class Announcer:
    """Collects the classes that changed and announces them from a thread of its own, off the path of the scans."""

    def __init__(self, announce: Callable[[Iterable[UUID]], None] = live.announce) -> None:
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
                self._thread = threading.Thread(target=self._work, name="scan-announcer", daemon=True)
                self._thread.start()
        self._wake.set()

    def _work(self) -> None:
        pause = threading.Event()
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._guard:
                changed, self._changed = self._changed, set()
            # Without Redis it goes through this thread's own database connection, which may have died since.
            close_old_connections()
            self._announce(changed)
            pause.wait(PAUSE)
