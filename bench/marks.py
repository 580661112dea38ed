"""Marks by hand: a class of sixty in one request, all of them new."""

from __future__ import annotations

from typing import Any

from _campushub.console import Problem, say

from attendance.services import mark_rows
from bench import baseline, data
from bench.load import Outcome, drive, expect
from bench.place import Place
from bench.report import Result
from bench.requests import STATUSES, BulkRequests

CONNECTIONS = 8
WARM_UP = 2.0
#: More than anything here can do: so many classes per second must be there to be marked.
FASTEST = 800


def bulk(place: Place, *, seconds: int, rows: int) -> Result:
    """Sixty marks a request, each a new record with its entry in the trail; pgbench with the same two statements."""
    first = place.waves(waves(seconds))
    beside = baseline.pgbench(place, _SCRIPT, first=first, seconds=seconds)
    say(f"  {beside.name}: {beside.rate:,.0f} transactions per second")
    first = place.waves(waves(seconds + WARM_UP))
    with place.site("web") as site:
        outcome = drive(
            site.web, BulkRequests(first), first=0, connections=CONNECTIONS, seconds=seconds, warm_up=WARM_UP
        )
    expect(outcome, {200})
    return Result(
        name="bulk",
        rate=outcome.rate,
        p50_ms=outcome.percentile(0.5),
        p95_ms=outcome.percentile(0.95),
        p99_ms=outcome.percentile(0.99),
        rows_checked=check(place, outcome, first=first),
        rows_at_start=rows,
        baseline_name=beside.name,
        baseline_rate=beside.rate,
        notes={"marks per second": round(outcome.rate * data.CLASS_SIZE)},
    )


def waves(seconds: float) -> int:
    """So many waves of classes are enough for so long."""
    return int(seconds * FASTEST) // data.FULL_COHORTS + 1


def check(place: Place, outcome: Outcome, *, first: int) -> int:
    """Look for every acknowledged mark in the database. Raises Problem unless each is there once, as it was sent,
    with its entry in the trail."""
    classes = [divmod(number, data.FULL_COHORTS) for number in outcome.acknowledged]
    sessions = [data.session_of(first + wave, cohort) for wave, cohort in classes]
    with place.connect() as database:
        found = database.execute(_FOUND, {"sessions": sessions, "statuses": STATUSES}).fetchone()
        entries = database.execute(_ENTRIES, {"sessions": sessions}).fetchone()
    wanted = len(sessions) * data.CLASS_SIZE
    if found != (wanted, wanted, wanted) or entries != (wanted,):
        raise Problem(f"{wanted} marks were acknowledged; rows, pairs, as sent: {found}; entries: {entries}.")
    return wanted


_FOUND = f"""
SELECT count(*), count(DISTINCT (r.session_id, r.student_id)),
       count(*) FILTER (WHERE r.source = 'manual'
                          AND r.status = (%(statuses)s::text[])[(r.student_id - 1) %% {data.CLASS_SIZE} + 1])
  FROM attendance_record r
  JOIN unnest(%(sessions)s::bigint[]) asked ON r.session_id = bench.session_id(asked)
"""
_ENTRIES = """
SELECT count(*) FROM attendance_audit_log e
  JOIN unnest(%(sessions)s::bigint[]) asked ON e.after ->> 'session' = bench.session_id(asked)::text
 WHERE e.action = 'record.create'
"""

# What the site makes of a request is made by the database from a number: the class, its students, the ids.
_SESSION = "bench.session_id(:session)"
_HELD_ON = f"(SELECT held_on FROM attendance_session WHERE id = {_SESSION})"


def _array(of: str) -> str:
    return f"(SELECT array_agg({of} ORDER BY i) FROM generate_series(0, {data.CLASS_SIZE - 1}) i)"


_VALUES: dict[str, Any] = {
    "session": _SESSION,
    "held_on": _HELD_ON,
    "school": str(data.SCHOOL),
    "now": "now()",
    "actor": f"({data.FIRST_TEACHER} + :cohort::bigint)",
    "operation": "bench.uuid7(now())",
    "reason": "''",
    "ip": "'10.0.0.1'",
    "request": "md5(:session::text)",
    "ord": _array("i"),
    "number": _array(f"'B' || (:cohort::bigint * {data.CLASS_SIZE} + i)"),
    "record": _array("bench.uuid7(clock_timestamp())"),
    "audit": _array("bench.uuid7(clock_timestamp())"),
    "student": _array(f":cohort::bigint * {data.CLASS_SIZE} + i + 1"),
    "snapshot": _array(f":cohort::bigint * {data.CLASS_SIZE} + i + 1"),
    "section": _array(f"(SELECT section_id FROM attendance_session_sections WHERE session_id = {_SESSION})"),
    "status": _array("CASE WHEN i % 7 = 0 THEN 'absent' WHEN i % 11 = 0 THEN 'late' ELSE 'present' END"),
    "remarks": _array("NULL::text"),
    "told_before": _array("NULL::text"),
    "told_after": _array('text \'{"status": "present", "source": "manual"}\''),
}
_SCRIPT = f"""\\set n {baseline.CLIENTS} * :i + :client_id
\\set i :i + 1
\\set cohort :n % {data.FULL_COHORTS}
\\set session {data.FIRST_OPEN_SESSION} + (:first + :n / {data.FULL_COHORTS}) * {data.COHORTS} + :cohort
BEGIN;
SELECT status FROM attendance_session WHERE id = {_SESSION} FOR SHARE;
{baseline.filled(mark_rows._LOOK_UP, _VALUES)}{baseline.filled(mark_rows._WRITE, _VALUES)}COMMIT;
"""
