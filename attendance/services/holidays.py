"""Days without classes: planned ones are cancelled, held ones are listed, and taking a holiday back restores.

Locks in this order: the school's timetable, then sessions. Without the first, sessions could be generated on a day
that becomes a holiday at the same moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from academics.models import Department
from academics.services.scope import same_school
from accounts.models import School, User
from attendance import errors
from attendance.enums import HolidayKind, SessionStatus
from attendance.models import Holiday, Session
from attendance.services import notices, occupancy, sessions
from attendance.services.conflicts import refusal_of
from attendance.services.occurrences import covers
from audit.services.entries import Operation, changed, operation
from core import live
from core.db import still_there
from core.errors import Invalid

NAME_LENGTH = 200
#: A mistyped year is not a holiday.
FIRST_YEAR, LAST_YEAR = 1950, 2200
_HELD = {SessionStatus.OPEN, SessionStatus.CLOSED, SessionStatus.LOCKED, SessionStatus.UNCONFIRMED}


@dataclass(slots=True)
class HolidayOutcome:
    """`cancelled` sessions will not take place; `held` ones were, for an admin to count or void.

    Where a holiday moved to another day: `restored` sessions are scheduled again, `taken` ones have lost their place.
    """

    holiday: Holiday
    cancelled: list[Session] = field(default_factory=list)
    held: list[Session] = field(default_factory=list)
    restored: list[Session] = field(default_factory=list)
    taken: list[Session] = field(default_factory=list)


@dataclass(slots=True)
class RemovalOutcome:
    """`restored` sessions are scheduled again; the place of `taken` ones is not free any more."""

    restored: list[Session] = field(default_factory=list)
    taken: list[Session] = field(default_factory=list)


@transaction.atomic
def add_holiday(
    *,
    school: School,
    day: date,
    name: str,
    kind: str = HolidayKind.PUBLIC,
    department: Department | None = None,
    by: User | None,
    now: datetime,
) -> HolidayOutcome:
    """A day without classes, for the school or one department. Raises HolidayExists, CrossSchool, Invalid."""
    name = _judge(school, day, name, kind, department)
    occupancy.lock_timetable(school.pk)
    _refuse_second(school, day, department)
    holiday = Holiday.objects.create(school=school, date=day, name=name, kind=kind, department=department)
    outcome = HolidayOutcome(holiday)
    with operation(by=by, at=now) as op:
        op.record("holiday.create", holiday, school_id=school.pk, after=_facts(holiday))
        _cancel(outcome, op)
        notices.of_holiday(holiday, outcome.cancelled, cancelled=True, change=op.id, by=by, now=now)
    return outcome


@transaction.atomic
def update_holiday(
    *,
    holiday: Holiday,
    day: date,
    name: str,
    kind: str,
    department: Department | None,
    by: User | None,
    now: datetime,
) -> HolidayOutcome:
    """Change a holiday; on another day, or for others, the old ones are restored and the new ones cancelled.

    Raises HolidayExists, CrossSchool, Invalid.
    """
    name = _judge(holiday.school, day, name, kind, department)
    occupancy.lock_timetable(holiday.school_id)
    holiday = still_there(Holiday.objects.select_related("school", "department"), holiday.pk)
    before = _facts(holiday)
    _refuse_second(holiday.school, day, department, but=holiday)
    holiday.date, holiday.name, holiday.kind, holiday.department = day, name, kind, department
    after = _facts(holiday)
    outcome = HolidayOutcome(holiday)
    if before == after:
        return outcome
    cancelled = _cancelled_by(holiday)
    holiday.save()
    with operation(by=by, at=now) as op:
        op.record("holiday.update", holiday, school_id=holiday.school_id, **changed(before, after))
        removal = _release(cancelled, op, holiday)
        outcome.restored, outcome.taken = removal.restored, removal.taken
        _cancel(outcome, op)
        # What it still covers was cancelled before as well: of that there is nothing new.
        still = {session.pk for session in cancelled}
        gone = {session.pk for session in outcome.cancelled}
        lost = [session for session in outcome.cancelled if session.pk not in still]
        back = [session for session in outcome.restored if session.pk not in gone]
        notices.of_holiday(holiday, back, cancelled=False, change=op.id, by=by, now=now)
        notices.of_holiday(holiday, lost, cancelled=True, change=op.id, by=by, now=now)
    return outcome


@transaction.atomic
def remove_holiday(*, holiday: Holiday, by: User | None, now: datetime) -> RemovalOutcome:
    """Take a holiday back: what it cancelled is scheduled again where its place is still free."""
    occupancy.lock_timetable(holiday.school_id)
    holiday = still_there(Holiday.objects.select_related("school", "department"), holiday.pk)
    cancelled = _cancelled_by(holiday)
    with operation(by=by, at=now) as op:
        op.record("holiday.remove", holiday, school_id=holiday.school_id, before=_facts(holiday))
        # It has to be gone before places are asked for: other classes of that day take place again as well.
        Holiday.objects.filter(pk=holiday.pk).delete()
        outcome = _release(cancelled, op, holiday)
        notices.of_holiday(holiday, outcome.restored, cancelled=False, change=op.id, by=by, now=now)
    return outcome


def _cancel(outcome: HolidayOutcome, op: Operation) -> None:
    """Cancel what is still scheduled under the holiday and list what was held."""
    holiday = outcome.holiday
    day = Session.objects.filter(school=holiday.school_id, held_on=holiday.date)
    affected = [session for session in _locked(day) if covers(holiday, session.sections.all())]
    outcome.held = [session for session in affected if session.status in _HELD]
    outcome.cancelled = [session for session in affected if session.status == SessionStatus.SCHEDULED]
    for session in outcome.cancelled:
        session.status = SessionStatus.CANCELLED
        session.status_reason = holiday.name
        session.cancelled_by_holiday = holiday
    _write(outcome.cancelled)
    sessions.free(outcome.cancelled)
    if outcome.cancelled:
        op.record(
            "session.cancel_for_holiday",
            holiday,
            school_id=holiday.school_id,
            after={"count": len(outcome.cancelled)},
            reason=holiday.name,
        )


def _release(cancelled: Sequence[Session], op: Operation, holiday: Holiday) -> RemovalOutcome:
    """Schedule again what no holiday covers any more and whose place is free."""
    days = {session.held_on for session in cancelled}
    others = list(Holiday.objects.filter(school=holiday.school_id, date__in=days))
    outcome = RemovalOutcome()
    free: list[Session] = []
    for session in cancelled:
        covering = [other for other in others if other.date == session.held_on]
        other = next((found for found in covering if covers(found, session.sections.all())), None)
        session.cancelled_by_holiday = other
        if other is None:
            free.append(session)
        else:
            session.status_reason = other.name
    clashes = occupancy.place_sessions(free)
    for session in free:
        if session.pk in clashes:
            session.status_reason = str(refusal_of(clashes[session.pk]))[:500]
            outcome.taken.append(session)
        else:
            session.status = SessionStatus.SCHEDULED
            session.status_reason = ""
            outcome.restored.append(session)
    _write(cancelled)
    if free:
        counts = {"restored": len(outcome.restored), "taken": len(outcome.taken)}
        op.record("session.restore_after_holiday", holiday, school_id=holiday.school_id, after=counts)
    return outcome


def _write(changed: Sequence[Session]) -> None:
    Session.objects.bulk_update(changed, ["status", "status_reason", "cancelled_by_holiday"], batch_size=500)
    idents = [session.pk for session in changed]
    transaction.on_commit(lambda: live.announce(idents))


def _cancelled_by(holiday: Holiday) -> list[Session]:
    return _locked(Session.objects.filter(cancelled_by_holiday=holiday, status=SessionStatus.CANCELLED))


def _locked(found: QuerySet[Session]) -> list[Session]:
    """Whoever opens one of them at this moment is waited for: then it counts as held."""
    return list(
        found.filter(~Q(status=SessionStatus.VOID))
        .select_related("school")
        .prefetch_related("sections__course", "sections__cohort")
        .select_for_update(of=("self",))
        .order_by("pk")
    )


def _refuse_second(
    school: School, day: date, department: Department | None, but: Holiday | None = None
) -> None:
    other = Holiday.objects.filter(school=school, date=day, department=department).first()
    if other is not None and other != but:
        raise errors.HolidayExists(day=day.isoformat(), name=other.name, attr="date")


def _judge(school: School, day: date, name: str, kind: str, department: Department | None) -> str:
    """The name with single spaces. Raises CrossSchool, Invalid."""
    same_school(school, department=department)
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or "\0" in name:
        raise Invalid(
            attr="name", detail=_("Give it a name of at most {n} characters.").format(n=NAME_LENGTH)
        )
    if kind not in HolidayKind.values:
        raise Invalid(attr="kind", detail=_("There is no such kind of holiday."))
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Invalid(
            attr="date",
            detail=_("A holiday lies between the years {a} and {b}.").format(a=FIRST_YEAR, b=LAST_YEAR),
        )
    return name


def _facts(holiday: Holiday) -> dict[str, object]:
    """A holiday's name is no personal field: it goes into the trail in clear, under a key that says so."""
    return {
        "date": holiday.date.isoformat(),
        "title": holiday.name,
        "kind": str(holiday.kind),
        "department": holiday.department.code if holiday.department else None,
    }
