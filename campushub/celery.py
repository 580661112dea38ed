"""Workers and beat. Tasks arrive at least once; what runs when is listed here and nowhere else."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging, task_postrun, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campushub.settings")

import structlog
from django.conf import settings

from accounts import jobs as accounts
from attendance import jobs as attendance
from audit import jobs as audit
from core import jobs
from notifications import jobs as notifications

app = Celery("campushub")
app.conf.update(
    broker_url=settings.REDIS_URL,
    # Results are rows of our own; whether a task ran is in TaskHealth.
    result_backend=None,
    task_ignore_result=True,
    # A worker that dies gives its task back; a task is therefore harmless when it runs again.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # Below the visibility timeout: whatever hangs is ended before another worker gets its task.
    task_soft_time_limit=3600,
    task_time_limit=3900,
    timezone="UTC",
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        # A little longer than the longest task: what is not acknowledged by then is given to another worker.
        "visibility_timeout": 4500,
        "socket_connect_timeout": 5,
        # Longer than the blocking read of an idle worker, so that only a dead connection times out.
        "socket_timeout": 30,
        "socket_keepalive": True,
        "health_check_interval": 25,
    },
    worker_hijack_root_logger=False,
    # Prefixes keep two sites on one Redis server apart, should they ever share one.
    task_default_queue="campushub",
)
app.autodiscover_tasks()


def _every(seconds: float, task: str) -> dict[str, Any]:
    # What no worker took until the next one is due is dropped: a pile of them would do nothing new.
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


def _hourly(minute: int, task: str) -> dict[str, Any]:
    """By the clock, not from the start of beat: one that is restarted often would never get there."""
    return {"task": task, "schedule": crontab(minute=minute), "options": {"expires": 3600}}


def _nightly(minute: int, task: str) -> dict[str, Any]:
    """Sent every hour at that minute, works once a night: see `core.tasks.scheduled`."""
    return _hourly(minute, task)


#: Times are UTC; the tasks themselves look at each school's own date.
app.conf.beat_schedule = {
    "relay outbox": _every(10, jobs.RELAY_OUTBOX),
    "open classes": _every(30, attendance.OPEN_DUE),
    "close classes": _every(30, attendance.CLOSE_DUE),
    "tell absences": _every(30, attendance.TELL_ABSENCES),
    "rematch readings": _every(60, attendance.REMATCH_READINGS),
    "resume exports": _every(60, attendance.RESUME_EXPORTS),
    "seal audit": _every(60, audit.SEAL),
    "send mail": _every(60, notifications.SEND_MAIL),
    "send webhooks": _every(60, notifications.SEND_WEBHOOKS),
    "refresh summaries": _hourly(15, attendance.REFRESH_SUMMARIES),
    "lock classes": _nightly(5, attendance.LOCK_DUE),
    "plan the fortnight": _nightly(10, attendance.GENERATE_FORTNIGHT),
    "apply retention": _nightly(15, attendance.APPLY_RETENTION),
    "verify audit": _nightly(20, audit.VERIFY),
    "expire exports": _nightly(30, attendance.EXPIRE_EXPORTS),
    "tidy up": _nightly(40, jobs.TIDY_UP),
    "ensure partitions": _nightly(42, jobs.ENSURE_PARTITIONS),
    "forget sign-ins": _nightly(46, accounts.FORGET_SIGN_INS),
    "forget tickets": _nightly(50, attendance.FORGET_TICKETS),
    "tell of shortages": _nightly(35, attendance.TELL_SHORTAGES),
    "forget notices": _nightly(54, notifications.FORGET),
}


@setup_logging.connect
def use_our_logging(**kwargs: Any) -> None:
    """Django has set up logging already; Celery must not do it again in its own way."""


@task_prerun.connect
def bind_task(task_id: str, task: Any, **kwargs: Any) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task_id=task_id, task=task.name)


@task_postrun.connect
def unbind_task(**kwargs: Any) -> None:
    structlog.contextvars.clear_contextvars()
