"""The materialized view behind the trends: what is in it, who brings it up to date, and how old it may be."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction

from academics.models import Section
from attendance import jobs, tasks
from attendance.models import SummaryRefresh
from attendance.selectors.trends import Trend, weekly_trend
from attendance.services import sessions, summaries
from core.models import TaskHealth
from tests.attendance.classes import hold
from tests.factories import SectionFactory, UserFactory
from tests.races import together

At = Callable[[datetime], AbstractContextManager[datetime]]

COLUMNS = "school_id, held_on, section_id, course_id, term_id, sessions, present, late, absent, excused"


def kept() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM attendance_daily_summary ORDER BY held_on, section_id")
        return cursor.fetchall()


def trend_of(section: Section) -> Trend:
    return weekly_trend(sections=[section.pk], term_id=section.term_id)


@pytest.fixture
def section() -> Section:
    made: Section = SectionFactory(students=3)
    return made


def hold_on(section: Section, local: str, marks: str) -> Any:
    students = [one.student for one in section.enrollments.order_by("student__enrollment_no")]
    return hold(section, local, marks, students)


@pytest.mark.django_db
def test_it_has_a_row_for_every_day_of_a_section_with_the_counts_of_all_its_classes(
    section: Section, now: datetime
) -> None:
    hold_on(section, "2026-11-02 09:00", "PLA")
    hold_on(section, "2026-11-02 11:00", "PEA")
    hold_on(section, "2026-11-03 09:00", "PPP")
    summaries.refresh(now=now)

    key = (section.school_id, section.pk, section.course_id, section.term_id)
    assert [((row[0], *row[2:5]), row[1], row[5:]) for row in kept()] == [
        (key, date(2026, 11, 2), (2, 2, 1, 2, 1)),
        (key, date(2026, 11, 3), (1, 3, 0, 0, 0)),
    ]


@pytest.mark.django_db
def test_a_class_that_was_held_without_a_mark_is_a_class(section: Section, now: datetime) -> None:
    section.enrollments.all().delete()
    hold(section, "2026-11-02 09:00", "", [])
    summaries.refresh(now=now)

    assert [row[5:] for row in kept()] == [(1, 0, 0, 0, 0)]
    (week,) = trend_of(section).weeks
    assert (week.sessions, week.percentage) == (1, None)


@pytest.mark.django_db
def test_it_stays_as_it_was_until_it_is_refreshed_and_says_so(section: Section, now: datetime) -> None:
    assert trend_of(section) == Trend([], None)
    session = hold_on(section, "2026-11-02 09:00", "PPA")
    assert trend_of(section) == Trend([], None)

    summaries.refresh(now=now)
    before = trend_of(section)
    assert (before.as_of, len(before.weeks)) == (now, 1)

    sessions.void_session(session=session, reason="x", by=UserFactory(school=section.school), now=now)
    assert trend_of(section) == before

    later = now + timedelta(hours=1)
    summaries.refresh(now=later)
    assert trend_of(section) == Trend([], later)


@pytest.mark.django_db
def test_the_hourly_task_refreshes_it_and_is_seen_on_the_health_page(
    section: Section, now: datetime, clock_at: At
) -> None:
    hold_on(section, "2026-11-02 09:00", "PPA")
    with clock_at(now):
        assert tasks.refresh_summaries() is None

    assert len(kept()) == 1
    assert SummaryRefresh.objects.get().as_of == now
    health = TaskHealth.objects.get(pk=jobs.REFRESH_SUMMARIES)
    assert (health.period_seconds, health.succeeded_at, health.error) == (3600, now, "")


@pytest.mark.django_db
def test_the_command_does_the_same_by_hand(
    section: Section, now: datetime, clock_at: At, capsys: pytest.CaptureFixture[str]
) -> None:
    hold_on(section, "2026-11-02 09:00", "PPA")
    with clock_at(now):
        call_command("refresh_summaries")
        call_command("refresh_summaries", "--json")

    told, _newline, answer = capsys.readouterr().out.partition("\n")
    assert told == "The trends hold what was known at 2026-11-03 03:30 UTC."
    assert json.loads(answer) == {"as_of": "2026-11-03T03:30:00Z"}
    assert len(trend_of(section).weeks) == 1


@pytest.mark.django_db
def test_the_application_may_refresh_it_through_its_function_alone(now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (settings.DATABASE_APP_ROLE,)
        with pytest.raises(ProgrammingError, match="must be owner"), transaction.atomic():
            cursor.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY attendance_daily_summary")
    summaries.refresh(now=now)
    assert SummaryRefresh.objects.get().as_of == now


@pytest.mark.django_db(transaction=True)
def test_a_refresh_does_not_wait_for_readers_nor_they_for_it(section: Section, now: datetime) -> None:
    """What REFRESH without CONCURRENTLY would do: it needs the view for itself alone."""
    hold_on(section, "2026-11-02 09:00", "PPA")
    mine = connection.settings_dict
    with psycopg.connect(
        host=mine["HOST"],
        port=mine["PORT"],
        user=mine["USER"],
        password=mine["PASSWORD"],
        dbname=mine["NAME"],
    ) as reader:
        before = reader.execute("SELECT count(*) FROM attendance_daily_summary").fetchone()
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '10s'")
            summaries.refresh(now=now)
            # Both are in the middle of a transaction: it reads what was there.
            reader.execute("SET LOCAL lock_timeout = '10s'")
            assert reader.execute("SELECT count(*) FROM attendance_daily_summary").fetchone() == before
    assert len(trend_of(section).weeks) == 1


@pytest.mark.django_db(transaction=True)
def test_two_refreshes_at_once_wait_for_each_other(section: Section, now: datetime) -> None:
    hold_on(section, "2026-11-02 09:00", "PPA")

    answers = together(3, lambda _index: summaries.refresh(now=now))

    assert answers == [None] * 3
    assert len(kept()) == 1
    assert SummaryRefresh.objects.get().as_of == now


@pytest.mark.django_db(transaction=True)
def test_a_refresh_that_fails_leaves_no_word_of_itself(
    section: Section, now: datetime, as_owner: Any
) -> None:
    summaries.refresh(now=now)
    as_owner("DROP INDEX daily_summary_once")
    try:
        with pytest.raises(DatabaseError, match="concurrently"):
            summaries.refresh(now=now + timedelta(hours=1))
    finally:
        as_owner(
            "CREATE UNIQUE INDEX daily_summary_once ON attendance_daily_summary (section_id, term_id, held_on)"
        )
    assert SummaryRefresh.objects.get().as_of == now
