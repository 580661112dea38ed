"""The scan page where a ticket is no good any more: it says why once, and the next visit is the scanner again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from academics.models import Student
from accounts.enums import Role
from attendance import codes
from attendance.models import AttendanceRecord, Session
from attendance.services import sessions
from tests.attendance.web.test_deep_link import refusal, shown, tap
from tests.colleges import signed_in
from tests.factories import SectionFactory, SessionFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db

ClockAt = Callable[[datetime], AbstractContextManager[datetime]]


@pytest.fixture
def session() -> Session:
    return SessionFactory(section=SectionFactory(students=2), open=True)


def scan_page(client: Client) -> object:
    return client.get(reverse("attendance:scan"))


def test_a_ticket_that_is_too_old_is_said_and_forgotten(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    client = signed_in(student.user)
    with clock_at(now):
        client.get(shown(session, now))
    with clock_at(now + timedelta(minutes=6)):
        assert refusal(scan_page(client)) == (410, "qr_expired")
        assert client.get(reverse("attendance:scan")).context["state"] == "scanner"


def test_a_ticket_of_another_schools_class_shows_nothing_of_it(
    session: Session, now: datetime, clock_at: ClockAt
) -> None:
    stranger = StudentFactory()
    client = signed_in(stranger.user)
    with clock_at(now):
        client.get(shown(session, now))
        answer = client.get(reverse("attendance:scan"))
        assert refusal(answer) == (403, "not_on_roster")
        assert session.sections.get().course.title not in answer.content.decode()
        assert client.get(reverse("attendance:scan")).context["state"] == "scanner"
    assert not AttendanceRecord.objects.exists()


def test_a_tap_without_a_ticket_marks_nobody(student: Student) -> None:
    assert refusal(tap(signed_in(student.user))) == (410, "qr_expired")
    assert not AttendanceRecord.objects.exists()


def test_a_refused_tap_ends_the_ticket(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    client = signed_in(student.user)
    office = UserFactory(school=session.school)
    with clock_at(now):
        client.get(shown(session, now))
        sessions.close_session(session=session, by=office, now=now)
        assert refusal(tap(client)) == (409, "session_not_open")
        assert not client.cookies[codes.TICKET_COOKIE].value
        assert client.get(reverse("attendance:scan")).context["state"] == "scanner"


@pytest.mark.parametrize("role", [Role.FACULTY, Role.ADMIN, Role.INTEGRATOR])
def test_nobody_but_students_scans(session: Session, role: str) -> None:
    client = Client()
    client.force_login(
        UserFactory(school=session.school, role=role), backend="accounts.backends.CampusBackend"
    )
    for answer in (client.get(reverse("attendance:scan")), tap(client)):
        assert refusal(answer) == (403, "students_only")
