"""Telling people what happens in attendance, in the transaction in which it happens.

Each function is one occasion. Absences and shortages obey the school's `send_attendance_notifications`; what changes in
the timetable and what was decided on somebody's request concerns them in any case. Nobody is told what they did
themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from attendance import notices as kinds
from attendance.enums import CondonationStatus
from attendance.models import (
    CondonationRequest,
    CorrectionRequest,
    Holiday,
    LeaveApplication,
    Session,
    TimetableSlot,
)
from attendance.selectors import audience
from notifications.services.telling import Event, Notice, notify, retract

#: People told in one statement.
BATCH = 5000


# -- classes ---------------------------------------------------------------------------------------------------------


def of_absences(session: Session, *, now: datetime) -> int:
    """A class was closed: whoever is absent hears of it once, also if it is opened and closed again.

    Called by the clock (`scheduler.tell_due`) for classes that are marked so, not by whoever closes them.
    """
    if not session.school.attendance_configuration.send_attendance_notifications:
        return 0
    absent = audience.absentees(session)
    if not absent and session.reopened_at is None:
        return 0
    # One for each course, whoever sits in it: it is written down once then.
    facts = {
        code: {"session": session.pk, "code": code, "course": title, "starts_at": session.starts_at}
        for _user, _number, code, title in absent
    }
    return notify(
        kind=kinds.ABSENCE,
        key=_absence_key(session.pk),
        notices=[Notice(user, facts[code]) for user, _number, code, _title in absent],
        school=session.school,
        now=now,
        # Each closing of its own: a receiver that was told of somebody who is not absent after all hears so.
        event=Event(
            f"{session.pk}:{session.qr_generation}",
            {
                "session": session.pk,
                "starts_at": session.starts_at,
                "absent": [number for _user, number, _code, _title in absent],
            },
        ),
    )


def absences_undone(session: Session) -> int:
    """A class is open again, or does not count: what nobody has seen yet of its absences is taken back."""
    return retract(keys=[_absence_key(session.pk)], school_id=session.school_id)


def no_longer_absent(school_id: int, sessions: Collection[UUID], users: Any) -> int:
    """Marks of classes that were closed are something else now: the same for these people alone."""
    return retract(keys=[_absence_key(session) for session in sessions], school_id=school_id, users=users)


def of_cancellation(session: Session, *, reason: str, by: User | None, now: datetime) -> int:
    """A class that was still to come does not take place."""
    return _of_change(session, "cancelled", by=by, now=now, reason=reason)


def of_new_time(
    session: Session, *, former: Collection[int] = (), change: UUID, by: User | None, now: datetime
) -> int:
    """A class has another time, room or teacher; `change` tells this one from the next. Users who taught it so far
    (`former`) hear that others do."""
    gone = dict.fromkeys(former, "handed over")
    return _of_change(session, "changed", by=by, now=now, change=change, former=gone)


def of_substitute(
    session: Session, *, former: int | None = None, change: UUID, by: User | None, now: datetime
) -> int:
    """Somebody else stands in front of a class, or its own faculty after all; whoever was to (`former`) hears so."""
    about = session.substitute.user_id if session.substitute is not None else None
    gone = {} if former is None else {former: "substituted"}
    return _of_change(session, "substituted", by=by, now=now, change=change, about=about, former=gone)


def of_extra_class(session: Session, *, by: User | None, now: datetime) -> int:
    """A class that is not in the timetable."""
    return _of_change(session, "extra", by=by, now=now)


def of_holiday(
    holiday: Holiday,
    sessions: Sequence[Session],
    *,
    cancelled: bool,
    change: UUID,
    by: User | None,
    now: datetime,
) -> int:
    """Classes go, or come back, by a holiday: each person hears of all of theirs in one notice a day."""
    told = 0
    days: dict[date, list[Session]] = defaultdict(list)
    for session in sessions:
        if session.ends_at > now:
            days[session.held_on].append(session)
    what = "cancelled" if cancelled else "restored"
    for day, theirs in days.items():
        shared = {"change": what, "day": day, "reason": holiday.name}
        people = audience.concerned([session.pk for session in theirs])
        told += _tell(
            key=f"holiday:{holiday.pk}:{day}:{what}:{change}",
            notices=[Notice(user, {**shared, "classes": classes}) for user, classes in people.items()],
            by=by,
            now=now,
            school=holiday.school,
            event=Event(
                f"{holiday.pk}:{day}:{what}:{change}",
                {"change": what, "day": day, "sessions": [session.pk for session in theirs]},
            ),
        )
    return told


def of_new_slot(slot: TimetableSlot, sessions: Sequence[Session], *, by: User | None, now: datetime) -> int:
    """A weekly class has another place in the timetable; one notice, not one a week."""
    return _of_slot(slot, sessions, "weekly", by=by, now=now)


def of_ended_slot(slot: TimetableSlot, sessions: Sequence[Session], *, by: User | None, now: datetime) -> int:
    """A weekly class leaves the timetable: `sessions` are about to go."""
    return _of_slot(slot, sessions, "ended", by=by, now=now)


def _of_slot(
    slot: TimetableSlot, sessions: Sequence[Session], what: str, *, by: User | None, now: datetime
) -> int:
    ahead = sorted((one for one in sessions if one.ends_at > now), key=lambda one: one.starts_at)
    if not ahead:
        return 0
    people = audience.concerned([session.pk for session in ahead])
    return _tell(
        key=f"slot:{slot.pk}:{slot.version}:{what}",
        notices=[
            Notice(user, {"change": what, "slot": slot.pk, **classes[0]}) for user, classes in people.items()
        ],
        by=by,
        now=now,
        school=slot.school,
        event=Event(
            f"slot:{slot.pk}:{slot.version}:{what}",
            {"change": what, "slot": slot.pk, "sessions": [session.pk for session in ahead]},
        ),
    )


def _of_change(
    session: Session,
    what: str,
    *,
    by: User | None,
    now: datetime,
    change: object = "",
    about: int | None = None,
    former: Mapping[int, str] | None = None,
    **more: Any,
) -> int:
    if session.ends_at <= now:
        return 0
    facts = {
        "change": what,
        "session": session.pk,
        "starts_at": session.starts_at,
        "ends_at": session.ends_at,
        "room": session.room.code if session.room is not None else "",
    }
    people = audience.concerned([session.pk])
    own = {user: {"course": classes[0]["course"]} for user, classes in people.items()}
    for user, instead in (former or {}).items():
        own.setdefault(user, {"course": _courses_of(session), "change": instead})
    return _tell(
        key=f"class:{session.pk}:{what}:{change}",
        notices=[Notice(user, {**facts, **more, **theirs}, about) for user, theirs in own.items()],
        by=by,
        now=now,
        school=session.school,
        event=Event(f"{session.pk}:{what}:{change}", facts),
    )


def _tell(*, notices: Iterable[Notice], by: User | None, event: Event, **values: Any) -> int:
    """In batches; the event goes with the first of them."""
    others = [notice for notice in notices if by is None or notice.user_id != by.pk]
    told = notify(kind=kinds.CLASS_CHANGE, notices=others[:BATCH], event=event, **values)
    for start in range(BATCH, len(others), BATCH):
        told += notify(kind=kinds.CLASS_CHANGE, notices=others[start : start + BATCH], **values)
    return told


def _absence_key(session: UUID) -> str:
    return f"absence:{session}"


# -- what students ask for -------------------------------------------------------------------------------------------


def of_leave_asked(leave: LeaveApplication, *, by: User, now: datetime) -> int:
    """Somebody has to decide."""
    return notify(
        kind=kinds.LEAVE_WAITING,
        key=f"leave:{leave.pk}",
        notices=_waiting(
            audience.deciders_on_leave(leave.student, since=leave.from_date, but=by.pk),
            _of_leave(leave),
            leave.student.user_id,
            by,
        ),
        school=leave.school,
        now=now,
    )


def of_leave_decided(leave: LeaveApplication, *, now: datetime) -> int:
    """The student hears what became of it; others need not decide any more."""
    leave_settled(leave)
    facts = {**_of_leave(leave), "status": leave.status}
    return notify(
        kind=kinds.LEAVE_DECISION,
        key=f"leave:{leave.pk}:{leave.status}",
        notices=[Notice(leave.student.user_id, facts)],
        school=leave.school,
        now=now,
        event=Event(f"{leave.pk}:{leave.status}", {**facts, "student": leave.student.enrollment_no}),
    )


def leave_settled(leave: LeaveApplication) -> int:
    """Nobody has to decide any more."""
    return retract(keys=[f"leave:{leave.pk}"], school_id=leave.school_id)


def of_correction_asked(correction: CorrectionRequest, *, by: User, now: datetime) -> int:
    """Somebody has to decide."""
    deciders = audience.deciders_on_correction(correction.session, but=by.pk)
    return notify(
        kind=kinds.CORRECTION_WAITING,
        key=f"correction:{correction.pk}",
        notices=_waiting(deciders, _of_correction(correction), correction.student.user_id, by),
        school=correction.school,
        now=now,
    )


def of_correction_decided(correction: CorrectionRequest, *, now: datetime) -> int:
    """The student hears what became of it."""
    correction_settled(correction)
    facts = {**_of_correction(correction), "status": correction.status}
    public = {name: facts[name] for name in ("correction", "session", "status")}
    return notify(
        kind=kinds.CORRECTION_DECISION,
        key=f"correction:{correction.pk}:{correction.status}",
        notices=[Notice(correction.student.user_id, facts)],
        school=correction.school,
        now=now,
        event=Event(
            f"{correction.pk}:{correction.status}", {**public, "student": correction.student.enrollment_no}
        ),
    )


def correction_settled(correction: CorrectionRequest) -> int:
    """Nobody has to decide any more."""
    return retract(keys=[f"correction:{correction.pk}"], school_id=correction.school_id)


def of_condonation_asked(condonation: CondonationRequest, *, by: User, now: datetime) -> int:
    """The head of department is to recommend it; where there is none the office decides at once."""
    return _condonation_waits(condonation, audience.heads_for(condonation), by=by, now=now)


def of_condonation_moved(condonation: CondonationRequest, *, by: User, now: datetime) -> int:
    """The student hears of it, and of a recommendation the office."""
    condonation_settled(condonation)
    told = 0
    if condonation.status == CondonationStatus.RECOMMENDED:
        told = _condonation_waits(condonation, set(), by=by, now=now)
    facts = _of_condonation(condonation)
    return told + notify(
        kind=kinds.CONDONATION_DECISION,
        key=f"condonation:{condonation.pk}:{condonation.status}:student",
        notices=[Notice(condonation.student.user_id, facts)],
        school=condonation.school,
        now=now,
        event=Event(
            f"{condonation.pk}:{condonation.status}",
            {
                "condonation": condonation.pk,
                "status": condonation.status,
                "course": condonation.course.code,
                "student": condonation.student.enrollment_no,
            },
        ),
    )


def condonation_settled(condonation: CondonationRequest) -> int:
    """What waited for it waits no more."""
    return sum(
        retract(keys=[f"condonation:{condonation.pk}:{status}"], school_id=condonation.school_id)
        for status in ("pending", "recommended")
    )


def _condonation_waits(
    condonation: CondonationRequest, deciders: Collection[int], *, by: User, now: datetime
) -> int:
    people = deciders or audience.office_of(condonation.school_id)
    return notify(
        kind=kinds.CONDONATION_WAITING,
        key=f"condonation:{condonation.pk}:{condonation.status}",
        notices=_waiting(people, _of_condonation(condonation), condonation.student.user_id, by),
        school=condonation.school,
        now=now,
    )


def _waiting(people: Collection[int], facts: dict[str, Any], about: int, by: User) -> list[Notice]:
    return [Notice(user, facts, about) for user in people if user != by.pk]


def _of_leave(leave: LeaveApplication) -> dict[str, Any]:
    return {"leave": leave.pk, "from": leave.from_date, "to": leave.to_date}


def _of_correction(correction: CorrectionRequest) -> dict[str, Any]:
    session = correction.session
    return {
        "correction": correction.pk,
        "session": session.pk,
        "course": _courses_of(session),
        "starts_at": session.starts_at,
    }


def _courses_of(session: Session) -> str:
    titles = session.sections.order_by("course__title").values_list("course__title", flat=True).distinct()
    return " / ".join(titles)


def _of_condonation(condonation: CondonationRequest) -> dict[str, Any]:
    return {
        "condonation": condonation.pk,
        "course": condonation.course.title,
        "status": condonation.status,
    }
