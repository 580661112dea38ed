"""What a class session may become, and what each move does to records and figures."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from academics.models import Section
from accounts.models import User
from attendance import errors
from attendance.enums import SessionStatus, Source, Status
from attendance.models import AttendanceRecord, AttendanceStatistics, Session, SessionOccupancy
from attendance.services import scheduler, sessions
from attendance.services.marking import Mark, bulk_mark
from audit.models import AuditEntry
from core.errors import InvalidTransition, ReasonRequired
from tests.factories import SectionFactory, SessionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def section() -> Section:
    return SectionFactory(students=3)


@pytest.fixture
def session(section: Section) -> Session:
    return SessionFactory(section=section)


@pytest.fixture
def teacher(session: Session) -> User:
    return session.faculty.get().user


def numbers(session: Session) -> list[str]:
    section = session.sections.get()
    return sorted(section.enrollments.values_list("student__enrollment_no", flat=True))


def statuses(session: Session) -> list[tuple[str, str]]:
    return sorted(AttendanceRecord.objects.filter(session=session).values_list("status", "source"))


def test_opening_twice_is_harmless_and_keeps_the_first_moment(
    session: Session, teacher: User, now: datetime
) -> None:
    sessions.open_session(session=session, by=teacher, now=now)
    again = sessions.open_session(session=session, by=teacher, now=now + timedelta(minutes=3))

    assert again.status == SessionStatus.OPEN
    assert again.opened_by_human_at == now
    assert AuditEntry.objects.filter(action="session.open").count() == 1


def test_the_first_person_after_an_automatic_opening_sets_the_start_of_grace(
    session: Session, teacher: User, now: datetime
) -> None:
    sessions.open_session(session=session, by=None, now=now - timedelta(minutes=5))
    opened = sessions.open_session(session=session, by=teacher, now=now + timedelta(minutes=10))

    assert opened.opened_by_human_at == now + timedelta(minutes=10)
    assert opened.on_time_from == now + timedelta(minutes=10)


def test_a_class_cannot_be_opened_hours_before_it_begins(
    session: Session, teacher: User, now: datetime
) -> None:
    with pytest.raises(errors.TooEarly):
        sessions.open_session(session=session, by=teacher, now=now - timedelta(hours=2))


def test_closing_makes_whoever_was_not_marked_absent_and_counts_everybody(
    session: Session, teacher: User, now: datetime
) -> None:
    sessions.open_session(session=session, by=teacher, now=now)
    first, *_ = numbers(session)
    bulk_mark(session=session, marks=[Mark(first, Status.PRESENT)], by=teacher, now=now)

    closed = sessions.close_session(session=session, by=teacher, now=now + timedelta(minutes=50))

    assert closed.status == SessionStatus.CLOSED
    assert statuses(session) == [
        (Status.ABSENT, Source.SYSTEM),
        (Status.ABSENT, Source.SYSTEM),
        (Status.PRESENT, Source.MANUAL),
    ]
    kept = AttendanceStatistics.objects.order_by("student__enrollment_no").values_list(
        "held", "present", "absent", "percentage"
    )
    assert list(kept) == [(1, 1, 0, 100), (1, 0, 1, 0), (1, 0, 1, 0)]


def test_reopening_takes_the_class_out_of_the_figures_until_it_closes_again(
    session: Session, teacher: User, now: datetime
) -> None:
    sessions.open_session(session=session, by=teacher, now=now)
    sessions.close_session(session=session, by=teacher, now=now)
    with pytest.raises(ReasonRequired):
        sessions.reopen_session(session=session, reason=" ", by=teacher, now=now)

    reopened = sessions.reopen_session(
        session=session, reason="half the class waited outside", by=teacher, now=now
    )

    assert reopened.status == SessionStatus.OPEN
    assert set(AttendanceStatistics.objects.values_list("held", "percentage")) == {(0, None)}
    sessions.close_session(session=session, by=teacher, now=now)
    assert set(AttendanceStatistics.objects.values_list("held", "percentage")) == {(1, 0)}


def test_a_mark_by_somebody_who_still_saw_the_class_closed_counts_once(
    session: Session, teacher: User, now: datetime
) -> None:
    sessions.open_session(session=session, by=teacher, now=now)
    as_seen = sessions.close_session(session=session, by=teacher, now=now)
    assert as_seen.is_counted
    sessions.reopen_session(session=session, reason="too early", by=teacher, now=now)

    bulk_mark(session=as_seen, marks=[Mark(numbers(session)[0], "present")], by=teacher, now=now)
    assert set(AttendanceStatistics.objects.values_list("held", flat=True)) == {0}
    sessions.close_session(session=session, by=teacher, now=now)

    assert sorted(AttendanceStatistics.objects.values_list("held", "present", "absent")) == [
        (1, 0, 1),
        (1, 0, 1),
        (1, 1, 0),
    ]


def test_the_scheduler_closes_a_reopened_class_after_half_an_hour(
    session: Session, teacher: User, now: datetime
) -> None:
    sessions.open_session(session=session, by=teacher, now=now)
    later = now + timedelta(hours=3)
    sessions.close_session(session=session, by=teacher, now=later)
    sessions.reopen_session(session=session, reason="forgot two", by=teacher, now=later)

    assert scheduler.close_due(now=later + timedelta(minutes=29)).done == 0
    assert scheduler.close_due(now=later + timedelta(minutes=30)).done == 1


@pytest.mark.parametrize("said", ["confirmed", "closed"])
def test_a_class_that_somebody_said_was_held_stays_held_when_it_is_reopened_and_nobody_captured(
    session: Session, teacher: User, now: datetime, said: str
) -> None:
    scheduler.open_due(now=session.starts_at)
    ends = session.ends_at
    if said == "confirmed":
        scheduler.close_due(now=ends)
        sessions.confirm_session(session=session, held=True, by=teacher, now=ends)
    else:
        sessions.close_session(session=session, by=teacher, now=ends)
    sessions.reopen_session(session=session, reason="forgot two", by=teacher, now=ends)

    sweep = scheduler.close_due(now=ends + timedelta(minutes=30))

    session.refresh_from_db()
    assert (sweep.done, sweep.unconfirmed, session.status) == (1, 0, SessionStatus.CLOSED)


def test_voiding_needs_a_reason_and_leaves_no_trace_in_figures(
    session: Session, teacher: User, now: datetime
) -> None:
    sessions.open_session(session=session, by=teacher, now=now)
    sessions.close_session(session=session, by=teacher, now=now)

    sessions.void_session(session=session, reason="fire drill", by=teacher, now=now)

    assert set(AttendanceStatistics.objects.values_list("held", flat=True)) == {0}
    assert AttendanceRecord.objects.filter(session=session).count() == 3


def test_cancelling_frees_the_room_and_the_people(session: Session, teacher: User, now: datetime) -> None:
    assert SessionOccupancy.objects.filter(session=session).exists()

    sessions.cancel_session(session=session, reason="lecturer is ill", by=teacher, now=now)

    assert not SessionOccupancy.objects.filter(session=session).exists()


@pytest.mark.parametrize("status", [SessionStatus.CANCELLED, SessionStatus.VOID, SessionStatus.LOCKED])
def test_no_way_leads_back_from_the_ends(
    session: Session, teacher: User, now: datetime, status: SessionStatus
) -> None:
    Session.objects.filter(pk=session.pk).update(status=status)

    with pytest.raises(InvalidTransition):
        sessions.open_session(session=session, by=teacher, now=now)
    with pytest.raises(InvalidTransition):
        sessions.reopen_session(session=session, reason="please", by=teacher, now=now)


def test_the_scheduler_opens_and_closes_by_the_clock_and_catches_up_after_an_hour(
    session: Session, now: datetime
) -> None:
    starts = session.starts_at
    assert scheduler.open_due(now=starts - timedelta(minutes=6)).done == 0
    assert scheduler.open_due(now=starts - timedelta(minutes=5)).done == 1
    bulk_mark(
        session=session,
        marks=[Mark(numbers(session)[0], Status.PRESENT)],
        by=session.faculty.get().user,
        now=starts,
    )

    assert scheduler.close_due(now=session.ends_at + timedelta(hours=1)).done == 1

    session.refresh_from_db()
    assert session.status == SessionStatus.CLOSED


def test_a_class_nobody_taught_stays_unconfirmed_and_counts_for_nobody(
    session: Session, now: datetime
) -> None:
    scheduler.open_due(now=session.starts_at)

    sweep = scheduler.close_due(now=session.ends_at)

    session.refresh_from_db()
    assert (sweep.done, sweep.unconfirmed) == (0, 1)
    assert session.status == SessionStatus.UNCONFIRMED
    assert not AttendanceRecord.objects.exists()
    assert not AttendanceStatistics.objects.exists()


def test_confirming_an_unconfirmed_class_as_held_closes_it_with_absentees(
    session: Session, teacher: User, now: datetime
) -> None:
    scheduler.open_due(now=session.starts_at)
    scheduler.close_due(now=session.ends_at)
    bulk_mark(
        session=session, marks=[Mark(numbers(session)[0], Status.LATE)], by=teacher, now=session.ends_at
    )

    confirmed = sessions.confirm_session(session=session, held=True, by=teacher, now=session.ends_at)

    assert confirmed.status == SessionStatus.CLOSED
    assert [status for status, _source in statuses(session)] == ["absent", "absent", "late"]


def test_confirming_as_not_held_cancels(session: Session, teacher: User, now: datetime) -> None:
    scheduler.close_due(now=session.ends_at)

    confirmed = sessions.confirm_session(session=session, held=False, by=teacher, now=session.ends_at)

    assert confirmed.status == SessionStatus.CANCELLED


def test_a_class_is_locked_when_the_days_for_corrections_are_over(
    session: Session, teacher: User, now: datetime
) -> None:
    sessions.open_session(session=session, by=teacher, now=now)
    sessions.close_session(session=session, by=teacher, now=now)

    assert scheduler.lock_due(now=now + timedelta(days=7)).done == 0
    assert scheduler.lock_due(now=now + timedelta(days=8)).done == 1

    session.refresh_from_db()
    assert session.status == SessionStatus.LOCKED
    one = numbers(session)[0]
    with pytest.raises(errors.SessionLocked):
        bulk_mark(session=session, marks=[Mark(one, Status.PRESENT)], reason="late slip", by=teacher, now=now)
    office = UserFactory(school=session.school)
    outcome = bulk_mark(
        session=session, marks=[Mark(one, Status.PRESENT)], reason="court order", by=office, now=now
    )
    assert outcome.saved == 1
    assert AttendanceStatistics.objects.get(student__enrollment_no=one).percentage == 100
