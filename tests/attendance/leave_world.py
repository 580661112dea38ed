"""A student with a class on every day of two weeks, for tests of leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from academics.models import Section, Student
from accounts.models import User
from attendance.models import AttendanceRecord, AttendanceStatistics, LeaveApplication, Session
from attendance.services import leaves, marking, sessions
from tests.attendance.scans import students_of
from tests.factories import SectionFactory, SessionFactory, UserFactory
from tests.factories.attendance import STARTS

#: The day of the first class.
FIRST = STARTS.date()


@dataclass
class World:
    """Ten classes of one course, the first on `FIRST`, none of them held yet."""

    section: Section = field(default_factory=lambda: SectionFactory(students=2))

    def __post_init__(self) -> None:
        self.classes: list[Session] = []
        for day in range(10):
            session = SessionFactory(
                section=self.section,
                starts_at=STARTS + timedelta(days=day),
                **({"teacher": self.classes[0].faculty.get()} if self.classes else {}),
            )
            self.classes.append(session)
        self.student, self.other = students_of(self.classes[0])
        self.office: User = UserFactory(school=self.section.school)
        teacher = self.classes[0].faculty.get()
        self.teacher: User = teacher.user

    def day(self, index: int) -> date:
        return FIRST + timedelta(days=index)

    def hold(self, index: int, status: str | None = None, *, by: User | None = None) -> Session:
        """The class is held and closed; the student was marked `status` in it, or not at all."""
        session = self.classes[index]
        sessions.open_session(session=session, by=self.teacher, now=session.starts_at)
        if status is not None:
            marking.mark(
                session=session,
                student=self.student.enrollment_no,
                status=status,
                by=by or self.teacher,
                now=session.starts_at,
            )
        self.classes[index] = sessions.close_session(session=session, by=self.teacher, now=session.ends_at)
        return self.classes[index]

    def lock(self, index: int) -> None:
        self.classes[index] = sessions.lock_session(
            session=self.classes[index], by=self.office, now=self.classes[index].ends_at
        )

    def leave(self, first: int = 0, last: int | None = None, **values: Any) -> LeaveApplication:
        """The student's application for the days from one to another; a day's classes with ``only=``."""
        return leaves.apply_for(
            student=values.pop("student", self.student),
            from_date=self.day(first),
            to_date=self.day(first if last is None else last),
            **{
                "kind": "medical",
                "reason": "fever",
                "by": self.student.user,
                "now": STARTS,
                **values,
            },
        )

    def approved(self, *days: int, **values: Any) -> leaves.LeaveOutcome:
        return leaves.approve(leave=self.leave(*days, **values), by=self.office, now=STARTS)

    def statuses(self, student: Student | None = None) -> dict[int, str]:
        """The student's mark in each class that has one, by its number."""
        found = AttendanceRecord.objects.filter(student=student or self.student)
        return {
            (day - FIRST).days: status
            for day, status in found.values_list("held_on", "status").order_by("held_on")
        }

    def record(self, index: int) -> AttendanceRecord:
        return AttendanceRecord.objects.get(student=self.student, session=self.classes[index])

    def figures(self) -> dict[str, int]:
        """What is kept of the student: held, present, late, absent, excused."""
        names = ("held", "present", "late", "absent", "excused")
        return dict(AttendanceStatistics.objects.filter(student=self.student).values(*names).get())
