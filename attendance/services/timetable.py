"""Weekly slots: saving them without clashes, ending them, leaving single dates out.

Locks in this order: the school's timetable, then sessions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from academics.errors import OutsideTerm
from academics.models import Faculty, Room, Section
from academics.services.scope import same_school
from accounts.models import School, User
from attendance import errors
from attendance.enums import SessionStatus
from attendance.models import Session, SlotException, SlotOccupancy, TimetableSlot
from attendance.selectors.sessions import slots_with_details
from attendance.services import generation, notices, occupancy, occurrences, replanning
from audit.services.entries import Operation, changed, operation
from core.db import still_there
from core.errors import Invalid, Stale


@transaction.atomic
def save_slot(
    *,
    school: School,
    slot: TimetableSlot | None = None,
    sections: Sequence[Section],
    faculty: Sequence[Faculty],
    room: Room | None,
    weekday: int,
    starts: time,
    ends: time,
    valid_from: date,
    valid_until: date,
    version: int | None = None,
    by: User | None,
    now: datetime,
) -> TimetableSlot:
    """Create or change one weekly class.

    Several sections make a combined lecture, several faculty co-teach. A change re-plans sessions that are still
    scheduled and lie ahead (`services.replanning`); what was opened, held or cancelled stays. `version` is the one
    the change was made from. Raises FacultyConflict, RoomConflict, CohortConflict (naming the other slot, or the
    session in whose place one of this slot would be), CrossSchool, OutsideTerm, Stale, Invalid.
    """
    same_school(school, slot=slot, room=room)
    _judge_people(school, sections, faculty)
    _judge_times(sections[0], weekday, starts, ends, valid_from, valid_until)
    occupancy.lock_timetable(school.pk)
    # The caller may hold values that a form has already changed: what stands in the database counts.
    slot = (
        still_there(TimetableSlot.objects.select_related("school"), slot.pk)
        if slot
        else TimetableSlot(school=school, version=0)
    )
    if version is not None and version != slot.version:
        raise Stale(meta={"version": slot.version})
    before = None if slot._state.adding else replanning.shape_of(slot)
    wanted = replanning.Shape(
        weekday,
        starts,
        ends,
        room.pk if room else None,
        frozenset(section.pk for section in sections),
        frozenset(teacher.pk for teacher in faculty),
        valid_from,
        valid_until,
    )
    if before == wanted:
        return slot
    told_before = _facts(slot) if before else None
    slot.room, slot.weekday, slot.starts, slot.ends = room, weekday, starts, ends
    slot.valid_from, slot.valid_until = valid_from, valid_until
    slot.version += 1
    slot.save()
    slot.sections.set(sections)
    slot.faculty.set(faculty)
    occupancy.occupy_slot(slot)
    _keep_teachers(slot, before)
    with operation(by=by, at=now) as op:
        told = _facts(slot)
        if before is None or told_before is None:
            op.record("slot.create", slot, school_id=school.pk, after=told)
        else:
            op.record("slot.update", slot, school_id=school.pk, **changed(told_before, told))
            _tell(op, slot, replanning.replan(slot, before=before, by=by, now=now))
            if _moved(before, wanted):
                ahead = Session.objects.filter(slot=slot, status=SessionStatus.SCHEDULED, starts_at__gt=now)
                notices.of_new_slot(slot, list(ahead), by=by, now=now)
    return slot


@transaction.atomic
def retire_slot(*, slot: TimetableSlot, by: User | None, now: datetime) -> None:
    """End a slot: classes ahead that nobody has opened go, history stays. A slot without history is deleted."""
    occupancy.lock_timetable(slot.school_id)
    slot = still_there(TimetableSlot.objects.select_related("school"), slot.pk)
    shape = replanning.shape_of(slot)
    ahead = replanning.ahead(slot, now=now, cancelled=True)
    planned = [session for session in ahead if session.status == SessionStatus.SCHEDULED]
    notices.of_ended_slot(slot, planned, by=by, now=now)
    removed = replanning.remove(ahead)
    with operation(by=by, at=now) as op:
        before = _facts(slot)
        last = slot.sessions.order_by("-held_on").values_list("held_on", flat=True).first()
        if last is None:
            op.record(
                "slot.delete", slot, school_id=slot.school_id, before=before, after={"removed": removed}
            )
            slot.delete()
        else:
            yesterday = slot.school.local_date(now) - timedelta(days=1)
            slot.valid_until = min(slot.valid_until, max(last, yesterday))
            slot.valid_from = min(slot.valid_from, slot.valid_until)
            slot.version += 1
            slot.save(update_fields=["valid_from", "valid_until", "version"])
            SlotOccupancy.objects.filter(slot=slot).update(
                valid_from=slot.valid_from, valid_until=slot.valid_until
            )
            told = changed(before, _facts(slot))
            told["after"]["removed"] = removed
            op.record("slot.retire", slot, school_id=slot.school_id, **told)
        _forget_teachers(shape.sections, shape.faculty)


@transaction.atomic
def skip_date(
    *, slot: TimetableSlot, day: date, reason: str = "", by: User | None, now: datetime
) -> SlotException:
    """Leave one date of a slot out; its session goes, unless it has begun. Harmless to repeat.

    Raises NotScheduled for a class that was opened or held, Invalid for a day on which the slot is not.
    """
    occupancy.lock_timetable(slot.school_id)
    slot = still_there(TimetableSlot.objects.select_related("school"), slot.pk)
    if day not in occurrences.dates_of(slot, day, day):
        raise Invalid(attr="date", detail=_("This class is not on that day."))
    exception, made = SlotException.objects.get_or_create(
        slot=slot, date=day, defaults={"reason": reason[:200]}
    )
    if made:
        idle = replanning.on(slot, day)
        for session in idle:
            if session.status == SessionStatus.SCHEDULED:
                notices.of_cancellation(session, reason=reason, by=by, now=now)
        removed = replanning.remove(idle)
        held = Session.objects.filter(slot=slot, held_on=day).first()
        if held is not None:
            raise errors.NotScheduled(state=held.get_status_display(), meta={"status": held.status})
        with operation(by=by, at=now) as op:
            after = {"date": day, "removed": removed}
            op.record("slot.skip", slot, school_id=slot.school_id, after=after, reason=reason)
    return exception


@transaction.atomic
def unskip_date(*, slot: TimetableSlot, day: date, by: User | None, now: datetime) -> None:
    """Take a skipped date back; its session is planned again unless the time is over. Harmless to repeat."""
    occupancy.lock_timetable(slot.school_id)
    deleted, _models = SlotException.objects.filter(slot=slot, date=day).delete()
    if not deleted:
        return
    with operation(by=by, at=now) as op:
        op.record("slot.unskip", slot, school_id=slot.school_id, before={"date": day})
        if occurrences.instants(day, slot.starts, slot.ends, slot.school.tz)[0] > now:
            generation.generate(school=slot.school, start=day, end=day, slots=[slot], by=by, now=now)


def _judge_people(school: School, sections: Sequence[Section], faculty: Sequence[Faculty]) -> None:
    if not sections:
        raise Invalid(attr="sections", detail=_("Choose at least one section."))
    if not faculty:
        raise Invalid(attr="faculty", detail=_("Choose at least one teacher."))
    for section in sections:
        same_school(school, sections=section)
    for teacher in faculty:
        same_school(school, faculty=teacher)
    if len({section.term_id for section in sections}) > 1:
        raise Invalid(attr="sections", detail=_("All sections of a combined lecture must be in one term."))


def _judge_times(
    section: Section, weekday: int, starts: time, ends: time, valid_from: date, valid_until: date
) -> None:
    if not 1 <= weekday <= 7:
        raise Invalid(attr="weekday", detail=_("Weekdays are 1 (Monday) to 7 (Sunday)."))
    if starts == ends:
        raise Invalid(attr="ends", detail=_("A class cannot end when it starts."))
    if valid_until < valid_from:
        raise Invalid(attr="valid_until", detail=_("The last day lies before the first."))
    term = section.term
    for attr, day in (("valid_from", valid_from), ("valid_until", valid_until)):
        if not term.starts_on <= day <= term.ends_on:
            raise OutsideTerm(term=term.name, attr=attr)


def _moved(before: replanning.Shape, wanted: replanning.Shape) -> bool:
    """Whether people have to be somewhere else or at another time, and not only for longer or shorter."""
    return replace(before, valid_from=wanted.valid_from, valid_until=wanted.valid_until) != wanted


def _keep_teachers(slot: TimetableSlot, before: replanning.Shape | None) -> None:
    """Whoever is on the timetable of a section is one of its teachers; whoever is no more is none by it."""
    for section in slot.sections.all():
        section.teachers.add(*slot.faculty.all())
    if before is not None:
        _forget_teachers(before.sections, before.faculty)


def _forget_teachers(sections: Collection[UUID], faculty: Collection[int]) -> None:
    taught = TimetableSlot.objects.filter(sections=OuterRef("section"), faculty=OuterRef("faculty"))
    Section.teachers.through.objects.filter(section__in=sections, faculty__in=faculty).exclude(
        Exists(taught)
    ).delete()


def _tell(op: Operation, slot: TimetableSlot, done: replanning.Replanned) -> None:
    counts = {name: value for name, value in asdict(done).items() if name != "skipped" and value}
    if counts:
        op.record("slot.replan", slot, school_id=slot.school_id, after=counts)


def _facts(slot: TimetableSlot) -> dict[str, object]:
    found = slots_with_details(TimetableSlot.objects.all()).get(pk=slot.pk)
    return {
        "sections": sorted(str(section.pk) for section in found.sections.all()),
        "faculty": sorted(teacher.employee_no for teacher in found.faculty.all()),
        "room": found.room.code if found.room else None,
        "weekday": found.weekday,
        "starts": found.starts.isoformat(),
        "ends": found.ends.isoformat(),
        "valid_from": found.valid_from.isoformat(),
        "valid_until": found.valid_until.isoformat(),
    }
