"""Schools with classes of years ago, for tests of retention."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from academics.models import Student
from accounts.models import School, User
from attendance.models import AttendanceConfiguration, AttendanceRecord, Session
from attendance.services import statistics
from core import owner, partitions, retiring
from tests.attendance.scans import students_of
from tests.factories import (
    RecordFactory,
    SchoolFactory,
    SectionFactory,
    SessionFactory,
    TermFactory,
    UserFactory,
)


def forget_years_before(year: int) -> None:
    """Drop what other tests left of earlier years: tables outlive the rows of a test."""
    with owner.acting(), owner.connect() as connection:
        for model in partitions.registry():
            for old in {*partitions.years(model), *retiring.detached(model)}:
                if old < year:
                    connection.execute(f"DROP TABLE {retiring.name_of(model, old)}")  # type: ignore[call-overload] # a name of ours


@dataclass
class Old:
    """A school that keeps records for `kept` years, with a term, and a class of two, in each of these years."""

    years: list[int]
    kept: int = 7
    school: School = field(default_factory=SchoolFactory)

    def __post_init__(self) -> None:
        partitions.ensure(self.years)
        AttendanceConfiguration.objects.filter(school=self.school).update(
            attendance_data_retention_years=self.kept
        )
        self.classes: dict[int, Session] = {year: self._class(year) for year in self.years}
        self.office: User = UserFactory(school=self.school)
        statistics.rebuild(school=self.school, now=datetime(2026, 11, 1, tzinfo=UTC))

    def _class(self, year: int) -> Session:
        term = TermFactory(
            school=self.school, name=str(year), starts_on=date(year, 1, 10), ends_on=date(year, 6, 1)
        )
        section = SectionFactory(school=self.school, term=term, students=2)
        session = SessionFactory(
            section=section, starts_at=datetime(year, 3, 2, 4, 0, tzinfo=UTC), status="locked"
        )
        for student in students_of(session):
            RecordFactory(session=session, student=student)
        return session

    def student(self, year: int) -> Student:
        """The first of the year's class."""
        return students_of(self.classes[year])[0]

    def records(self) -> list[int]:
        """The years of the school's marks, one item for each."""
        found: Any = AttendanceRecord.objects.filter(school=self.school).values_list(
            "held_on__year", flat=True
        )
        return sorted(found)
