"""What a changed slot does to its sessions: those ahead that nobody has opened follow it, the rest is history.

A session that stands where the slot had it moves to where the slot has it now, in the same week; it stays the same
session, with its topic and its substitute. One that somebody moved by hand keeps its time. Where the new place is a
day off, has passed or lies outside the slot's validity, the session goes; a place that is taken refuses the change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, Session, TimetableSlot
from attendance.selectors.sessions import slots_with_details
from attendance.services import generation, occupancy, occurrences
from attendance.services.conflicts import refusal_of


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a slot its sessions take over."""

    weekday: int
    starts: time
    ends: time
    room_id: int | None
    sections: frozenset[UUID]
    faculty: frozenset[int]
    valid_from: date
    valid_until: date


def shape_of(slot: TimetableSlot) -> Shape:
    return Shape(
        slot.weekday,
        slot.starts,
        slot.ends,
        slot.room_id,
        frozenset(slot.sections.values_list("pk", flat=True)),
        frozenset(slot.faculty.values_list("pk", flat=True)),
        slot.valid_from,
        slot.valid_until,
    )


@dataclass(slots=True)
class Replanned:
    """Numbers of sessions that moved or changed, went, and were made for weeks that had none."""

    changed: int = 0
    removed: int = 0
    created: int = 0
    skipped: list[generation.Skip] = field(default_factory=list)


def ahead(slot: TimetableSlot, *, now: datetime, cancelled: bool = False) -> list[Session]:
    """Sessions of the slot that have not begun and hold nothing, locked: planned ones, and those a holiday cancelled.

    With `cancelled`, those that somebody cancelled as well. The caller holds the timetable's lock. Somebody who
    opens one at this moment is waited for, and it is left out.
    """
    waiting = Q(status=SessionStatus.SCHEDULED) | Q(
        status=SessionStatus.CANCELLED, cancelled_by_holiday__isnull=False
    )
    if cancelled:
        waiting |= Q(status=SessionStatus.CANCELLED)
    return _locked(Session.objects.filter(waiting, slot=slot, starts_at__gt=now))


def remove(found: Sequence[Session]) -> int:
    """Delete sessions locked by `ahead` or `on`; their places are free then."""
    return (
        Session.objects.filter(pk__in=[session.pk for session in found])
        .delete()[1]
        .get("attendance.Session", 0)
    )


def on(slot: TimetableSlot, day: date) -> list[Session]:
    """The slot's session of that day, locked, if nothing has happened in it."""
    idle = [SessionStatus.SCHEDULED, SessionStatus.CANCELLED]
    return _locked(Session.objects.filter(slot=slot, held_on=day, status__in=idle))


def _locked(found: QuerySet[Session]) -> list[Session]:
    sessions = list(found.select_for_update(of=("self",)).select_related("school").order_by("pk"))
    # A record's own day makes this look into one partition per day, not into all of them.
    days = {session.held_on for session in sessions}
    marked = set(
        AttendanceRecord.objects.filter(session__in=sessions, held_on__in=days).values_list(
            "session", flat=True
        )
    )
    return [session for session in sessions if session.pk not in marked]


def replan(slot: TimetableSlot, *, before: Shape, by: User | None, now: datetime) -> Replanned:
    """Let the sessions ahead follow the slot, which is saved already.

    Raises FacultyConflict, RoomConflict, CohortConflict naming the session in whose place one would be.
    """
    slot = slots_with_details(TimetableSlot.objects.all()).get(pk=slot.pk)
    sessions = ahead(slot, now=now)
    horizon = max((session.held_on for session in sessions), default=None)
    kept, gone = _move(slot, sessions, before, now)
    outcome = Replanned(removed=remove(gone), changed=len(kept))
    _follow(slot, kept, before)
    clashes = occupancy.place_sessions(
        [session for session in kept if session.status == SessionStatus.SCHEDULED], beside_slots=False
    )
    if clashes:
        raise refusal_of([clash for found in clashes.values() for clash in found])
    if horizon is not None:
        _fill(slot, horizon, outcome, by=by, now=now)
    return outcome


def _move(
    slot: TimetableSlot, sessions: list[Session], before: Shape, now: datetime
) -> tuple[list[Session], list[Session]]:
    """Sets day and time of those that follow; (kept, gone)."""
    if not sessions:
        return [], []
    week = timedelta(days=7)
    first, last = sessions[0].held_on, sessions[0].held_on
    for session in sessions:
        first, last = min(first, session.held_on), max(last, session.held_on)
    off = occurrences.DaysOff(slot.school, [slot], first - week, last + week)
    others = Session.objects.filter(slot=slot).exclude(pk__in=[session.pk for session in sessions])
    taken = set(others.values_list("held_on", flat=True))
    kept: list[Session] = []
    gone: list[Session] = []
    for session in sessions:
        day = session.held_on
        by_plan = occurrences.instants(day, before.starts, before.ends, slot.school.tz)
        if (session.starts_at, session.ends_at) == by_plan and day.isoweekday() == before.weekday:
            day += timedelta(days=slot.weekday - before.weekday)
            session.starts_at, session.ends_at = occurrences.instants(
                day, slot.starts, slot.ends, slot.school.tz
            )
        fits = slot.valid_from <= day <= slot.valid_until and day not in taken and session.starts_at > now
        # What a holiday cancelled waits for the holiday's end on its day; on another day it is planned anew.
        if session.status == SessionStatus.CANCELLED:
            fits = fits and day == session.held_on
        else:
            fits = fits and not off.reason(slot, day)
        session.held_on = day
        (kept if fits else gone).append(session)
    return kept, gone


def _follow(slot: TimetableSlot, kept: list[Session], before: Shape) -> None:
    """Writes what `_move` set, and room, sections and faculty where the slot's have changed."""
    now = shape_of(slot)
    for session in kept:
        if now.room_id != before.room_id and session.room_id == before.room_id:
            session.room_id = now.room_id
        if now.sections != before.sections:
            session.sections.set(slot.sections.all())
        if now.faculty != before.faculty:
            if set(session.faculty.values_list("pk", flat=True)) == before.faculty:
                session.faculty.set(now.faculty)
            if session.substitute_id in now.faculty:
                session.substitute_id = None
        session.term_id = slot.sections.all()[0].term_id
    Session.objects.bulk_update(
        kept, ["held_on", "starts_at", "ends_at", "room", "substitute", "term"], batch_size=500
    )


def _fill(slot: TimetableSlot, horizon: date, outcome: Replanned, *, by: User | None, now: datetime) -> None:
    """Plan the weeks up to the last one planned before that have no session: their old day was a day off."""
    start = slot.school.local_date(now)
    if occurrences.instants(start, slot.starts, slot.ends, slot.school.tz)[0] <= now:
        start += timedelta(days=1)
    end_of_week = horizon + timedelta(days=7 - horizon.isoweekday())
    while start <= end_of_week:
        end = min(end_of_week, start + timedelta(days=generation.MAX_DAYS - 1))
        part = generation.generate(school=slot.school, start=start, end=end, slots=[slot], by=by, now=now)
        outcome.created += part.created
        outcome.skipped += part.skipped
        start = end + timedelta(days=1)
