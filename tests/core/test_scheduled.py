"""Scheduled tasks: never two at once, health recorded, a missed night made up for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery
from django.db import connections

import campushub.celery
from core import clock, health, jobs, outbox, tasks
from core.models import OutboxMessage, TaskHealth
from core.tasks import DONE_TONIGHT, SKIPPED, night_of, scheduled

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forget_test_tasks() -> Iterator[None]:
    """Tasks made here are none of the house's."""
    yield
    tasks_of_app = campushub.celery.app.tasks
    for name in [name for name in tasks_of_app if name.startswith("test.")]:
        tasks_of_app.unregister(name)


def test_success_is_recorded(now: datetime) -> None:
    @scheduled("test.fine", every=timedelta(minutes=1))
    def task() -> dict[str, int]:
        return {"done": 3}

    with clock.frozen(now):
        assert task() == {"done": 3}

    row = TaskHealth.objects.get(name="test.fine")
    assert (row.started_at, row.succeeded_at, row.failed_at, row.period_seconds) == (now, now, None, 60)


def test_failure_is_recorded_without_secrets_and_raised(now: datetime) -> None:
    def fail() -> None:
        raise ValueError("cannot write to someone@example.edu")

    task = scheduled("test.failing", every=timedelta(minutes=1))(fail)

    with clock.frozen(now), pytest.raises(ValueError):
        task()

    row = TaskHealth.objects.get(name="test.failing")
    assert (row.failed_at, row.succeeded_at) == (now, None)
    assert row.error == "ValueError: cannot write to [removed]"


@pytest.mark.django_db(transaction=True)
def test_a_second_run_at_the_same_time_does_nothing() -> None:
    running, let_go = threading.Event(), threading.Event()
    runs: list[str] = []

    def slow() -> str:
        runs.append("ran")
        running.set()
        let_go.wait(timeout=30)
        return "done"

    task = scheduled("test.slow", every=timedelta(minutes=1))(slow)
    results: list[str] = []

    def first() -> None:
        results.append(task())
        connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    running.wait(timeout=30)
    assert task() == SKIPPED
    let_go.set()
    thread.join(timeout=30)

    assert (results, runs) == (["done"], ["ran"])
    assert task() == "done"


def test_a_night_begins_at_the_latest_eight_in_the_evening() -> None:
    evening = datetime(2026, 11, 3, 20, 0, tzinfo=UTC)
    assert night_of(evening) == evening
    assert night_of(evening + timedelta(hours=23, minutes=59)) == evening
    assert night_of(evening - timedelta(seconds=1)) == evening - timedelta(days=1)


def test_a_nightly_task_works_once_a_night_and_makes_up_for_a_failed_hour() -> None:
    runs: list[datetime] = []

    def work() -> str:
        runs.append(clock.now())
        if len(runs) == 1:
            raise OSError("broker away")
        return "done"

    task = scheduled("test.nightly", every=timedelta(days=1), nightly=True)(work)
    start = datetime(2026, 11, 3, 20, 40, tzinfo=UTC)

    def tick(hours: int) -> str:
        with clock.frozen(start + timedelta(hours=hours)):
            return task()

    with pytest.raises(OSError):
        tick(0)
    assert [tick(1), tick(2), tick(23), tick(24), tick(25)] == [
        "done",
        DONE_TONIGHT,
        DONE_TONIGHT,
        "done",
        DONE_TONIGHT,
    ]


def test_a_task_that_has_not_succeeded_for_three_periods_is_overdue(now: datetime) -> None:
    TaskHealth.objects.create(name="a", period_seconds=60, started_at=now, succeeded_at=now)
    TaskHealth.objects.create(name="never", period_seconds=60, started_at=now)

    with clock.frozen(now + timedelta(seconds=180)):
        assert health.overdue_tasks() == []
    with clock.frozen(now + timedelta(seconds=181)):
        assert health.overdue_tasks() == ["a", "never"]


def test_every_scheduled_task_exists_and_no_beat_entry_is_faster_than_its_lock() -> None:
    campushub.celery.app.loader.import_default_modules()
    known = set(campushub.celery.app.tasks)

    wanted = {entry["task"] for entry in campushub.celery.app.conf.beat_schedule.values()}

    assert wanted <= known
    assert {jobs.RELAY_OUTBOX, jobs.TIDY_UP, jobs.ENSURE_PARTITIONS} <= wanted


def test_tidying_up_reports_what_it_forgot(now: datetime) -> None:
    OutboxMessage.objects.create(job="x", created_at=now, available_at=now, sent_at=now)
    with clock.frozen(now + timedelta(days=2)):
        assert tasks.tidy_up() == {"messages": 1, "answers": 0}


def test_partitions_of_next_year_are_there_in_time() -> None:
    tasks.ensure_partitions()
    with clock.frozen(datetime(2031, 5, 1, tzinfo=UTC)):
        assert any(name.endswith("__y2032") for name in tasks.ensure_partitions())


def test_a_broker_that_does_not_answer_is_told_apart_from_a_bad_message() -> None:
    elsewhere = Celery("elsewhere", broker="redis://127.0.0.1:1/0", set_as_current=False)
    elsewhere.set_current()
    try:
        with pytest.raises(outbox.BrokerAway):
            tasks.send_to_broker(jobs.TIDY_UP, {})
    finally:
        campushub.celery.app.set_current()
