"""Who is about in a class; each file has a `session` fixture of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from academics.models import Student
from accounts.models import User
from attendance.models import Session
from core import clock
from tests.attendance.scans import students_of
from tests.colleges import college, elsewhere
from tests.factories import UserFactory

__all__ = ["college", "elsewhere"]


@pytest.fixture
def two_minutes_in(now: datetime) -> Iterator[None]:
    """The clock stands two minutes after the beginning of the class."""
    with clock.frozen(now + timedelta(minutes=2)):
        yield


@pytest.fixture
def office(session: Session) -> User:
    return UserFactory(school=session.school)


@pytest.fixture
def student(session: Session) -> Student:
    return students_of(session)[0]
