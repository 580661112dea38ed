"""The tasks that beat sends: each does its work once, and the health page learns how it went."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time, timedelta

import pytest

from accounts.models import School
from attendance import jobs, tasks
from attendance.enums import SessionStatus
from attendance.models import ScanTicketUse, Session, TimetableSlot
from attendance.services import timetable
from attendance.services.scheduler import Sweep
from audit.models import AuditEntry
from core.ids import uuid7
from core.models import TaskHealth
from core.tasks import DONE_TONIGHT
from tests.factories import (
    FacultyFactory,
    SchoolFactory,
    SectionFactory,
    SessionFactory,
    TermFactory,
    UserFactory,
)
from tests.races import together

At = Callable[[datetime], AbstractContextManager[datetime]]


@pytest.mark.django_db
def test_a_class_opens_closes_and_locks_by_the_clock_alone(clock_at: At) -> None:
    session = SessionFactory()
    with clock_at(session.starts_at - timedelta(minutes=5)):
        assert tasks.open_due() == {"done": 1, "unconfirmed": 0}
        assert tasks.open_due() == {"done": 0, "unconfirmed": 0}
    session.refresh_from_db()
    assert session.status == SessionStatus.OPEN

    Session.objects.filter(pk=session.pk).update(opened_by_human_at=session.starts_at)
    with clock_at(session.ends_at):
        assert tasks.close_due() == {"done": 1, "unconfirmed": 0}
    with clock_at(session.ends_at + timedelta(days=6)):
        assert tasks.lock_due() == {"done": 0, "unconfirmed": 0}
    with clock_at(session.ends_at + timedelta(days=8)):
        assert tasks.lock_due() == {"done": 1, "unconfirmed": 0}
    session.refresh_from_db()
    assert session.status == SessionStatus.LOCKED


@pytest.mark.django_db
def test_a_class_that_nobody_held_is_left_unconfirmed(clock_at: At) -> None:
    session = SessionFactory()
    with clock_at(session.starts_at):
        tasks.open_due()
    with clock_at(session.ends_at):
        assert tasks.close_due() == {"done": 0, "unconfirmed": 1}
    session.refresh_from_db()
    assert session.status == SessionStatus.UNCONFIRMED


@pytest.mark.django_db
def test_a_success_is_recorded_with_its_period(clock_at: At, now: datetime) -> None:
    with clock_at(now):
        tasks.open_due()
    health = TaskHealth.objects.get(pk=jobs.OPEN_DUE)
    assert (health.succeeded_at, health.period_seconds, health.error) == (now, 30, "")


def test_a_sweep_with_failures_counts_as_a_failed_task_and_names_them() -> None:
    failed = uuid7()
    with pytest.raises(tasks.SweepIncomplete, match=str(failed)):
        tasks._told(Sweep(done=3, failed=[failed]))


def weekly_slot(school: School, now: datetime) -> TimetableSlot:
    """Tuesdays, 09:00–10:00."""
    return timetable.save_slot(
        school=school,
        sections=[SectionFactory(school=school, term=TermFactory(school=school))],
        faculty=[FacultyFactory(school=school)],
        room=None,
        weekday=2,
        starts=time(9),
        ends=time(10),
        valid_from=date(2026, 11, 2),
        valid_until=date(2027, 3, 27),
        by=UserFactory(school=school),
        now=now,
    )


@pytest.mark.django_db
def test_every_active_school_gets_its_coming_fortnight_in_its_own_days(clock_at: At, now: datetime) -> None:
    here, there, gone = SchoolFactory(), SchoolFactory(timezone="Pacific/Kiritimati"), SchoolFactory()
    for school in (here, there, gone):
        weekly_slot(school, now)
    Session.objects.all().delete()
    School.objects.filter(pk=gone.pk).update(is_active=False)

    # 23:30 on Tuesday 3 November in India, already 08:00 on Wednesday in Kiritimati.
    with clock_at(datetime(2026, 11, 3, 18, tzinfo=UTC)):
        assert tasks.generate_fortnight() == {"made": 5}

    def days(school: School) -> list[int]:
        return sorted(
            day.day for day in Session.objects.filter(school=school).values_list("held_on", flat=True)
        )

    assert (days(here), days(there), days(gone)) == ([3, 10, 17], [10, 17], [])


@pytest.mark.django_db
def test_a_night_generates_once_and_the_next_one_goes_on(clock_at: At, now: datetime) -> None:
    weekly_slot(SchoolFactory(), now)
    Session.objects.all().delete()
    evening = datetime(2026, 11, 3, 20, 30, tzinfo=UTC)
    with clock_at(evening):
        assert tasks.generate_fortnight() == {"made": 2}
    with clock_at(evening + timedelta(hours=1)):
        assert tasks.generate_fortnight() == DONE_TONIGHT
    with clock_at(evening + timedelta(days=7)):
        assert tasks.generate_fortnight() == {"made": 1}


@pytest.mark.django_db
def test_a_school_that_cannot_be_generated_does_not_stop_the_next(clock_at: At, now: datetime) -> None:
    broken, fine = SchoolFactory(), SchoolFactory()
    for school in (broken, fine):
        weekly_slot(school, now)
    Session.objects.all().delete()
    School.objects.filter(pk=broken.pk).update(timezone="Nowhere/Atlantis")

    with clock_at(now), pytest.raises(tasks.SweepIncomplete, match=broken.code):
        tasks.generate_fortnight()

    assert Session.objects.filter(school=fine).count() == 3


@pytest.mark.django_db
def test_traces_of_tickets_go_after_a_day(clock_at: At, now: datetime) -> None:
    person = UserFactory(school=SchoolFactory())
    for age in (timedelta(hours=23), timedelta(hours=25)):
        ScanTicketUse.objects.create(nonce=uuid7(), user=person, used_at=now - age)
    with clock_at(now):
        assert tasks.forget_tickets() == 1
    assert ScanTicketUse.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_openers_at_once_open_each_class_once(clock_at: At) -> None:
    sessions = [SessionFactory() for _ in range(4)]

    def run(_index: int) -> object:
        with clock_at(sessions[0].starts_at):
            return tasks.open_due()

    answers = together(4, run)

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert set(Session.objects.values_list("status", flat=True)) == {SessionStatus.OPEN}
    assert AuditEntry.objects.filter(action="session.open").count() == len(sessions)
