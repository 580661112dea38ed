"""Retention: what has been kept for as long as its school wants it goes, and evidence of that stays.

Years of marks and of the audit trail are partitions, dropped as a whole once no school needs them; a school with a
shorter rule than the others has its rows taken out of them. Classes, leave and requests follow. All of it is done by
the owner role; what is under legal hold stays. Decision 0008 says why it is done this way.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from accounts.models import School, User
from attendance import errors
from attendance.models import AttendanceRecord
from attendance.services import retention_rows, retention_years
from attendance.services.retention_evidence import Writer
from attendance.services.retention_rules import Part, Rules
from audit.models import AuditEntry, RetentionRun
from core import owner
from core.locks import try_session_lock

log = structlog.get_logger(__name__)


def plan(*, now: datetime) -> list[Part]:
    """What a run at this moment would take away, and which expired years it would leave and why. Changes nothing."""
    with owner.acting():
        return _plan(now)


def plan_of(school: School, *, now: datetime) -> list[Part]:
    """What of `plan` concerns a school: its own rows, and what belongs to all."""
    return [part for part in plan(now=now) if part.school_id in {school.pk, None}]


def apply(*, by: User | None, now: datetime) -> list[RetentionRun]:
    """Take away what `plan` lists; the evidence of it, of which each transaction leaves its own.

    Can be cut short at any moment: what is done is told, and the next run goes on. Raises RetentionUnderWay,
    core.db.DatabaseBusy.
    """
    writer = Writer(by, now)
    with owner.acting(), try_session_lock("retention") as got:
        if not got:
            raise errors.RetentionUnderWay
        made: list[RetentionRun] = []
        for part in _steps(_plan(now)):
            made += _take(part, writer)
    for run in made:
        log.info(
            "retention", table=run.table, year=run.year, school_id=run.school_id, rows=run.rows, held=run.held
        )
    return made


def _plan(now: datetime) -> list[Part]:
    rules = Rules(now)
    return [
        *retention_years.plan_records(rules),
        *retention_rows.plan(rules),
        *retention_years.plan_entries(rules),
    ]


def _steps(parts: list[Part]) -> list[Part]:
    """What goes; of a year that is dropped as a whole one part stands for all schools."""
    chosen: dict[tuple[str, int, int | None], Part] = {}
    for part in parts:
        if not part.kept:
            chosen.setdefault((part.table, part.year, None if part.whole else part.school_id), part)
    return list(chosen.values())


def _take(part: Part, writer: Writer) -> list[RetentionRun]:
    if part.table == retention_years.ENTRIES:
        return retention_years.retire(AuditEntry, part.year, writer=writer)
    if part.table != retention_years.RECORDS:
        return retention_rows.remove(part, writer=writer)
    if part.whole or part.school_id is None:
        return retention_years.retire(AttendanceRecord, part.year, writer=writer)
    return retention_years.remove_of_school(part.year, part.school_id, writer=writer)
