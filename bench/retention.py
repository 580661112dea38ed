"""A year of marks is retired while others go on writing: how long they wait, and how long it takes."""

from __future__ import annotations

import threading
import time

import psycopg
from _campushub.console import Problem

from bench import data
from bench.load import percentile
from bench.place import Place
from bench.report import Result

WRITERS = 4

# A class of the year that stays.
_NEXT_YEAR = """
INSERT INTO attendance_session SELECT (kept).* FROM (
    SELECT jsonb_populate_record(s, jsonb_build_object(
        'id', gen_random_uuid(), 'held_on', make_date(extract(year FROM s.held_on)::int + 1, 1, 15))) AS kept
      FROM attendance_session s ORDER BY s.held_on DESC LIMIT 1) made
RETURNING id, held_on
"""
_WRITE = f"""
INSERT INTO attendance_record (id, held_on, session_id, school_id, section_id, student_id, snapshot_id, status,
    source, marked_at)
VALUES (gen_random_uuid(), %s, %s, {data.SCHOOL}, bench.section_id(0, 0), %s, %s, 'present', 'manual', now())
ON CONFLICT (session_id, student_id, held_on) DO UPDATE SET marked_at = excluded.marked_at
"""


def retention(place: Place, *, seconds: int, rows: int) -> Result:
    """All past records expire at once: it is eight years later. `rate` is rows retired per second of the whole run.

    It takes as long as it takes, whatever `seconds` says. The percentiles are those of the writers. Raises Problem when
    marks of the year are left, or the evidence names another number of them than went.
    """
    from attendance.models import AttendanceRecord
    from attendance.services import retention as service
    from core import clock, partitions

    now = clock.now()
    year = now.year
    then = now.replace(year=year + 8, day=min(now.day, 28))
    partitions.ensure([year, year + 1, then.year])
    with place.connect() as database:
        (there,) = database.execute(_COUNT, [year]).fetchone() or (0,)
        kept = database.execute(_NEXT_YEAR).fetchone()
        assert kept is not None
        writers = [_Writer(place, number, kept) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        time.sleep(1)
        begun = time.perf_counter()
        runs = service.apply(by=None, now=then)
        taken = time.perf_counter() - begun
        for writer in writers:
            writer.end()
    marks = [run for run in runs if run.table == AttendanceRecord._meta.db_table and run.year == year]
    if sum(run.rows for run in marks) != there or year in partitions.years(AttendanceRecord):
        raise Problem(f"{there} marks had expired; the evidence names {sum(run.rows for run in marks)}")
    latencies = [latency for writer in writers for latency in writer.latencies]
    return Result(
        name="retention",
        rate=there / taken,
        p50_ms=percentile(latencies, 0.5),
        p95_ms=percentile(latencies, 0.95),
        p99_ms=percentile(latencies, 0.99),
        rows_checked=there,
        rows_at_start=rows,
        notes={
            "exclusive locking (s)": max(run.locked_ms for run in runs) / 1000,
            "longest write meanwhile (s)": round(max(latencies), 3),
            "the marks (s)": max(run.duration_ms for run in marks) / 1000,
            "everything of the year (s)": round(taken, 1),
            "writes meanwhile": len(latencies),
        },
    )


_COUNT = "SELECT count(*) FROM attendance_record WHERE extract(year FROM held_on) = %s"


class _Writer(threading.Thread):
    """Marks students of a class of the year that stays, one after the other."""

    def __init__(self, place: Place, number: int, session: tuple[object, ...]) -> None:
        super().__init__()
        self._place, self._number = place, number
        self._session, self._held_on = session
        self._over = threading.Event()
        self._error: psycopg.Error | None = None
        self.latencies: list[float] = []

    def run(self) -> None:
        student = self._number
        try:
            with self._place.connect() as database:
                while not self._over.is_set():
                    student = (student + WRITERS) % data.STUDENTS
                    begun = time.perf_counter()
                    database.execute(_WRITE, [self._held_on, self._session, student + 1, student + 1])
                    self.latencies.append(time.perf_counter() - begun)
        except psycopg.Error as error:
            self._error = error

    def end(self) -> None:
        """Stop. Raises Problem when a write failed."""
        self._over.set()
        self.join()
        if self._error is not None:
            raise Problem(f"a write failed: {self._error}") from self._error
