"""Valkey is dead: classes go on as if nothing were, and what was to be done later is done when it is back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from _campushub.processes import wait_for

from core import jobs
from tests.faults.sites import PATIENCE, Room, Site

#: So long (seconds) a person waits for an answer; the dead server is asked for half a second, now and then.
SOON = 10

_ENQUEUE = """
import json
from django.db import transaction
from core import outbox
with transaction.atomic():
    for job in {jobs}:
        outbox.enqueue(job)
print(json.dumps(None))
"""

#: What beat has a worker do every ten seconds.
_RELAY = """
import json
import campushub.celery
from core.tasks import relay_outbox
print(json.dumps(relay_outbox()))
"""


@pytest.mark.parametrize("away", [Site.kill_valkey, Site.freeze_valkey], ids=["dead", "frozen"])
def test_a_class_goes_on_without_valkey(running: Site, away: Callable[[Site], None]) -> None:
    running = replace(running, patience=SOON)
    room = Room.open(running, students=8)
    assert room.scan(running, 0).status == 201
    before = room.summary(running, 1).json["overall"]
    away(running)

    scanned = [room.scan(running, student) for student in (1, 1, 2)]
    marked = room.mark(running, 3, "late")
    bulk = room.bulk_mark(running, "present", first=4)
    roster = room.roster(running)
    summary = room.summary(running, 1)
    cookies = running.sign_in(room.teacher_name, room.password)
    home = running.ask("GET", "/", Cookie=cookies)
    page = running.ask("GET", f"/classes/{room.session}/", Cookie=cookies)
    ready = running.ask("GET", "/readyz")

    assert [answer.status for answer in scanned] == [201, 200, 201]
    assert (marked.status, marked.json["status"]) == (201, "late")
    assert (bulk.status, bulk.json) == (200, {"saved": 4, "unchanged": 0, "failed": []})
    assert (roster.status, summary.status, home.status, page.status) == (200, 200, 200, 200)
    assert summary.json["overall"] == before  # an open class counts for nobody yet
    assert room.numbers[1] in page.body
    assert (ready.status, ready.json["status"], "redis" in ready.json["down"]) == (200, "degraded", True)
    assert room.saved(running) == {"present": 7, "late": 1}
    running.start_servers()
    assert room.scan(running, 2).status == 200


def test_jobs_asked_for_while_valkey_was_dead_run_once_when_it_is_back(running: Site) -> None:
    running.sql("DELETE FROM core_task_health")
    running.start_worker()
    assert wait_for(lambda: "ready." in running.log("worker"), seconds=PATIENCE), running.log("worker")
    running.kill_valkey()
    wanted = [jobs.TIDY_UP, jobs.ENSURE_PARTITIONS]

    running.run(_ENQUEUE.format(jobs=wanted))
    away = running.run(_RELAY)
    assert (away["sent"], away["broker_away"]) == (0, True)
    assert _waiting(running) == wanted

    running.start_servers()
    assert running.run(_RELAY) == {"sent": 2, "failed": 0, "broker_away": False}
    assert wait_for(lambda: _succeeded(running) >= set(wanted), seconds=PATIENCE), running.log("worker")

    assert _waiting(running) == []
    assert running.run(_RELAY)["sent"] == 0
    assert [_runs(running, job) for job in wanted] == [1, 1], running.log("worker")
    assert running.all_run()


def _waiting(site: Site) -> list[str]:
    return [job for (job,) in site.sql("SELECT job FROM core_outbox WHERE sent_at IS NULL ORDER BY id")]


def _succeeded(site: Site) -> set[str]:
    return {name for (name,) in site.sql("SELECT name FROM core_task_health WHERE succeeded_at IS NOT NULL")}


def _runs(site: Site, job: str) -> int:
    """How often the worker says it ran the job; its line may come after the success is known."""
    line = re.compile(rf"task={re.escape(job)}\s")
    wait_for(lambda: line.search(site.log("worker")) is not None, seconds=PATIENCE)
    return len(line.findall(site.log("worker")))
