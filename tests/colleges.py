"""Clients of the API and of pages, and two colleges that must not see each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from rest_framework.test import APIClient

from academics.models import Department, Section, Student
from accounts.enums import Role
from accounts.models import School, User
from attendance.models import Session
from core import clock, limits
from core.tokens import encode_access
from tests.factories import (
    CourseFactory,
    DepartmentFactory,
    FacultyFactory,
    RoomFactory,
    SchoolFactory,
    SectionFactory,
    SessionFactory,
    TermFactory,
    UserFactory,
)


@pytest.fixture(autouse=True)
def held_clock(now: datetime) -> Iterator[None]:
    """09:00 on the day of the class."""
    with clock.frozen(now):
        yield


@pytest.fixture(autouse=True)
def unhurried(settings: Any) -> Iterator[None]:
    """Limits have tests of their own; here they would count across tests."""
    settings.CAMPUSHUB_THROTTLE_RATES = dict.fromkeys(["user", "bulk", "scan"], "100000/s")
    limits.forget_local()
    yield
    limits.forget_local()


@dataclass(frozen=True)
class College:
    """A school with one department, one section of three students, and a class of it on Tuesday, 09:00."""

    school: School
    department: Department
    section: Section
    session: Session
    students: list[Student]
    teacher: User
    other_teacher: User
    head: User
    admin: User
    integrator: User

    def number(self, index: int) -> str:
        return self.students[index].enrollment_no

    def user(self, who: str) -> User:
        """``student``, ``outsider`` (a student of no section) or one of the named users."""
        return self.students[0].user if who == "student" else getattr(self, who)


def make_college(**session: Any) -> College:
    school = SchoolFactory()
    TermFactory(school=school)
    department = DepartmentFactory(school=school)
    head = FacultyFactory(school=school, department=department)
    Department.objects.filter(pk=department.pk).update(head=head)
    section = SectionFactory(
        school=school, course=CourseFactory(school=school, department=department), students=3
    )
    held = SessionFactory(section=section, room=RoomFactory(school=school), **session)
    return College(
        school=school,
        department=department,
        section=section,
        session=held,
        students=list(Student.objects.filter(school=school).order_by("enrollment_no")),
        teacher=held.faculty.get().user,
        other_teacher=FacultyFactory(school=school).user,
        head=head.user,
        admin=UserFactory(school=school, role=Role.ADMIN),
        integrator=UserFactory(school=school, role=Role.INTEGRATOR),
    )


@pytest.fixture
def college() -> College:
    return make_college()


@pytest.fixture
def elsewhere() -> College:
    return make_college()


def client_of(user: User | None) -> APIClient:
    """A client that sends the user's access token."""
    client = APIClient()
    if user is not None:
        student = Student.objects.filter(user=user).first()
        token = encode_access(
            user_id=user.pk,
            school_id=user.school_id,
            role=user.role,
            student_id=student.pk if student else None,
            family_id=uuid4(),
            issued_at=clock.now(),
        )
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def signed_in(user: User) -> Client:
    """A browser in which the user is signed in to the pages."""
    client = Client()
    client.force_login(user, backend="accounts.backends.CampusBackend")
    return client


@pytest.fixture
def operator() -> User:
    return UserFactory(school=None, role=Role.SUPERUSER)


def refusal(answer: Any) -> tuple[int, str, str | None]:
    """(status, code, attr) of the one error in the answer."""
    (error,) = answer.json()["errors"]
    return answer.status_code, error["code"], error["attr"]
