"""Classes beside the timetable: extra ones, changed ones, substitutes. Nobody ends up in two places at once.

Locks in this order: the school's timetable, then the session's row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from academics.models import Faculty, Room, Section, Term
from academics.services.scope import same_school
from accounts.models import School, User
from attendance import errors
from attendance.enums import SessionStatus, Source
from attendance.models import Session
from attendance.models.sessions import default_capture_modes
from attendance.services import configuration, notices, occupancy, sessions
from audit.services.entries import changed, operation
from core import partitions
from core.errors import Invalid

#: Longer than this is a mistyped date, not a class.
LONGEST = timedelta(hours=12)
_FIRST_YEAR, _LAST_YEAR = 1950, 2200

#: What `update_session` can change; all but the topic only before the class begins.
CHANGEABLE = frozenset({"starts_at", "ends_at", "room", "faculty", "capture_modes", "topic"})


@transaction.atomic
def create_extra(
    *,
    school: School,
    sections: Sequence[Section],
    faculty: Sequence[Faculty],
    room: Room | None,
    starts_at: datetime,
    ends_at: datetime,
    topic: str = "",
    capture_modes: Sequence[str] | None = None,
    by: User,
    now: datetime,
) -> Session:
    """Plan a class that no timetable slot knows, also on a holiday, also after the fact.

    Raises Invalid, CrossSchool, OutsideTerm, FacultyConflict, RoomConflict, CohortConflict.
    """
    _judge_people(school, sections, faculty)
    same_school(school, room=room)
    occupancy.lock_timetable(school.pk)
    held_on = _judge_times(school, starts_at, ends_at)
    term = _term_of(school, sections, held_on)
    configuration.ensure(school)
    partitions.ensure([held_on.year])
    session = Session.objects.create(
        school=school,
        term=term,
        room=room,
        held_on=held_on,
        starts_at=starts_at,
        ends_at=ends_at,
        topic=topic,
        capture_modes=_modes(capture_modes) if capture_modes is not None else default_capture_modes(),
    )
    session.sections.set(sections)
    session.faculty.set(faculty)
    occupancy.place_session(session)
    with operation(by=by, at=now) as op:
        op.record("session.create", session, school_id=school.pk, after=_facts(session))
    notices.of_extra_class(session, by=by, now=now)
    return session


@transaction.atomic
def update_session(*, session: Session, changes: Mapping[str, Any], by: User, now: datetime) -> Session:
    """Change some of `CHANGEABLE`; faculty as a sequence, room None for none.

    Raises NotScheduled, DayIsFixed and what `create_extra` raises.
    """
    for name in changes:
        if name not in CHANGEABLE:
            raise Invalid(attr=name, detail=_("This cannot be changed."))
    occupancy.lock_timetable(session.school_id)
    session = sessions.locked(session)
    if changes.keys() - {"topic"} and session.status != SessionStatus.SCHEDULED:
        raise errors.NotScheduled(state=session.get_status_display(), meta={"status": session.status})
    before, taught = _facts(session), _teachers(session)
    _apply(session, changes)
    after = _facts(session)
    if before == after:
        return session
    session.save()
    if changes.keys() & {"starts_at", "ends_at", "room", "faculty"}:
        occupancy.place_session(session)
    with operation(by=by, at=now) as op:
        op.record("session.update", session, school_id=session.school_id, **changed(before, after))
        if any(before[name] != after[name] for name in ("starts_at", "ends_at", "room", "faculty")):
            former = taught - _teachers(session)
            notices.of_new_time(session, former=former, change=op.id, by=by, now=now)
    sessions.announce(session)
    return session


@transaction.atomic
def substitute(*, session: Session, faculty: Faculty | None, by: User, now: datetime) -> Session:
    """Let somebody else stand in for the class's faculty, who are free then; None takes that back.

    Raises NotScheduled for a class that is over or cancelled, Invalid for its own faculty, CrossSchool,
    FacultyConflict.
    """
    same_school(session.school_id, faculty=faculty)
    occupancy.lock_timetable(session.school_id)
    session = sessions.locked(session)
    if session.status not in {SessionStatus.SCHEDULED, SessionStatus.OPEN}:
        raise errors.NotScheduled(state=session.get_status_display(), meta={"status": session.status})
    if faculty is not None and session.faculty.filter(pk=faculty.pk).exists():
        raise Invalid(attr="faculty", detail=_("They teach this class already."))
    before = session.substitute
    if before == faculty:
        return session
    session.substitute = faculty
    session.save(update_fields=["substitute"])
    occupancy.place_session(session)
    with operation(by=by, at=now) as op:
        op.record(
            "session.substitute",
            session,
            school_id=session.school_id,
            before={"substitute": before.employee_no if before else None},
            after={"substitute": faculty.employee_no if faculty else None},
        )
        former = before.user_id if before else None
        notices.of_substitute(session, former=former, change=op.id, by=by, now=now)
    sessions.announce(session)
    return session


def _apply(session: Session, changes: Mapping[str, Any]) -> None:
    if "faculty" in changes:
        _judge_people(session.school, list(session.sections.all()), changes["faculty"])
        session.faculty.set(changes["faculty"])
    if "room" in changes:
        same_school(session.school, room=changes["room"])
        session.room = changes["room"]
    if changes.keys() & {"starts_at", "ends_at"}:
        _move(session, changes.get("starts_at", session.starts_at), changes.get("ends_at", session.ends_at))
    if "capture_modes" in changes:
        session.capture_modes = _modes(changes["capture_modes"])
    if "topic" in changes:
        session.topic = changes["topic"]


def _move(session: Session, starts_at: datetime, ends_at: datetime) -> None:
    held_on = _judge_times(session.school, starts_at, ends_at)
    if held_on != session.held_on:
        if session.slot_id is not None:
            raise errors.DayIsFixed(attr="starts_at")
        session.term = _term_of(session.school, list(session.sections.all()), held_on)
        partitions.ensure([held_on.year])
    session.held_on, session.starts_at, session.ends_at = held_on, starts_at, ends_at


def _judge_people(school: School, sections: Sequence[Section], faculty: Sequence[Faculty]) -> None:
    if not sections:
        raise Invalid(attr="sections", detail=_("A class needs at least one section."))
    if not faculty:
        raise Invalid(attr="faculty", detail=_("A class needs somebody who teaches it."))
    for section in sections:
        same_school(school, sections=section)
    for teacher in faculty:
        same_school(school, faculty=teacher)


def _judge_times(school: School, starts_at: datetime, ends_at: datetime) -> date:
    """The local date of the start. Raises Invalid."""
    # Before any arithmetic, which the first and last days of the calendar would break.
    for name, instant in (("starts_at", starts_at), ("ends_at", ends_at)):
        if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
            raise Invalid(attr=name, detail=_("That is not a year in which classes are held."))
    if ends_at <= starts_at:
        raise Invalid(attr="ends_at", detail=_("A class ends after it starts."))
    if ends_at - starts_at > LONGEST:
        raise Invalid(attr="ends_at", detail=_("A class lasts 12 hours at most."))
    return school.local_date(starts_at)


def _term_of(school: School, sections: Sequence[Section], held_on: date) -> Term:
    """The term of that day, which must be the sections' own. Raises OutsideTerm, Invalid."""
    term = Term.objects.filter(school=school, starts_on__lte=held_on, ends_on__gte=held_on).first()
    if term is None:
        raise errors.OutsideTerm(day=held_on.isoformat(), attr="starts_at")
    for section in sections:
        if section.term_id != term.pk:
            detail = _("%(section)s belongs to another term.") % {"section": section}
            raise Invalid(attr="sections", detail=detail)
    return term


def _modes(wanted: Sequence[str]) -> list[str]:
    allowed = set(Source.values) - {Source.SYSTEM}
    if not wanted or not set(wanted) <= allowed:
        raise Invalid(attr="capture_modes", detail=_("Choose at least one way to take attendance."))
    return sorted(set(wanted))


def _teachers(session: Session) -> set[int]:
    """Users who teach the class."""
    return set(session.faculty.values_list("user_id", flat=True))


def _facts(session: Session) -> dict[str, Any]:
    return {
        "starts_at": session.starts_at,
        "ends_at": session.ends_at,
        "room": session.room.code if session.room else None,
        "faculty": sorted(session.faculty.values_list("employee_no", flat=True)),
        "sections": sorted(str(pk) for pk in session.sections.values_list("pk", flat=True)),
        "capture_modes": list(session.capture_modes),
        "topic": session.topic,
    }
