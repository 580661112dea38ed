"""A morning at nine: students scan, teachers mark, open and close, others look at their percentages, all at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from bench import life, marks, scans
from bench.load import Outcome, drive, expect
from bench.place import Place
from bench.report import Result
from bench.requests import BulkRequests, LifeRequests, ScanRequests, SummaryRequests

WARM_UP = 2.0


@dataclass
class _Part:
    """One kind of request, on connections of its own; `floor` so many a second are wanted of it."""

    name: str
    connections: int
    floor: int
    request: Callable[[int], bytes]
    first: int
    status: int
    outcome: Outcome | None = None
    error: Exception | None = None


def together(place: Place, *, seconds: int, rows: int) -> list[Result]:
    """Four kinds of requests, each as fast as its connections get answers. What the ratios are beside is the rate that
    is wanted of each under this load."""
    scanned = place.scans(int((seconds + WARM_UP) * 10_000))
    marked = place.waves(marks.waves(seconds + WARM_UP))
    held = place.waves(life.waves(seconds + WARM_UP), planned=True)
    summaries = SummaryRequests()
    parts = [
        _Part("scan", 32, 1_000, ScanRequests(), scanned, 201),
        _Part("bulk", 4, 100, BulkRequests(marked), 0, 200),
        _Part("summary", 16, 500, summaries, 0, 200),
        _Part("openclose", 2, 50, LifeRequests(held), 0, 200),
    ]
    with place.site("web") as site:
        threads = [threading.Thread(target=_run, args=(part, site.web, seconds)) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcomes = [_outcome_of(part) for part in parts]
        checked = [
            _check_scans(place, outcomes[0]),
            marks.check(place, outcomes[1], first=marked),
            outcomes[2].statuses[200],
            life.check(place, outcomes[3], first=held),
        ]
    return [
        Result(
            name=f"all: {part.name}",
            rate=outcome.rate,
            p50_ms=outcome.percentile(0.5),
            p95_ms=outcome.percentile(0.95),
            p99_ms=outcome.percentile(0.99),
            rows_checked=rows_checked,
            rows_at_start=rows,
            baseline_name="wanted",
            baseline_rate=part.floor,
        )
        for part, outcome, rows_checked in zip(parts, outcomes, checked, strict=True)
    ]


def _run(part: _Part, port: int, seconds: int) -> None:
    try:
        part.outcome = drive(
            port,
            part.request,
            first=part.first,
            connections=part.connections,
            seconds=seconds,
            warm_up=WARM_UP,
        )
    except Exception as error:
        part.error = error


def _outcome_of(part: _Part) -> Outcome:
    """What came back of a part. Raises what its thread raised, and Problem for an answer that was not wanted."""
    if part.error is not None:
        raise part.error
    assert part.outcome is not None
    expect(part.outcome, {part.status})
    return part.outcome


def _check_scans(place: Place, outcome: Outcome) -> int:
    """Raises Problem when an acknowledged scan has no record."""
    if missing := scans.absent(place, outcome.acknowledged):
        raise scans.Problem(f"{missing} acknowledged scans are not in the database.")
    return len(outcome.acknowledged)
