"""Scans per second: through the gate, repeated, and through the plain action, beside the bare database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from _campushub.console import Problem, say

from bench import baseline, data
from bench.load import Outcome, drive, expect
from bench.place import Place
from bench.report import Result
from bench.requests import Request, ScanRequests

CONNECTIONS = 32
WARM_UP = 2.0
#: More than anything here can do: so many scans per second must find an open class.
_FASTEST = 20_000


def scan(place: Place, *, seconds: int, rows: int) -> Result:
    """Every scan a new record by another student, committed before it is answered; pgbench in the same run."""
    beside = baseline.scans(place, first=place.scans(seconds * _FASTEST), seconds=seconds)
    say(f"  {beside.name}: {beside.rate:,.0f} transactions per second")
    with place.site("web") as site:
        outcome = _fresh(place, site.web, ScanRequests(), seconds)
    return _result("scan", outcome, rows, _check(place, outcome, also=beside.transactions), beside)


def scan_plain(place: Place, *, seconds: int, rows: int) -> Result:
    """The same without the gate: Django and DRF answer each scan by themselves; a first try at it in the same run."""
    with place.site("web", DJANGO_SETTINGS_MODULE="bench.first_try.settings") as site:
        first = _fresh(place, site.web, ScanRequests(plain=True), seconds)
    beside = baseline.Baseline(len(first.acknowledged), first.rate, "a first try with Django and DRF")
    say(f"  {beside.name}: {beside.rate:,.0f} per second")
    with place.site("web") as site:
        outcome = _fresh(place, site.web, ScanRequests(plain=True), seconds)
    checked = _check(place, outcome, also=beside.transactions)
    return _result("scan-plain", outcome, rows, checked, beside)


def scan_repeat(place: Place, *, seconds: int, rows: int) -> Result:
    """Students who scan again what is recorded: the same answer, and nothing written."""
    first = place.scans(1)
    with place.site("web") as site:
        requests = ScanRequests()
        made = drive(
            site.web, requests, first=first, connections=CONNECTIONS, seconds=600, limit=data.STUDENTS
        )
        written = _writes(place)
        outcome = drive(
            site.web,
            lambda number: requests(first + (number - first) % data.STUDENTS),
            first=first,
            connections=CONNECTIONS,
            seconds=seconds,
            warm_up=WARM_UP,
        )
        if (more := _writes(place)) != written:
            raise Problem(f"Repeated scans wrote something: {written} rows became {more}.")
    expect(outcome, {200})
    return _result("scan-repeat", outcome, rows, _check(place, made))


def _fresh(place: Place, port: int, requests: Request, seconds: int) -> Outcome:
    first = place.scans(int((seconds + WARM_UP) * _FASTEST))
    outcome = drive(port, requests, first=first, connections=CONNECTIONS, seconds=seconds, warm_up=WARM_UP)
    expect(outcome, {201})
    return outcome


def _check(place: Place, outcome: Outcome, *, also: int = 0) -> int:
    """Count the acknowledged scans in the database. Raises Problem unless each is there once, with its entry.

    `also` so many were made by somebody else in the same classes.
    """
    wanted = len(outcome.acknowledged) + also
    with place.connect() as database:
        counted = database.execute(
            "SELECT count(*), count(DISTINCT (session_id, student_id)), (SELECT count(*) FROM attendance_audit_log)"
            " FROM attendance_record WHERE session_id >= bench.session_id(%s)",
            [data.FIRST_OPEN_SESSION],
        ).fetchone()
    if counted != (wanted, wanted, wanted):
        raise Problem(f"{wanted} scans were acknowledged; rows, pairs and entries are {counted}.")
    missing = absent(place, outcome.acknowledged)
    if missing:
        raise Problem(f"{missing} acknowledged scans are not in the database.")
    return len(outcome.acknowledged)


def absent(place: Place, acknowledged: Iterable[int]) -> int:
    """How many of these scans have no record."""
    pairs = [data.pair(number) for number in acknowledged]
    with place.connect() as database:
        (count,) = database.execute(
            "SELECT count(*) FROM unnest(%s::bigint[], %s::bigint[]) AS scan (session, student)"
            " WHERE NOT EXISTS (SELECT 1 FROM attendance_record r"
            " WHERE r.session_id = bench.session_id(scan.session) AND r.student_id = scan.student)",
            [[pair.session for pair in pairs], [pair.student + 1 for pair in pairs]],
        ).fetchone() or (0,)
    return int(count)


def _writes(place: Place) -> tuple[Any, ...]:
    """Changes when anything writes: rows of records and entries, and transactions that wrote."""
    with place.connect() as database:
        counted = database.execute(
            "SELECT (SELECT count(*) FROM attendance_record), (SELECT count(*) FROM attendance_audit_log)"
        ).fetchone()
    return counted or ()


def _result(
    name: str, outcome: Outcome, rows: int, checked: int, beside: baseline.Baseline | None = None
) -> Result:
    return Result(
        name=name,
        rate=outcome.rate,
        p50_ms=outcome.percentile(0.5),
        p95_ms=outcome.percentile(0.95),
        p99_ms=outcome.percentile(0.99),
        rows_checked=checked,
        rows_at_start=rows,
        baseline_name=beside.name if beside else "",
        baseline_rate=beside.rate if beside else 0.0,
    )
