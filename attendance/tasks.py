"""What the clock does to classes. Each task calls one service and is harmless when it runs again."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from celery import shared_task

from accounts.models import School
from attendance import jobs
from attendance.services import (
    exports,
    generation,
    readings,
    retention,
    scheduler,
    shortages,
    summaries,
    tickets,
)
from core import clock
from core.tasks import scheduled

log = structlog.get_logger(__name__)

#: A class opens and closes at most a minute late: half of that for waiting, half for the work.
TICK = timedelta(seconds=30)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
#: Sessions exist so long ahead: lecturers see two weeks, and a week without workers does no harm.
AHEAD = timedelta(days=14)


class SweepIncomplete(Exception):
    """Some were done and some failed; the next run meets the failed ones again."""


@scheduled(jobs.OPEN_DUE, every=TICK)
def open_due() -> dict[str, int]:
    """Open the classes whose time has come."""
    return _told(scheduler.open_due(now=clock.now()))


@scheduled(jobs.CLOSE_DUE, every=TICK)
def close_due() -> dict[str, int]:
    """Close the classes that are over."""
    return _told(scheduler.close_due(now=clock.now()))


@scheduled(jobs.TELL_ABSENCES, every=TICK)
def tell_absences() -> dict[str, int]:
    """Tell whoever was absent from the classes that closed."""
    return _told(scheduler.tell_due(now=clock.now()))


@scheduled(jobs.REMATCH_READINGS, every=MINUTE)
def rematch_readings() -> dict[str, int]:
    """Look again at readings that came before their class was planned or opened, each school in its own transaction."""
    done, failed = 0, []
    for school in readings.waiting_schools():
        try:
            done += readings.rematch(school=school, now=clock.now()).matched
        except Exception as error:
            # Whatever is wrong in one school must not keep the others' students from being marked.
            log.exception("rematch_failed", school_id=school.pk)
            failed.append(f"{school.code} ({type(error).__name__})")
    if failed:
        raise SweepIncomplete(f"{len(failed)} of the schools failed: {', '.join(failed[:5])}")
    return {"done": done}


@scheduled(jobs.LOCK_DUE, every=DAY, nightly=True)
def lock_due() -> dict[str, int]:
    """Lock the classes that are too old to be corrected."""
    return _told(scheduler.lock_due(now=clock.now()))


@scheduled(jobs.GENERATE_FORTNIGHT, every=DAY, nightly=True)
def generate_fortnight() -> dict[str, int]:
    """Make the sessions of the coming fortnight, each school in its own days and its own transaction."""
    now = clock.now()
    made, failed = 0, []
    for school in School.objects.filter(is_active=True).order_by("pk"):
        try:
            made += _generate(school, now)
        except Exception as error:
            # Whatever is wrong in one school must not keep the others from their timetables.
            log.exception("generation_failed", school_id=school.pk)
            failed.append(f"{school.code} ({type(error).__name__})")
    if failed:
        raise SweepIncomplete(f"{len(failed)} of the schools failed: {', '.join(failed[:5])}")
    return {"made": made}


@scheduled(jobs.TELL_SHORTAGES, every=DAY, nightly=True)
def tell_shortages() -> dict[str, int]:
    """Who is below the threshold hears of it, once a week: in the first night of the week that gets that far."""
    now = clock.now()
    told, failed = 0, []
    for school in School.objects.filter(is_active=True).order_by("pk"):
        try:
            told += shortages.tell(school=school, now=now)
        except Exception as error:
            # Whatever is wrong in one school must not keep the others' students from hearing of it.
            log.exception("shortages_failed", school_id=school.pk)
            failed.append(f"{school.code} ({type(error).__name__})")
    if failed:
        raise SweepIncomplete(f"{len(failed)} of the schools failed: {', '.join(failed[:5])}")
    return {"told": told}


@scheduled(jobs.FORGET_TICKETS, every=DAY, nightly=True)
def forget_tickets() -> int:
    """Delete the traces of old scan tickets."""
    return tickets.forget(now=clock.now())


@scheduled(jobs.REFRESH_SUMMARIES, every=HOUR)
def refresh_summaries() -> None:
    """Bring the counts behind the trends up to date."""
    summaries.refresh(now=clock.now())


@scheduled(jobs.APPLY_RETENTION, every=DAY, nightly=True)
def apply_retention() -> dict[str, int]:
    """Take away what has been kept for long enough; the evidence stays."""
    made = retention.apply(by=None, now=clock.now())
    return {"steps": len(made), "rows": sum(run.rows for run in made), "held": sum(run.held for run in made)}


@shared_task(name=jobs.RUN_EXPORT, ignore_result=True)
def run_export(*, job_id: str) -> None:
    """Make the file of one export."""
    exports.run(job_id=job_id, now=clock.now())


@scheduled(jobs.RESUME_EXPORTS, every=MINUTE)
def resume_exports() -> dict[str, int]:
    """Have those exports run again whose worker died or whose message was lost."""
    return {"resumed": exports.resume(now=clock.now())}


@scheduled(jobs.EXPIRE_EXPORTS, every=DAY, nightly=True)
def expire_exports() -> dict[str, int]:
    """Delete the files of old exports."""
    return {"files": exports.expire(now=clock.now())}


def _generate(school: School, now: datetime) -> int:
    today = school.local_date(now)
    return generation.generate(school=school, start=today, end=today + AHEAD, by=None, now=now).created


def _told(sweep: scheduler.Sweep) -> dict[str, int]:
    """The counts for the log. Raises SweepIncomplete, which is how the health page learns of failed sessions."""
    if sweep.failed:
        named = ", ".join(str(session) for session in sweep.failed[:5])
        raise SweepIncomplete(f"{len(sweep.failed)} of the sessions failed: {named}")
    return {"done": sweep.done, "unconfirmed": sweep.unconfirmed}
