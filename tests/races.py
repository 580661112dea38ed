"""Races for real: threads with their own database connections, let go at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
from _campushub.processes import wait_for
from django.db import connection, connections


def together(count: int, act: Callable[[int], Any], *, connected: bool = True) -> list[Any]:
    """Run ``act(0) … act(count - 1)`` at once; their results in order, an exception in the place of a result.

    Needs a test with ``django_db(transaction=True)``: other connections see committed rows only. What has nothing
    to do with the database is raced with `connected` off.
    """
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(index: int) -> None:
        try:
            # Connecting takes longer than most of what is raced here: those who connect late would come too late.
            if connected:
                connection.ensure_connection()
            barrier.wait(timeout=30)
            results[index] = act(index)
        except Exception as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


@contextmanager
def held(statement: str, *values: Any) -> Iterator[psycopg.Connection[Any]]:
    """While the block runs somebody else keeps the locks that the statement takes; then they are let go.

    So a race can be stopped at the moment that a lock is for, instead of hoping to meet it.
    """
    known = connection.settings_dict
    with psycopg.connect(
        host=known["HOST"], port=known["PORT"], user=known["USER"], password=known["PASSWORD"],
        dbname=known["NAME"],
    ) as other:  # fmt: skip
        other.execute(statement, values)  # type: ignore[call-overload] # tests write these statements
        yield other


class Background:
    """Calls in threads of their own, each with its own database connection."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(16)

    def start(self, act: Callable[[], Any]) -> Future[Any]:
        def run() -> Any:
            try:
                return act()
            finally:
                connections.close_all()

        return self._pool.submit(run)

    def start_and_wait(self, act: Callable[[], Any]) -> Future[Any]:
        """Returns when the call stands before a lock, or has ended."""
        before = waiting()
        started = self.start(act)
        assert wait_for(lambda: started.done() or waiting() > before, seconds=30)
        return started


def waiting() -> int:
    """How many connections of this database stand before a lock that somebody else has."""
    with connection.cursor() as cursor:
        # Within a transaction the view would go on showing what it showed first.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def queue_up(count: int, act: Callable[[int], Any], *, behind: str, values: Any = ()) -> list[Any]:
    """`together` for those who all stand before one lock, which is let go only when all of them do.

    `behind` is the statement that takes the lock, with its `values`.
    """
    with ThreadPoolExecutor(1) as pool, held(behind, *values) as other:
        acting = pool.submit(together, count, act)
        assert wait_for(lambda: waiting() == count, seconds=30), f"{waiting()} of {count} wait"
        other.commit()
        return acting.result()
