"""Kill -9 of the web server in the middle of a bulk mark of 500: nothing of it is there, or all."""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from _campushub.processes import wait_for

from tests.faults.sites import PATIENCE, Room, Site

SIZE = 500


@pytest.mark.parametrize(
    "rounds", [pytest.param(3, id="a-few"), pytest.param(25, id="many", marks=pytest.mark.deep)]
)
def test_a_bulk_mark_is_there_as_a_whole_or_not_at_all(running: Site, rounds: int) -> None:
    assert running.sql("SHOW fsync") == [("on",)]
    room = Room.open(running, students=SIZE)
    # Marking them once tells how long it takes, so that the kills fall before, within and after.
    begun = time.monotonic()
    assert room.bulk_mark(running, "present").status == 200
    taken = time.monotonic() - begun
    assert room.saved(running) == {"present": SIZE}

    was, cut_short, committed = "present", 0, 1
    for number in range(rounds):
        wanted = "late" if was == "present" else "present"
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(_status_of_bulk_mark, running, room, wanted)
            time.sleep(taken * (number + 0.5) / rounds)
            running.kill("web")
            answered = asked.result()
        _until_nobody_is_in_a_transaction(running)

        saved = room.saved(running)
        # Whole: and what was acknowledged is there.
        assert saved in ({was: SIZE}, {wanted: SIZE})
        if answered is None:
            cut_short += 1
        else:
            assert (answered, saved) == (200, {wanted: SIZE})
        committed += wanted in saved
        # The audit trail is part of the same all or nothing.
        assert _entries_of_each_operation(running, room) == [SIZE] * committed
        (was,) = saved
        running.start_web()

    assert cut_short > 0, "no kill came in the middle"
    assert room.bulk_mark(running, "absent").status == 200
    assert room.saved(running) == {"absent": SIZE}


def _status_of_bulk_mark(site: Site, room: Room, status: str) -> int | None:
    """None when the connection broke before an answer."""
    try:
        return room.bulk_mark(site, status).status
    except (OSError, http.client.HTTPException):
        return None


def _entries_of_each_operation(site: Site, room: Room) -> list[int]:
    """How many audit entries each operation on this class's records left."""
    rows = site.sql(
        "SELECT count(*) FROM attendance_audit_log a JOIN attendance_record r ON r.id::text = a.object_id"
        " WHERE r.session_id = %s AND a.action LIKE 'record.%%' GROUP BY a.operation_id",
        room.session,
    )
    return [int(row[0]) for row in rows]


def _until_nobody_is_in_a_transaction(site: Site) -> None:
    """PostgreSQL notices a client's death when it next talks to it; a commit on its way is decided by then."""

    def done() -> bool:
        return site.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ) == [(0,)]

    assert wait_for(done, seconds=PATIENCE)
