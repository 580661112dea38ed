"""Class sessions from the timetable, for a range of days: set-based, and harmless to repeat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg.types.range import Range

from academics.models import Section
from accounts.models import School, User
from attendance import errors
from attendance.enums import SessionStatus
from attendance.models import Session, SessionOccupancy, TimetableSlot
from attendance.selectors.sessions import slots_with_details
from attendance.services import configuration, occupancy, occurrences
from attendance.services.occupancy import Wanted
from attendance.services.resources import Resources
from audit.services.entries import operation
from core import partitions
from core.errors import Invalid

#: Longest range of one run, in days: a year and a month.
MAX_DAYS = 400
_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Skip:
    """A day on which a slot gets no session, and why."""

    date: date
    reason: str
    slot_id: UUID


@dataclass(slots=True)
class GenerationResult:
    created: int = 0
    existing: int = 0
    skipped: list[Skip] = field(default_factory=list)


def generate(
    *,
    school: School,
    start: date,
    end: date,
    section: Section | None = None,
    slots: Iterable[TimetableSlot] | None = None,
    by: User | None,
    now: datetime,
) -> GenerationResult:
    """Make the sessions of the timetable from `start` to `end`, both included.

    Holidays, skipped dates, days outside the term and places taken by extra classes are left out, each with its
    reason; what exists stays as it is. Two runs at once do the work once (the school's advisory lock, and the
    unique constraint on slot and day). Raises RangeTooLong, Invalid.
    """
    if end < start:
        raise Invalid(attr="to", detail=_("The end lies before the beginning."))
    if (end - start).days >= MAX_DAYS:
        raise errors.RangeTooLong(days=MAX_DAYS)
    configuration.ensure(school)
    # In a transaction of its own: attaching a partition locks the tables it refers to until the commit.
    partitions.ensure(range(start.year, end.year + 1))
    with transaction.atomic():
        occupancy.lock_timetable(school.pk)
        chosen = TimetableSlot.objects.filter(school=school, valid_from__lte=end, valid_until__gte=start)
        if section is not None:
            chosen = chosen.filter(sections=section)
        if slots is not None:
            chosen = chosen.filter(pk__in=[slot.pk for slot in slots])
        plan = _Plan(school, list(slots_with_details(chosen)), start, end)
        plan.run()
        _write(plan.new)
        with operation(by=by, at=now) as op:
            if plan.new:
                op.record(
                    "session.generate",
                    school,
                    school_id=school.pk,
                    after={"from": start, "to": end, "count": len(plan.new)},
                )
    return plan.result


@dataclass(frozen=True, slots=True)
class _New:
    slot: TimetableSlot
    wanted: Wanted

    @property
    def session(self) -> Session:
        return self.wanted.session


class _Plan:
    """What one run finds and decides, in memory."""

    def __init__(self, school: School, slots: list[TimetableSlot], start: date, end: date) -> None:
        self.school, self.slots, self.start, self.end = school, slots, start, end
        self.result = GenerationResult()
        self.new: list[_New] = []
        self._resources = Resources(school.pk)
        self._off = occurrences.DaysOff(school, slots, start, end)
        around = Session.objects.filter(
            slot__in=slots, held_on__range=(start - timedelta(days=6), end + timedelta(days=6))
        )
        self._existing: set[tuple[UUID | None, date]] = set()
        self._weeks: set[tuple[UUID | None, int, int]] = set()
        for slot, day, status in around.values_list("slot", "held_on", "status"):
            self._existing.add((slot, day))
            if status != SessionStatus.CANCELLED:
                self._weeks.add((slot, *day.isocalendar()[:2]))
        self._taken: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)

    def run(self) -> None:
        self._read_taken()
        for slot in self.slots:
            resources = self._resources.of(
                slot.sections.all(), [teacher.pk for teacher in slot.faculty.all()], slot.room_id
            )
            for day in occurrences.dates_of(slot, self.start, self.end):
                if self._exists(slot, day):
                    self.result.existing += 1
                    continue
                reason = self._off.reason(slot, day) or self._place(slot, day, resources)
                if reason:
                    self.result.skipped.append(Skip(day, reason, slot.pk))

    def _exists(self, slot: TimetableSlot, day: date) -> bool:
        """A slot is one class a week: one held before it moved to another weekday counts for its week."""
        return (slot.pk, day) in self._existing or (slot.pk, *day.isocalendar()[:2]) in self._weeks

    def _read_taken(self) -> None:
        first = datetime.combine(self.start - timedelta(days=1), time.min, tzinfo=self.school.tz)
        last = datetime.combine(self.end + timedelta(days=2), time.min, tzinfo=self.school.tz)
        rows = SessionOccupancy.objects.filter(school=self.school, during__overlap=Range(first, last))
        for resource, during in rows.values_list("resource", "during"):
            self._taken[resource].append((during.lower, during.upper))

    def _place(self, slot: TimetableSlot, day: date, resources: list[str]) -> str:
        starts_at, ends_at = occurrences.instants(day, slot.starts, slot.ends, self.school.tz)
        for resource in resources:
            if any(lower < ends_at and starts_at < upper for lower, upper in self._taken[resource]):
                return _("taken by another class")
        for resource in resources:
            self._taken[resource].append((starts_at, ends_at))
        session = Session(
            school=self.school,
            term_id=slot.sections.all()[0].term_id,
            slot=slot,
            room_id=slot.room_id,
            held_on=day,
            starts_at=starts_at,
            ends_at=ends_at,
        )
        self.new.append(_New(slot, Wanted(session, resources)))
        self.result.created += 1
        return ""


def _write(new: list[_New]) -> None:
    sections_of = Session.sections.through
    faculty_of = Session.faculty.through
    Session.objects.bulk_create([item.session for item in new], batch_size=_BATCH)
    sections_of.objects.bulk_create(
        [
            sections_of(session_id=item.session.pk, section_id=section.pk)
            for item in new
            for section in item.slot.sections.all()
        ],
        batch_size=_BATCH,
    )
    faculty_of.objects.bulk_create(
        [
            faculty_of(session_id=item.session.pk, faculty_id=teacher.pk)
            for item in new
            for teacher in item.slot.faculty.all()
        ],
        batch_size=_BATCH,
    )
    occupancy.write_sessions([item.wanted for item in new])
