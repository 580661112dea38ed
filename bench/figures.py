"""Percentages: students who look at theirs, and all of them computed anew."""

from __future__ import annotations

import time

from _campushub.console import Problem, say

from attendance.selectors import figures
from bench import baseline, data
from bench.load import drive, expect, percentile
from bench.place import Place
from bench.report import Result
from bench.requests import SummaryRequests, answered

CONNECTIONS = 16
WARM_UP = 2.0
#: So many answers are compared with the records.
CHECKED = 200


def summary(place: Place, *, seconds: int, rows: int) -> Result:
    """Every request another student; pgbench with the one statement that computes the answer."""
    beside = baseline.pgbench(place, _SCRIPT, first=0, seconds=seconds)
    say(f"  {beside.name}: {beside.rate:,.0f} transactions per second")
    with place.site("web") as site:
        requests = SummaryRequests()
        outcome = drive(
            site.web, requests, first=0, connections=CONNECTIONS, seconds=seconds, warm_up=WARM_UP
        )
        expect(outcome, {200})
        checked = check(place, site.web, requests)
    return Result(
        name="summary",
        rate=outcome.rate,
        p50_ms=outcome.percentile(0.5),
        p95_ms=outcome.percentile(0.95),
        p99_ms=outcome.percentile(0.99),
        rows_checked=checked,
        rows_at_start=rows,
        baseline_name=beside.name,
        baseline_rate=beside.rate,
    )


def check(place: Place, port: int, requests: SummaryRequests) -> int:
    """Compare some answers with a recount of the records. Raises Problem where they differ.

    Returns the number of records counted for it.
    """
    compared = 0
    with place.connect() as database:
        for number in range(CHECKED):
            answer = answered(port, requests(number))
            student = number * data.STRIDE % data.STUDENTS
            counted = database.execute(_RECOUNT, [student + 1]).fetchall()
            told = [
                (one["course"]["code"], *(one[name] for name in ("present", "late", "absent")))
                for one in answer["courses"]
                if one["held"]
            ]
            if told != counted:
                raise Problem(f"Student {student} was told {told}; the records say {counted}.")
            compared += sum(sum(row[1:]) for row in counted)
    return compared


def recompute(place: Place, *, seconds: int, rows: int) -> Result:
    """One kept figure is wrong, so all are computed anew; beside it the bare counting of the same records.

    It takes as long as it takes, whatever `seconds` says; `rate` is records per second. Raises Problem when a figure
    is wrong afterwards.
    """
    from attendance.services import statistics
    from core import clock

    with place.connect() as database:
        begun = time.perf_counter()
        database.execute(_BARE).fetchall()
        bare = time.perf_counter() - begun
        database.execute(_SPOIL)
    begun = time.perf_counter()
    found = statistics.repair(by=None, now=clock.now())
    taken = time.perf_counter() - begun
    begun = time.perf_counter()
    left = statistics.check()
    looked = time.perf_counter() - begun
    if len(found) != 1 or left:
        raise Problem(f"One figure was wrong; {len(found)} were found and {len(left)} are left.")
    return Result(
        name="recompute",
        rate=rows / taken,
        p50_ms=percentile([taken], 0.5),
        p95_ms=percentile([taken], 0.95),
        p99_ms=percentile([taken], 0.99),
        rows_checked=rows,
        rows_at_start=rows,
        baseline_name="counting them, nothing else",
        baseline_rate=rows / bare,
        notes={"compare and repair (s)": round(taken, 2), "only compare (s)": round(looked, 2)},
    )


_RECOUNT = """
SELECT c.code, count(*) FILTER (WHERE r.status = 'present'), count(*) FILTER (WHERE r.status = 'late'),
       count(*) FILTER (WHERE r.status = 'absent')
  FROM attendance_record r
  JOIN attendance_session s ON s.id = r.session_id AND s.status IN ('closed', 'locked')
  JOIN academics_section sec ON sec.id = r.section_id
  JOIN academics_course c ON c.id = sec.course_id
 WHERE r.student_id = %s GROUP BY c.code ORDER BY c.code
"""
_BARE = """
SELECT count(*) FROM (
    SELECT student_id, section_id, count(*) FILTER (WHERE status = 'present') FROM attendance_record GROUP BY 1, 2) n
"""
_SPOIL = """
UPDATE attendance_statistics SET present = present + 1, held = held + 1
 WHERE id = (SELECT min(id) FROM attendance_statistics)
"""
_VALUES = {"student": ":student", "term": "1", "school": str(data.SCHOOL), "on": "current_date"}
_SCRIPT = f"""\\set n :first + {baseline.CLIENTS} * :i + :client_id
\\set i :i + 1
\\set student ((:n * {data.STRIDE}) % {data.STUDENTS}) + 1
{baseline.filled(figures._SUMMARY, _VALUES)}"""
