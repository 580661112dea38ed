"""PostgreSQL stopped dead and started again: 503 with a code while it is away, then everything goes on by itself."""

from __future__ import annotations

from itertools import count

from _campushub.processes import wait_for

from core import jobs
from tests.faults.sites import PATIENCE, Answer, Room, Site

_SEND = """
import json
import campushub.celery
from core.tasks import send_to_broker
send_to_broker("{job}", {{}})
print(json.dumps(None))
"""

NAMES = (f"nobody{number}" for number in count())


def refused(answer: Answer) -> bool:
    """With the error shape, a code, and when to try again."""
    assert (answer.status, answer.code, answer.json["type"]) == (503, "database_unavailable", "server_error")
    assert int(answer.headers["Retry-After"]) > 0
    return True


def attempt_to_sign_in(site: Site) -> Answer:
    """As somebody who does not exist, and somebody else each time, so that nobody is locked out."""
    return site.ask("POST", "/api/v1/auth/token/", {"username": next(NAMES), "password": "wrong-password"})


def test_a_restart_of_postgresql_needs_no_restart_of_ours(running: Site) -> None:
    running.start_worker()
    running.start_live()
    room = Room.open(running, students=8)
    cookies = running.sign_in(room.teacher_name, room.password)
    assert room.scan(running, 0).status == 201
    with running.watch(room) as screen:
        screen.until(1)
        running.stop_database()

        scans = [room.scan(running, student) for student in (1, 1, 2)]
        assert all(map(refused, scans))
        assert refused(room.mark(running, 3, "late"))
        assert refused(room.bulk_mark(running, "present", first=4))
        assert refused(room.roster(running))
        assert refused(room.summary(running, 1))
        assert running.ask("GET", f"/classes/{room.session}/", Cookie=cookies).status == 503
        assert running.ask("GET", "/healthz").status == 200

        running.start_servers()
        # The gate, every thread of the web process, the live process and the worker hold connections that are dead.
        assert wait_for(lambda: room.scan(running, 1).status != 503, seconds=PATIENCE)
        assert [room.scan(running, student).status for student in (1, 2)] == [200, 201]
        assert [room.roster(running).status for _ in range(8)] == [200] * 8
        assert room.mark(running, 3, "late").status == 201
        assert room.bulk_mark(running, "present", first=4).status == 200
        assert running.ask("GET", f"/classes/{room.session}/", Cookie=cookies).status == 200
        assert screen.until(7)["counts"]["late"] == 1

    # Nothing of what was refused had been done.
    assert room.saved(running) == {"present": 7, "late": 1}
    running.sql("DELETE FROM core_task_health WHERE name = %s", jobs.TIDY_UP)
    running.run(_SEND.format(job=jobs.TIDY_UP))
    assert wait_for(lambda: _has_run(running, jobs.TIDY_UP), seconds=PATIENCE), running.log("worker")
    assert running.all_run()


def test_a_connection_that_died_with_the_database_costs_nobody_a_request(running: Site) -> None:
    room = Room.open(running, students=3)
    assert room.scan(running, 0).status == 201
    assert [attempt_to_sign_in(running).status for _ in range(8)] == [401] * 8
    running.stop_database()
    running.start_servers()

    # Every thread and the gate still hold a connection to the server that is gone.
    assert [attempt_to_sign_in(running).status for _ in range(12)] == [401] * 12
    assert [room.scan(running, student).status for student in (0, 1)] == [200, 201]


def test_whoever_signs_in_while_the_database_is_down_is_told_to_try_again(running: Site) -> None:
    before = attempt_to_sign_in(running)
    assert (before.status, before.code) == (401, "invalid_credentials")
    running.stop_database()

    assert all(refused(attempt_to_sign_in(running)) for _ in range(6))

    running.start_servers()
    assert [attempt_to_sign_in(running).status for _ in range(12)] == [401] * 12


def test_a_page_says_so_in_words_although_its_session_cannot_be_read(running: Site) -> None:
    running.stop_database()

    cookie = f"campushub_session_{running.port('web')}=abcdefghijklmnopqrstuvwxyz012345"
    page = running.ask("GET", "/", Cookie=cookie)

    assert page.status == 503
    assert page.headers["Content-Type"].startswith("text/html")
    assert "CampusHub is not reachable right now" in page.body
    assert page.headers["X-Request-ID"] in page.body
    assert int(page.headers["Retry-After"]) > 0


def test_readiness_names_the_part_that_is_down(running: Site) -> None:
    assert running.ask("GET", "/readyz").status == 200
    running.stop_database()

    down = running.ask("GET", "/readyz")

    assert (down.status, down.json["status"]) == (503, "down")
    assert "database" in down.json["down"]
    running.start_servers()
    assert running.ask("GET", "/readyz").status == 200


def _has_run(site: Site, job: str) -> bool:
    return site.sql("SELECT 1 FROM core_task_health WHERE name = %s AND succeeded_at IS NOT NULL", job) != []
