"""A section with a month of classes, for tests of exports."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import Any

from academics.models import Department, Section, Student, StudentSnapshot
from accounts.enums import Role
from accounts.models import School, User
from attendance.services import configuration
from core import redis
from tests.attendance.classes import hold
from tests.factories import (
    CohortFactory,
    CourseFactory,
    DepartmentFactory,
    FacultyFactory,
    SchoolFactory,
    SectionFactory,
    StudentFactory,
    TermFactory,
    UserFactory,
)

TODAY = date(2026, 11, 30)
MONTH = "2026-11"
#: What stands in the way of a formula, in two scripts, and what is plain.
NAMES = ("=HYPERLINK(1)", "మౌనిక నాయుడు", "राहुल शर्मा", "Asha Rao")
MARKS = (
    ("2026-10-29 09:00", "PPPP"),
    ("2026-11-02 09:00", "PLAE"),
    ("2026-11-03 09:00", "PPAA"),
    ("2026-11-09 11:00", "AP-P"),
)


@dataclass(frozen=True)
class ExportWorld:
    school: School
    department: Department
    section: Section
    students: list[Student]
    teacher: User
    head: User
    office: User
    colleague: User

    def person(self, who: str) -> User:
        return self.students[0].user if who == "student" else getattr(self, who)


def build() -> ExportWorld:
    """Four classes of CS302, the first of them in the month before; a dash is a student who joined later."""
    school = SchoolFactory(name="Godavari College")
    TermFactory(school=school)
    department = DepartmentFactory(school=school, code="CSE", name="Computer Science")
    head, teacher, colleague = (FacultyFactory(school=school) for _ in range(3))
    Department.objects.filter(pk=department.pk).update(head=head)
    section = SectionFactory(
        school=school,
        course=CourseFactory(school=school, code="CS302", title="Data Structures", department=department),
        cohort=CohortFactory(school=school, code="CSE-A"),
        faculty=teacher,
        students=[named(school, number, name) for number, name in enumerate(NAMES, start=1)],
    )
    students = list(Student.objects.filter(school=school).order_by("enrollment_no"))
    for local, marks in MARKS:
        hold(section, local, marks, students)
    configuration.ensure(school)
    return ExportWorld(
        school=school,
        department=department,
        section=section,
        students=students,
        teacher=teacher.user,
        head=head.user,
        office=UserFactory(school=school, role=Role.ADMIN),
        colleague=colleague.user,
    )


def named(school: School, number: int, name: str) -> Student:
    """A student with a name, also in what was recorded of them."""
    student: Student = StudentFactory(school=school, enrollment_no=f"24CSE{number:03}")
    User.objects.filter(pk=student.user_id).update(full_name=name)
    StudentSnapshot.objects.filter(student=student).update(name=name)
    return student


def never_exported(user: User) -> None:
    """Forget what somebody with the same number did in another test: numbers begin anew, the counts stay an hour."""
    redis.run(lambda client: client.delete(f"throttle:export:u{user.pk}"))


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def content_of(answer: Any) -> bytes:
    """All of a streamed answer."""
    return b"".join(answer.streaming_content)
