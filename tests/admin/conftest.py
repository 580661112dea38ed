"""A school with one class on Tuesday at 09:00, which is now, and who writes in it."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from accounts.enums import Role
from accounts.models import School
from attendance.models import Session
from attendance.services import sessions
from attendance.services.marking import Mark, bulk_mark
from tests.attendance.scans import students_of
from tests.colleges import held_clock, signed_in
from tests.factories import SectionFactory, SessionFactory, UserFactory

__all__ = ["held_clock"]


def begin(session: Session, now: datetime) -> Session:
    """Open it, and mark its first student present."""
    teacher = session.faculty.get().user
    begun = sessions.open_session(session=session, by=teacher, now=now)
    bulk_mark(
        session=begun, marks=[Mark(students_of(begun)[0].enrollment_no, "present")], by=teacher, now=now
    )
    return begun


@pytest.fixture
def session() -> Session:
    """A class of two students, planned."""
    return SessionFactory(section=SectionFactory(students=2))


@pytest.fixture
def begun(session: Session, now: datetime) -> Session:
    """The same class, open, with its first student marked present."""
    return begin(session, now)


@pytest.fixture
def school(session: Session) -> School:
    return session.school


@pytest.fixture
def office(session: Session) -> Client:
    return signed_in(UserFactory(school=session.school))


@pytest.fixture
def operator() -> Client:
    return signed_in(UserFactory(school=None, role=Role.SUPERUSER))
