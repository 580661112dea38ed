"""Once a week students below the threshold hear of it, and the heads of their departments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from academics.models import Student
from accounts.models import User
from attendance import notices as kinds
from attendance.models import AttendanceStatistics
from attendance.services import shortages
from attendance.tasks import tell_shortages
from core import clock
from notifications.models import Notification
from notifications.selectors import all_shown, with_facts
from tests.colleges import College, make_college
from tests.conftest import NOW
from tests.factories import CourseFactory, SchoolFactory, SectionFactory, TermFactory
from tests.races import together

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


@pytest.fixture
def college() -> College:
    made = make_college()
    Student.objects.filter(school=made.school).update(department=made.department)
    return made


def stands(college: College, index: int, present: int, absent: int, section: Any = None) -> None:
    section = section or college.section
    AttendanceStatistics.objects.create(
        student=college.students[index], course=section.course, term=section.term, school=college.school,
        held=present + absent, present=present, absent=absent, percentage=100 * present / (present + absent),
        updated_at=NOW,
    )  # fmt: skip


def shown(user: User) -> list[tuple[str, str]]:
    found = with_facts(Notification.objects.filter(user=user))
    return [(notice.title, notice.body) for notice in all_shown(found)]


def tell(college: College, now: datetime = NOW) -> int:
    return shortages.tell(school=college.school, now=now)


def test_each_student_hears_of_all_their_courses_at_once_and_the_head_how_many_there_are(
    college: College,
) -> None:
    second = SectionFactory(
        school=college.school,
        course=CourseFactory(school=college.school, department=college.department),
        students=[college.students[0]],
    )
    stands(college, 0, 7, 3)
    stands(college, 0, 1, 9, second)
    stands(college, 1, 10, 0)
    stands(college, 2, 60, 25)
    assert tell(college) == 3
    first, other = college.section.course.title, second.course.title
    assert shown(college.students[0].user) == [
        (
            "Below 75 % in 2 courses",
            f"{other}: 10.00 %, attend the next 26 · {first}: 70.00 %, attend the next 2",
        )
    ]
    assert shown(college.students[1].user) == []
    assert shown(college.head) == [
        (
            f"2 students of {college.department.name} are below 75 %",
            "1 of them below 65 %, where nothing is condoned.",
        )
    ]


def test_it_is_told_once_a_week_of_the_schools_calendar(college: College) -> None:
    stands(college, 0, 1, 9)
    # Tuesday; the Sunday after; Sunday evening in Europe is Monday in India.
    sunday = datetime.fromisoformat("2026-11-08T23:59:00+05:30")
    assert [tell(college, at) for at in (NOW, NOW, sunday)] == [2, 0, 0]
    assert tell(college, sunday + timedelta(minutes=1)) == 2


def test_a_student_who_falls_below_in_mid_week_hears_of_it_in_the_next(college: College) -> None:
    assert tell(college) == 0
    stands(college, 0, 1, 9)
    assert tell(college, NOW + timedelta(days=1)) == 0
    assert tell(college, NOW + WEEK) == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_runs_at_the_same_moment_one_tells(college: College) -> None:
    stands(college, 0, 1, 9)
    assert sorted(together(2, lambda _index: tell(college))) == [0, 2]


def test_nobody_hears_of_it_outside_the_term_or_where_the_school_does_not_want_it(college: College) -> None:
    stands(college, 0, 1, 9)
    assert tell(college, NOW + timedelta(days=400)) == 0
    rules = college.school.attendance_configuration
    rules.send_attendance_notifications = False
    rules.save()
    assert tell(college) == 0
    assert not Notification.objects.exists()
    empty = SchoolFactory()
    TermFactory(school=empty)
    assert shortages.tell(school=empty, now=NOW) == 0


def test_it_costs_the_same_for_one_student_as_for_three(college: College) -> None:
    counts = []
    for index in range(2):
        stands(college, index, 1, 9)
        if index:
            stands(college, index + 1, 1, 9)
        with CaptureQueriesContext(connection) as queries:
            tell(college, NOW + index * WEEK)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_task_tells_every_school_and_one_that_fails_keeps_nobody_else(
    college: College, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = make_college()
    stands(college, 0, 1, 9)
    real = shortages.tell

    def fails_there(*, school: Any, now: datetime) -> int:
        if school == broken.school:
            raise ValueError("broken")
        return real(school=school, now=now)

    monkeypatch.setattr(shortages, "tell", fails_there)
    with clock.frozen(NOW), pytest.raises(Exception, match="1 of the schools failed"):
        tell_shortages()
    assert set(Notification.objects.values_list("kind", flat=True)) == {
        kinds.SHORTAGE,
        kinds.SHORTAGE_SUMMARY,
    }
