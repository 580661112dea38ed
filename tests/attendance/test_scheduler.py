"""The scheduler's sweeps when something is broken, and what they leave to people."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta

import pytest

from academics.models import Enrollment
from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, Session
from attendance.services import scheduler, sessions
from tests.factories import SectionFactory, SessionFactory, UserFactory

pytestmark = pytest.mark.django_db


def status_of(session: Session) -> str:
    session.refresh_from_db()
    return session.status


def test_one_class_that_cannot_be_closed_does_not_keep_the_others_open(
    now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    """Of 1961 no partition exists, so its absentees have nowhere to go."""
    broken = SessionFactory(open=True, starts_at=datetime(1961, 3, 1, 4, tzinfo=UTC))
    Enrollment.objects.update(joined_on=date(1961, 1, 1))
    fine = [SessionFactory(open=True, starts_at=now - timedelta(hours=hours)) for hours in (2, 3)]
    caplog.set_level(logging.ERROR)

    sweep = scheduler.close_due(now=now)

    assert (sweep.done, sweep.failed) == (2, [broken.pk])
    assert [status_of(session) for session in fine] == [SessionStatus.CLOSED] * 2
    assert status_of(broken) == SessionStatus.OPEN
    assert not AttendanceRecord.objects.filter(session=broken).exists()
    assert str(broken.pk) in caplog.text
    again = scheduler.close_due(now=now)
    assert (again.done, again.failed) == (0, [broken.pk])


def test_a_school_that_opens_and_closes_by_hand_is_left_alone(now: datetime) -> None:
    waiting = SessionFactory(starts_at=now)
    rules = waiting.school.attendance_configuration
    rules.auto_open_sessions = rules.auto_close_sessions = False
    rules.save()
    running = SessionFactory(
        section=SectionFactory(school=waiting.school), open=True, starts_at=now - timedelta(hours=5)
    )

    assert scheduler.open_due(now=now).done == 0
    assert scheduler.close_due(now=now).done == 0

    assert (status_of(waiting), status_of(running)) == (SessionStatus.SCHEDULED, SessionStatus.OPEN)


def test_what_is_left_open_by_hand_is_still_closed_after_it_was_reopened(now: datetime) -> None:
    session = SessionFactory(open=True, starts_at=now)
    rules = session.school.attendance_configuration
    rules.auto_close_sessions = False
    rules.save()
    office = UserFactory(school=session.school)
    sessions.close_session(session=session, by=office, now=now)
    sessions.reopen_session(session=session, reason="late", by=office, now=now)

    assert scheduler.close_due(now=now + timedelta(minutes=29)).done == 0
    assert scheduler.close_due(now=now + timedelta(minutes=30)).done == 1
