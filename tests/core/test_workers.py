"""A real worker and a real beat, whose broker goes away and comes back."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import Popen
from urllib.parse import quote

import pytest
from _campushub import processes
from _campushub.processes import wait_for
from django.conf import settings
from django.db import connection, transaction
from kombu import Connection

from campushub.celery import app
from core import jobs, outbox
from core.models import OutboxMessage, TaskHealth
from tests.core.valkeys import OwnValkey
from tests.races import held, waiting

pytestmark = [pytest.mark.deep, pytest.mark.django_db(transaction=True)]

Start = Callable[..., Popen[bytes]]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[OwnValkey]:
    server = OwnValkey(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def celery(tmp_path: Path, valkey: OwnValkey) -> Iterator[Start]:
    """Start ``celery <arguments>`` on the test's database and broker; what it says is in ``<name>.log``."""
    values = connection.settings_dict
    user, password = quote(values["USER"]), quote(values["PASSWORD"])
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgres://{user}:{password}@{values['HOST']}:{values['PORT']}/{values['NAME']}",
        "REDIS_URL": valkey.url,
    }
    started: list[Popen[bytes]] = []

    def start(name: str, *arguments: str) -> Popen[bytes]:
        command = [sys.executable, "-m", "celery", "--app", "campushub.celery:app", *arguments]
        process = processes.start(
            command,
            log=tmp_path / f"{name}.log",
            env=environment,
            cwd=settings.BASE_DIR,
            death_signal=signal.SIGTERM,
        )
        started.append(process)
        return process

    yield start
    for process in reversed(started):
        processes.stop(process.pid)
        process.wait(timeout=30)


@pytest.fixture
def house(celery: Start, tmp_path: Path) -> list[Popen[bytes]]:
    """A worker and beat that have relayed once."""
    worker = celery("worker", "worker", "--concurrency", "1", "--loglevel", "INFO", "--without-gossip")
    beat = celery("beat", "beat", "--pidfile", "", "--schedule", str(tmp_path / "beat"))
    assert wait_for(lambda: succeeded(jobs.RELAY_OUTBOX), seconds=60), log(tmp_path)
    return [worker, beat]


def succeeded(task: str) -> bool:
    return TaskHealth.objects.filter(pk=task, succeeded_at__isnull=False).exists()


def log(folder: Path) -> str:
    return "".join(path.read_text()[-3000:] for path in sorted(folder.glob("*.log")))


def ask_for_tidying() -> None:
    TaskHealth.objects.filter(pk=jobs.TIDY_UP).delete()
    with transaction.atomic():
        outbox.enqueue(jobs.TIDY_UP)


def test_a_job_asked_for_while_the_broker_is_dead_is_done_after_its_return(
    house: list[Popen[bytes]], valkey: OwnValkey, tmp_path: Path
) -> None:
    valkey.kill()
    ask_for_tidying()
    valkey.start()

    assert wait_for(lambda: succeeded(jobs.TIDY_UP), seconds=90), log(tmp_path)
    assert not OutboxMessage.objects.filter(sent_at=None).exists()
    assert [process.poll() for process in house] == [None, None]


def test_workers_outlive_a_broker_that_is_away_for_longer_than_they_retry_at_once(
    house: list[Popen[bytes]], valkey: OwnValkey, tmp_path: Path
) -> None:
    worker_log, beat_log = tmp_path / "worker.log", tmp_path / "beat.log"
    before = worker_log.stat().st_size, beat_log.stat().st_size
    valkey.kill()

    def both_noticed() -> bool:
        return all(
            "Error" in path.read_text()[size:]
            for path, size in zip((worker_log, beat_log), before, strict=True)
        )

    assert wait_for(both_noticed, seconds=60), log(tmp_path)
    ask_for_tidying()
    valkey.start()

    assert wait_for(lambda: succeeded(jobs.TIDY_UP), seconds=90), log(tmp_path)
    assert [process.poll() for process in house] == [None, None]


def test_a_worker_replaces_a_process_of_its_pool_that_was_killed(
    house: list[Popen[bytes]], tmp_path: Path
) -> None:
    worker = house[0].pid
    before = children(worker)
    assert before
    for child in before:
        os.kill(child, signal.SIGKILL)
    ask_for_tidying()

    assert wait_for(lambda: succeeded(jobs.TIDY_UP), seconds=60), log(tmp_path)
    assert set(children(worker)).isdisjoint(before)
    assert house[0].poll() is None


def test_a_task_in_the_middle_of_which_its_worker_was_killed_is_done_by_another(
    celery: Start, valkey: OwnValkey, tmp_path: Path, now: datetime
) -> None:
    worker = ["worker", "--concurrency", "1", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    # What nobody acknowledged is handed out again after five seconds here, so that nobody waits for it.
    soon = {"visibility_timeout": 5, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    worker += ["--", f"broker.transport_options=(json){json.dumps(soon)}"]
    old = OutboxMessage.objects.create(
        job=jobs.TIDY_UP, arguments={}, created_at=now, available_at=now, sent_at=now - timedelta(days=2)
    )
    with held("SELECT 1 FROM core_outbox WHERE id = %s FOR UPDATE", old.pk):
        first = celery("first", *worker)
        with Connection(valkey.url) as broker:
            app.send_task(jobs.TIDY_UP, connection=broker)
        assert wait_for(lambda: waiting() == 1, seconds=60), log(tmp_path)
        processes.kill_group(first.pid)
    first.wait(timeout=30)
    assert OutboxMessage.objects.filter(pk=old.pk).exists()
    assert not succeeded(jobs.TIDY_UP)

    celery("second", *worker)

    assert wait_for(lambda: succeeded(jobs.TIDY_UP), seconds=90), log(tmp_path)
    assert not OutboxMessage.objects.filter(pk=old.pk).exists()


def test_a_killed_beat_goes_on_where_it_was(house: list[Popen[bytes]], celery: Start, tmp_path: Path) -> None:
    beat = house[1]
    processes.kill_group(beat.pid)
    beat.wait(timeout=30)
    TaskHealth.objects.all().delete()

    celery("beat", "beat", "--pidfile", "", "--schedule", str(tmp_path / "beat"))

    assert wait_for(lambda: succeeded(jobs.RELAY_OUTBOX), seconds=60), log(tmp_path)
    # Nothing of the nightly work was sent because of the restart.
    assert not TaskHealth.objects.filter(period_seconds__gte=86400).exists()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
