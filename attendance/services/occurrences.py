"""When a weekly class takes place: its dates, the days it is off, and the instants of its wall-clock time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from academics.models import Section
from accounts.models import School
from attendance.models import Holiday, SlotException, TimetableSlot


def dates_of(slot: TimetableSlot, first: date, last: date) -> Iterator[date]:
    """The days from `first` to `last`, both included, on which the slot would be, holidays or not."""
    day = max(first, slot.valid_from)
    day += timedelta(days=(slot.weekday - day.isoweekday()) % 7)
    while day <= min(last, slot.valid_until):
        yield day
        day += timedelta(days=7)


def instants(day: date, starts: time, ends: time, tz: ZoneInfo) -> tuple[datetime, datetime]:
    """Start and end, in UTC, of a wall-clock class on a local date.

    An end at or before the start is on the next day. A start that summer time skips moves forward by the gap and
    the class keeps its length; of an hour that comes twice the first is meant (PEP 495: fold 0 does both).
    """
    last = day + timedelta(days=1) if ends <= starts else day
    begin = datetime.combine(day, starts, tzinfo=tz).astimezone(UTC)
    end = datetime.combine(last, ends, tzinfo=tz).astimezone(UTC)
    if begin.astimezone(tz).time() != starts:
        end = begin + (datetime.combine(last, ends) - datetime.combine(day, starts))
    return begin, end


def departments_of(section: Section) -> set[int]:
    """Departments that a section belongs to, by its course and its cohort."""
    cohort = section.cohort.department_id if section.cohort else None
    return {pk for pk in (section.course.department_id, cohort) if pk is not None}


def covers(holiday: Holiday, sections: Iterable[Section]) -> bool:
    """A department's holiday covers a class only if every one of its sections belongs to the department."""
    if holiday.department_id is None:
        return True
    return all(holiday.department_id in departments_of(section) for section in sections)


class DaysOff:
    """Why a slot has no class on a day, for some slots (loaded with details) of a school and a range of days."""

    def __init__(self, school: School, slots: Sequence[TimetableSlot], first: date, last: date) -> None:
        self._holidays: dict[date, list[Holiday]] = defaultdict(list)
        for holiday in Holiday.objects.filter(school=school, date__range=(first, last)):
            self._holidays[holiday.date].append(holiday)
        skipped = SlotException.objects.filter(slot__in=slots, date__range=(first, last))
        self._skipped = {
            (slot, day): reason for slot, day, reason in skipped.values_list("slot", "date", "reason")
        }

    def reason(self, slot: TimetableSlot, day: date) -> str:
        """The reason in words; empty when the class takes place."""
        sections = list(slot.sections.all())
        if not sections:
            return _("no section")
        term = sections[0].term
        if not term.starts_on <= day <= term.ends_on:
            return _("outside the term")
        if (slot.pk, day) in self._skipped:
            return self._skipped[slot.pk, day] or _("skipped date")
        for holiday in self._holidays.get(day, ()):
            if covers(holiday, sections):
                return holiday.name
        return ""
