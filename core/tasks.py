"""The foundation's background tasks, and what every scheduled task of the house is made with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import structlog
from celery import current_app, shared_task
from django.db import DatabaseError, InterfaceError
from kombu.exceptions import OperationalError as BrokerError

from core import clock, idempotency, jobs, outbox, partitions
from core.locks import try_session_lock
from core.logging import scrub
from core.metrics import TASKS
from core.models import TaskHealth

log = structlog.get_logger(__name__)

SKIPPED = "skipped: already running"
DONE_TONIGHT = "skipped: done tonight"

#: Hour, in UTC: half past one in India, evening in America, where schools are closed as well.
NIGHT_BEGINS = 20


def scheduled(name: str, *, every: timedelta, nightly: bool = False) -> Callable[[Callable[[], Any]], Any]:
    """A Celery task that beat starts: never two at once, and its health is recorded.

    The lock is PostgreSQL's, held by this connection until the task ends, however it ends; a second run at the
    same time answers `SKIPPED`. What the function returns must have a JSON form: it goes to the log.

    A `nightly` task is sent every hour and works once per night: when the last success lies before the last
    `NIGHT_BEGINS`. So what a night missed, for want of a broker or a database, is done within the next hour.
    """

    def make(function: Callable[[], Any]) -> Any:
        @wraps(function)
        def run() -> Any:
            with try_session_lock("task", name) as got:
                if not got:
                    return SKIPPED
                if nightly and _done_tonight(name):
                    return DONE_TONIGHT
                return _recorded(name, every, function)

        return shared_task(name=name, ignore_result=True)(run)

    return make


def night_of(now: datetime) -> datetime:
    """When the night that belongs to `now` began: the latest `NIGHT_BEGINS` that has passed."""
    begins = now.astimezone(UTC).replace(hour=NIGHT_BEGINS, minute=0, second=0, microsecond=0)
    return begins if begins <= now else begins - timedelta(days=1)


def _done_tonight(name: str) -> bool:
    return TaskHealth.objects.filter(name=name, succeeded_at__gte=night_of(clock.now())).exists()


def _recorded(name: str, every: timedelta, function: Callable[[], Any]) -> Any:
    TaskHealth.objects.update_or_create(
        name=name, defaults={"period_seconds": int(every.total_seconds()), "started_at": clock.now()}
    )
    try:
        result = function()
    except Exception as error:
        TASKS.labels(name, "failed").inc()
        _record_failure(name, error)
        raise
    TaskHealth.objects.filter(name=name).update(succeeded_at=clock.now(), error="")
    TASKS.labels(name, "succeeded").inc()
    log.info("task", task=name, result=result)
    return result


def _record_failure(name: str, error: Exception) -> None:
    told = scrub(f"{type(error).__name__}: {error}")[:2000]
    try:
        TaskHealth.objects.filter(name=name).update(failed_at=clock.now(), error=told)
    except (DatabaseError, InterfaceError):
        # The database may be what failed: the task's own error is the one to be seen.
        log.warning("task_health_lost", task=name, failure=told)


@scheduled(jobs.RELAY_OUTBOX, every=timedelta(seconds=10))
def relay_outbox() -> dict[str, Any]:
    """Send what transactions asked for."""
    done = outbox.relay(send=send_to_broker, now=clock.now())
    return {"sent": done.sent, "failed": done.failed, "broker_away": done.broker_away}


@scheduled(jobs.TIDY_UP, every=timedelta(days=1), nightly=True)
def tidy_up() -> dict[str, int]:
    """Forget sent messages and old answers."""
    now = clock.now()
    return {"messages": outbox.purge(now=now), "answers": idempotency.purge(now=now)}


@scheduled(jobs.ENSURE_PARTITIONS, every=timedelta(days=1), nightly=True)
def ensure_partitions() -> list[str]:
    """This year's and next year's partitions, long before the first row needs them."""
    year = clock.now().year
    return partitions.ensure([year, year + 1])


def send_to_broker(job: str, arguments: dict[str, Any]) -> None:
    """Hand one job to Celery. Raises core.outbox.BrokerAway when the broker cannot be reached."""
    try:
        current_app.send_task(job, kwargs=arguments, retry=False)
    except (BrokerError, OSError) as error:
        raise outbox.BrokerAway(type(error).__name__) from error
