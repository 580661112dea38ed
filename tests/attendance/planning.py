"""Plans for tests: a school with a term, weekly classes and extra ones, all through the services."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from academics.models import Faculty, Room, Section
from accounts.models import School, User
from attendance.models import Session, TimetableSlot
from attendance.services import arrangement, generation, timetable
from tests.factories import FacultyFactory, SchoolFactory, SectionFactory, TermFactory, UserFactory

#: Sunday 1 November 2026, noon in Asia/Kolkata: the week of FROM lies ahead.
BEFORE = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
FROM, UNTIL = date(2026, 11, 2), date(2026, 11, 29)
#: The Tuesdays of these four weeks.
TUESDAYS = [date(2026, 11, day) for day in (3, 10, 17, 24)]


@dataclass
class Plan:
    """One school and its office, with `now` before everything."""

    school: School
    office: User
    now: datetime = BEFORE

    @classmethod
    def new(cls, **school: Any) -> Plan:
        made = SchoolFactory(**school)
        TermFactory(school=made, starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))
        return cls(made, UserFactory(school=made))

    def section(self, **values: Any) -> Section:
        return SectionFactory(school=self.school, **values)

    def teacher(self) -> Faculty:
        return FacultyFactory(school=self.school)

    def slot(self, **changes: Any) -> TimetableSlot:
        """Tuesdays 09:00–10:00 of November, a new section by a new teacher, unless told otherwise."""
        values: dict[str, Any] = {
            "room": None,
            "weekday": 2,
            "starts": time(9),
            "ends": time(10),
            "valid_from": FROM,
            "valid_until": UNTIL,
            **changes,
        }
        values.setdefault("sections", [self.section()] if "sections" not in changes else None)
        values.setdefault("faculty", [self.teacher()] if "faculty" not in changes else None)
        return timetable.save_slot(school=self.school, by=self.office, now=self.now, **values)

    def change(self, slot: TimetableSlot, **changes: Any) -> TimetableSlot:
        """The slot with only these things changed."""
        names = ("room", "weekday", "starts", "ends", "valid_from", "valid_until")
        values = {name: getattr(slot, name) for name in names}
        values |= {"sections": list(slot.sections.all()), "faculty": list(slot.faculty.all())}
        now = changes.pop("now", self.now)
        return timetable.save_slot(
            school=self.school, slot=slot, by=self.office, now=now, **(values | changes)
        )

    def generate(self, start: date = FROM, end: date = UNTIL, **more: Any) -> generation.GenerationResult:
        return generation.generate(
            school=self.school, start=start, end=end, by=self.office, now=self.now, **more
        )

    def extra_class(
        self,
        start: str,
        *,
        sections: Iterable[Section] | None = None,
        faculty: Iterable[Faculty] | None = None,
        room: Room | None = None,
        minutes: int = 60,
    ) -> Session:
        """An extra class from a local time such as ``2026-11-03 09:00``."""
        starts_at = self.at(start)
        return arrangement.create_extra(
            school=self.school,
            sections=list(sections or [self.section()]),
            faculty=list(faculty or [self.teacher()]),
            room=room,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=minutes),
            by=self.office,
            now=self.now,
        )

    def at(self, local: str) -> datetime:
        """The instant of a wall-clock time of the school."""
        return datetime.fromisoformat(local).replace(tzinfo=self.school.tz).astimezone(UTC)

    def times(self, slot: TimetableSlot) -> list[str]:
        """Local starts of the slot's sessions, in order."""
        found = Session.objects.filter(slot=slot).order_by("starts_at")
        return [f"{self.school.local(session.starts_at):%m-%d %H:%M}" for session in found]

    def of_day(self, slot: TimetableSlot, day: date) -> Session:
        return Session.objects.get(slot=slot, held_on=day)
