"""Kill -9 of the web server in the middle of a bulk mark of 500: nothing of it is there, or all."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from _campushub.processes import wait_for

from tests.faults.sites import OPEN_CLASS, Site, site

SIZE = 500


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with site() as found:
        yield found


@pytest.mark.parametrize(
    "rounds", [pytest.param(4, id="a-few"), pytest.param(25, id="many", marks=pytest.mark.deep)]
)
def test_a_bulk_mark_is_there_as_a_whole_or_not_at_all(running: Site, rounds: int) -> None:
    assert running.sql("SHOW fsync") == [("on",)]
    room = running.run(OPEN_CLASS.format(students=SIZE))
    # Marking them once tells how long it takes, so that the kills fall before, within and after.
    statuses = ["late", "present"]
    begun = time.monotonic()
    answer = _mark(running, room, "present")
    taken = time.monotonic() - begun
    assert (answer, _saved(running, room)) == (200, {"present": SIZE})
    was = "present"

    cut_short, committed = 0, len(_audited(running))
    for number in range(rounds):
        status = statuses[number % 2]
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(_mark, running, room, status)
            time.sleep(taken * (number + 0.5) / rounds)
            running.kill()
            answered = asked.result()
        _until_nobody_is_in_a_transaction(running)
        saved = _saved(running, room)
        # Whole: and what was acknowledged is there.
        assert saved in ({was: SIZE}, {status: SIZE})
        if answered == 200:
            assert saved == {status: SIZE}
        else:
            cut_short += 1
        committed += status in saved
        # The audit trail is part of the same all or nothing.
        assert len(_audited(running)) == committed
        assert len(set(_audited(running))) == 1
        (was,) = saved
        running.start()

    assert cut_short > 0, "no kill came in the middle"
    assert _mark(running, room, "present") == 200
    assert _saved(running, room) == {"present": SIZE}


def _mark(site: Site, room: dict[str, Any], status: str) -> int:
    """The answer's status; 0 when the connection broke."""
    marks = [{"student": number, "status": status} for number in room["numbers"]]
    try:
        return site.ask(
            "POST",
            "/api/v1/attendance/records/bulk-mark/",
            {"session": room["session"], "marks": marks},
            token=room["office"],
        ).status
    except (OSError, http.client.HTTPException):
        return 0


def _saved(site: Site, room: dict[str, Any]) -> dict[str, int]:
    return dict(
        site.sql(
            "SELECT status, count(*) FROM attendance_record WHERE session_id = %s GROUP BY status",
            room["session"],
        )
    )


def _audited(site: Site) -> list[int]:
    """Entries of each operation on records, oldest first."""
    rows = site.sql(
        "SELECT count(*) FROM attendance_audit_log WHERE action LIKE 'record.%%' GROUP BY operation_id"
    )
    return [int(row[0]) for row in rows]


def _until_nobody_is_in_a_transaction(site: Site) -> None:
    """PostgreSQL notices a client's death when it next talks to it; a commit on its way is decided by then."""

    def done() -> bool:
        return site.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ) == [(0,)]

    assert wait_for(done, seconds=30)
