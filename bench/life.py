"""The life of classes: opened and closed by their teachers, and a whole day of them closed by the clock."""

from __future__ import annotations

import time

from _campushub.console import Problem, say

from attendance.services import sessions, statistics
from bench import baseline, data
from bench.load import Outcome, drive, expect, percentile
from bench.place import Place
from bench.report import Result
from bench.requests import LifeRequests

CONNECTIONS = 8
WARM_UP = 2.0
#: More than anything here can do: so many classes per second must be there to be opened.
FASTEST = 500
#: A day of a large college, and how many of its classes end with the same minute.
DAY, SAME_MINUTE = 2_000, 1_000


def open_close(place: Place, *, seconds: int, rows: int) -> Result:
    """Classes of sixty whom nobody has marked: opened, then closed, which makes sixty absent.

    `rate` counts requests, openings and closings alike, half each. Beside it pgbench does what both write.
    """
    first = place.waves(waves(seconds))
    beside = baseline.pgbench(place, _SCRIPT, first=first, seconds=seconds)
    # A transaction there is an opening and a closing.
    beside = baseline.Baseline(beside.transactions, 2 * beside.rate, f"{beside.name}, of the same")
    say(f"  {beside.name}: {beside.rate:,.0f} per second")
    first = place.waves(waves(seconds + WARM_UP), planned=True)
    with place.site("web") as site:
        outcome = drive(
            site.web, LifeRequests(first), first=0, connections=CONNECTIONS, seconds=seconds, warm_up=WARM_UP
        )
    expect(outcome, {200})
    return Result(
        name="openclose",
        rate=outcome.rate,
        p50_ms=outcome.percentile(0.5),
        p95_ms=outcome.percentile(0.95),
        p99_ms=outcome.percentile(0.99),
        rows_checked=check(place, outcome, first=first),
        rows_at_start=rows,
        baseline_name=beside.name,
        baseline_rate=beside.rate,
        notes={"classes opened and closed per second": round(outcome.rate / 2)},
    )


def waves(seconds: float) -> int:
    """So many waves of classes are enough for so long."""
    return int(seconds * FASTEST) // data.FULL_COHORTS + 1


def check(place: Place, outcome: Outcome, *, first: int) -> int:
    """Look at every class in the database. Raises Problem unless it is as it was answered, each closed one with sixty
    absent, and all percentages are what the records say. Returns the number of records."""
    opened, closed = (
        {
            LifeRequests.place(number)
            for number in outcome.acknowledged
            if LifeRequests.closes(number) is closing
        }
        for closing in (False, True)
    )
    with place.connect() as database:
        found = database.execute(
            _STATES, {"first": data.session_of(first, 0), "last": data.session_of(place.next_wave, 0) - 1}
        ).fetchone()
    wanted = (len(opened - closed), len(closed), len(closed) * data.CLASS_SIZE, len(opened) + len(closed))
    if found != wanted:
        raise Problem(f"open, closed, absent, entries should be {wanted}; they are {found}.")
    return len(closed) * data.CLASS_SIZE


def closing(place: Place, *, seconds: int, rows: int) -> Result:
    """Two thousand classes of a day, a thousand of which end with the same minute; in each nobody was marked.

    The clock's own service closes them, as the worker does. It takes as long as it takes, whatever `seconds` says;
    `rate` is classes per second. Beside it pgbench, with one client, writes what a closing writes.
    """
    from attendance.models import Session
    from attendance.services import scheduler
    from core import clock

    first = place.waves(1)
    beside = baseline.pgbench(place, _SCRIPT, first=first, seconds=seconds, clients=1)
    first = place.waves(-(-DAY // data.FULL_COHORTS))
    with place.connect() as database:
        database.execute(_ENDING, {"first": data.session_of(first, 0), "many": SAME_MINUTE, "minutes": 6})
        begun = time.perf_counter()
        at_once = scheduler.close_due(now=clock.now())
        rush = time.perf_counter() - begun
        database.execute(_ENDING, {"first": data.session_of(first, 0), "many": DAY, "minutes": 30})
    begun = time.perf_counter()
    rest = scheduler.close_due(now=clock.now())
    taken = rush + time.perf_counter() - begun
    with place.connect() as database:
        found = database.execute(
            _STATES, {"first": data.session_of(first, 0), "last": data.session_of(first, 0) + DAY - 1}
        ).fetchone()
        wanted = database.execute(_ROSTERS, [data.session_of(first, 0), DAY]).fetchone()
    if (at_once.done, rest.done) != (SAME_MINUTE, DAY - SAME_MINUTE) or found[1:3] != (DAY, *wanted):
        raise Problem(
            f"{at_once.done} and {rest.done} were closed, {at_once.failed + rest.failed} failed: {found}"
        )
    if wrong := statistics.check(
        school=Session.objects.get(pk=data.session_id(data.session_of(first, 0))).school
    ):
        raise Problem(f"{len(wrong)} percentages are not what the records say.")
    each = taken / DAY
    return Result(
        name="closing",
        rate=DAY / taken,
        p50_ms=percentile([each], 0.5),
        p95_ms=percentile([each], 0.95),
        p99_ms=percentile([each], 0.99),
        rows_checked=wanted[0],
        rows_at_start=rows,
        baseline_name="pgbench -M prepared -c 1",
        baseline_rate=beside.rate,
        notes={
            f"{SAME_MINUTE:,} that end with the same minute (s)": round(rush, 1),
            f"all {DAY:,} of the day (s)": round(taken, 1),
        },
    )


_STATES = """
WITH asked AS (
    SELECT id, status FROM attendance_session
     WHERE id BETWEEN bench.session_id(%(first)s) AND bench.session_id(%(last)s)
)
SELECT (SELECT count(*) FROM asked WHERE status = 'open'), (SELECT count(*) FROM asked WHERE status = 'closed'),
       (SELECT count(*) FROM attendance_record r JOIN asked ON asked.id = r.session_id
         WHERE r.status = 'absent' AND r.source = 'system'),
       (SELECT count(*) FROM attendance_audit_log e JOIN asked ON asked.id::text = e.object_id
         WHERE e.object_type = 'session')
"""
_ROSTERS = f"""
SELECT sum(least({data.CLASS_SIZE}, {data.STUDENTS} - n %% {data.COHORTS} * {data.CLASS_SIZE}))::bigint
  FROM (SELECT %s::bigint - {data.FIRST_OPEN_SESSION} + generate_series(0, %s - 1) AS n) numbers
"""
# Begun two hours before, so that they end after their beginning.
_ENDING = """
UPDATE attendance_session
   SET starts_at = now() - interval '2 hours', ends_at = now() - make_interval(mins => %(minutes)s)
 WHERE id BETWEEN bench.session_id(%(first)s) AND bench.session_id(%(first)s + %(many)s - 1) AND status = 'open'
"""

_SESSION = "bench.session_id(:session)"
_DAY = f"(SELECT held_on FROM attendance_session WHERE id = {_SESSION})"
_VALUES = {
    "session": _SESSION,
    "held_on": _DAY,
    "school": str(data.SCHOOL),
    "now": "now()",
    "mark_absent": "true",
    "students": "NULL",
}
_ENTRY = f"""
INSERT INTO attendance_audit_log (id, at, school_id, operation_id, actor_id, actor_kind, action, object_type,
    object_id, before, after, reason, request_id)
VALUES (bench.uuid7(clock_timestamp()), now(), {data.SCHOOL}, bench.uuid7(clock_timestamp()), 1, 'user',
    'session.open', 'session', {_SESSION}::text, '{{"status": "scheduled"}}', '{{"status": "open"}}', '', '');
"""
_SCRIPT = f"""\\set n :clients * :i + :client_id
\\set i :i + 1
\\set wave :first + :n / {data.FULL_COHORTS}
\\set session {data.session_of(0, 0)} + :wave * {data.COHORTS} + :n % {data.FULL_COHORTS}
BEGIN;
SELECT status FROM attendance_session WHERE id = {_SESSION} FOR UPDATE;
UPDATE attendance_session SET status = 'open', opened_at = now(), opened_by_human_at = now() WHERE id = {_SESSION};
{" ".join(_ENTRY.split())}
COMMIT;
BEGIN;
SELECT status FROM attendance_session WHERE id = {_SESSION} FOR UPDATE;
{baseline.filled(sessions._ABSENTEES, _VALUES)}
UPDATE attendance_session SET status = 'closed', closed_at = now() WHERE id = {_SESSION};
{" ".join(_ENTRY.split())}
{baseline.filled(statistics._APPLY.format(which=statistics._OF_ONE_CLASS), _VALUES)}COMMIT;
"""
