"""PostgreSQL stopped at once under full load, and started again: nothing acknowledged is lost."""

from __future__ import annotations

import signal
import threading
from collections import Counter

from _campushub import processes
from _campushub.console import Problem

from bench.load import Outcome, drive
from bench.place import Place
from bench.report import Result
from bench.requests import ScanRequests
from bench.scans import CONNECTIONS, WARM_UP, absent


def scan_restart(place: Place, *, seconds: int, rows: int) -> Result:
    """Scans go on while the database is stopped as by ``pg_ctl stop -m immediate`` and started again.

    Raises Problem when an acknowledged scan is missing, anything but 2xx and 503 was answered, nothing was refused
    while it was down, or nothing was recorded afterwards.
    """
    first = place.scans(seconds * 20_000)
    requests = ScanRequests()
    with place.site("web") as site:
        accident = _Accident(place, seconds)
        accident.start()
        outcome = drive(
            site.web,
            requests,
            first=first,
            connections=CONNECTIONS,
            seconds=seconds,
            warm_up=WARM_UP,
            keep_course=True,
        )
        accident.join()
        if accident.error:
            raise accident.error
    _judge(place, outcome)
    last_refused = max(at for at, status in outcome.course if status == 503)
    return Result(
        name="scan-restart",
        rate=outcome.rate,
        p50_ms=outcome.percentile(0.5),
        p95_ms=outcome.percentile(0.95),
        p99_ms=outcome.percentile(0.99),
        rows_checked=len(outcome.acknowledged),
        rows_at_start=rows,
        notes={
            "answers": dict(sorted(outcome.statuses.items())),
            "acknowledged and missing": 0,
            "last 503 after the start of the server (s)": round(last_refused - accident.up_after, 2),
        },
    )


class _Accident(threading.Thread):
    """Stops the server after a third of the time and starts it again after another third."""

    def __init__(self, place: Place, seconds: int) -> None:
        super().__init__(daemon=True)
        self._place = place
        self._third = seconds / 3
        self.up_after = 2 * self._third
        self.error: Exception | None = None

    def run(self) -> None:
        clock = threading.Event()
        try:
            clock.wait(WARM_UP + self._third)
            server = self._place.postgres
            pid = server.pid()
            if pid is None:
                raise Problem("PostgreSQL does not run.")
            # What `pg_ctl stop -m immediate` sends: no checkpoint, no farewell.
            processes.stop(pid, how=signal.SIGQUIT)
            clock.wait(self._third)
            # No death signal: it would come when this thread ends, not when the process does.
            server.start()
        except Exception as error:
            self.error = error


def _judge(place: Place, outcome: Outcome) -> None:
    statuses: Counter[int] = outcome.statuses
    if set(statuses) - {200, 201, 503} or outcome.dropped:
        raise Problem(f"Something else than 2xx and 503: {dict(statuses)}, {outcome.dropped} dropped.")
    if not statuses[503]:
        raise Problem("Nothing was refused while the database was down.")
    if missing := absent(place, outcome.acknowledged):
        raise Problem(f"{missing} acknowledged scans are not in the database.")
    last_refused = max(at for at, status in outcome.course if status == 503)
    if not any(status == 201 and at > last_refused for at, status in outcome.course):
        raise Problem("Nothing was recorded after the database was back.")
