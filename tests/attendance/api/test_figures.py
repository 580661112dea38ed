"""A student's percentages through the API: the one formula, per course and over pooled counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from attendance.enums import Status
from attendance.models import AttendanceConfiguration, AttendanceStatistics
from attendance.selectors.figures import course_figures, student_summary, term_for
from core import clock
from tests.colleges import College, client_of, refusal
from tests.factories import CourseFactory, EnrollmentFactory, SectionFactory, StudentFactory, TermFactory

pytestmark = pytest.mark.django_db

SUMMARY = "/api/v1/attendance/statistics/student-summary/"


def keep(college: College, course: Any, index: int = 0, **counts: int) -> None:
    numbers = {status: counts.get(status, 0) for status in Status.values}
    AttendanceStatistics.objects.create(
        student=college.students[index],
        course=course,
        term=college.section.term,
        school=college.school,
        held=sum(numbers.values()),
        updated_at=datetime(2026, 11, 3, tzinfo=UTC),
        **numbers,
    )


def summary(college: College, who: str = "student", **query: Any) -> Any:
    return client_of(college.user(who)).get(SUMMARY, query)


def test_summary_has_every_course_and_the_pooled_counts(college: College) -> None:
    other = CourseFactory(school=college.school, code="AAA", title="First")
    keep(college, college.section.course, present=15, late=3, absent=5)
    keep(college, other, present=1, absent=2, excused=1)

    answer = summary(college)

    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["student"] == {
        "enrollment_no": college.number(0),
        "name": college.students[0].user.full_name,
    }
    assert body["term"] == {"id": college.section.term_id, "name": "2026-27"}
    assert (body["threshold"], body["floor"]) == (75, 65)
    first, second = body["courses"]
    assert first == {
        "course": {"code": "AAA", "title": "First"},
        "held": 4,
        "present": 1,
        "late": 0,
        "absent": 2,
        "excused": 1,
        "attended": 1.0,
        "counted": 3,
        "percentage": 33.33,
        "band": "shortage",
        "need": 5,
        "can_miss": 0,
    }
    assert (second["percentage"], second["band"], second["need"], second["can_miss"]) == (
        78.26,
        "clear",
        0,
        1,
    )
    # 19 of 26, not the mean of the two.
    assert (body["overall"]["percentage"], body["overall"]["band"]) == (73.08, "condonable")
    assert (body["overall"]["held"], body["overall"]["counted"], body["overall"]["need"]) == (27, 26, 2)


def test_course_without_a_class_yet_is_listed_without_a_percentage(college: College) -> None:
    (course,) = summary(college).json()["courses"]

    assert course["course"]["code"] == college.section.course.code
    assert (course["held"], course["percentage"], course["band"]) == (0, None, None)
    assert (course["need"], course["can_miss"]) == (0, 0)


def test_course_that_was_left_counts_once_something_was_held_in_it(college: College, now: datetime) -> None:
    left = SectionFactory(school=college.school)
    EnrollmentFactory(section=left, student=college.students[0], left_on=now.date())
    assert left.course.code not in str(summary(college).json())

    keep(college, left.course, present=1)
    assert left.course.code in str(summary(college).json())


def test_schools_rules_decide(college: College) -> None:
    keep(college, college.section.course, present=1, late=2, absent=1, excused=1)
    rules = AttendanceConfiguration.objects.filter(school=college.school)
    rules.update(late_weight=Decimal("0.5"), excused_counts_as="present", condonation_floor_percent=60)

    overall = summary(college).json()["overall"]

    assert (overall["attended"], overall["counted"], overall["percentage"]) == (3.0, 5, 60.0)
    assert overall["band"] == "condonable"


@pytest.mark.parametrize(
    ("who", "status"), [("student", 200), ("teacher", 200), ("admin", 200), ("integrator", 200)]
)
def test_student_teacher_and_office_see_the_figures(college: College, who: str, status: int) -> None:
    assert summary(college, who, student=college.number(0).lower()).status_code == status


def test_nobody_else_sees_them(college: College, elsewhere: College) -> None:
    fellow = StudentFactory(school=college.school)

    answer = client_of(fellow.user).get(SUMMARY, {"student": college.number(0)})
    assert refusal(answer) == (403, "permission_denied", None)
    assert refusal(summary(college, "other_teacher", student=college.number(0)))[0] == 403
    assert refusal(summary(elsewhere, "admin", student=college.number(0))) == (404, "not_found", "student")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, (400, "required", "student")),
        ({"student": ""}, (400, "required", "student")),
        ({"student": "NOBODY"}, (404, "not_found", "student")),
        ({"students": "X"}, (400, "unknown_filter", "students")),
    ],
)
def test_staff_say_which_student(college: College, query: dict[str, str], expected: Any) -> None:
    assert refusal(summary(college, "admin", **query)) == expected


@pytest.mark.parametrize("term", ["0", "x", "-1", "9" * 30, "", "1.5"])
def test_term_that_does_not_exist_is_not_found(college: College, term: str) -> None:
    assert refusal(summary(college, term=term)) == (404, "not_found", "term")


def test_term_of_another_school_is_not_found(college: College, elsewhere: College) -> None:
    assert refusal(summary(college, term=elsewhere.section.term_id)) == (404, "not_found", "term")


def test_operator_names_the_school_of_the_number(college: College, operator: Any) -> None:
    api = client_of(operator)

    assert refusal(api.get(SUMMARY, {"student": college.number(0)})) == (400, "school_required", "school")
    found = api.get(SUMMARY, {"student": college.number(0), "school": college.school.code})
    assert found.status_code == 200


def test_term_of_a_date_is_the_one_it_lies_in_or_the_last_before_it(college: College) -> None:
    present = college.section.term
    earlier = TermFactory(
        school=college.school, name="2025-26", starts_on=date(2025, 8, 4), ends_on=date(2026, 4, 30)
    )

    assert term_for(school=college.school, on=date(2026, 11, 3)) == present
    assert term_for(school=college.school, on=date(2026, 6, 1)) == earlier
    assert term_for(school=college.school, on=date(2020, 1, 1)) == earlier
    assert term_for(school=StudentFactory().school, on=date(2026, 1, 1)) is None


def test_school_without_terms_has_an_empty_summary() -> None:
    student = StudentFactory()

    answer = client_of(student.user).get(SUMMARY)

    assert answer.json()["term"] is None
    assert answer.json()["courses"] == []
    assert answer.json()["overall"]["percentage"] is None


def test_figures_of_many_students_take_one_query(
    college: College, django_assert_num_queries: Any, now: datetime
) -> None:
    keep(college, college.section.course, 0, present=3, absent=1)
    keep(college, college.section.course, 1, absent=1)
    ids = [student.pk for student in college.students]

    with django_assert_num_queries(1):
        found = course_figures(
            students=ids, course_id=college.section.course_id, term_id=college.section.term_id
        )
    assert {pk: figures.percentage for pk, figures in found.items()} == {ids[0]: 75, ids[1]: 0}
    with django_assert_num_queries(1):
        student_summary(student=college.students[0], term=college.section.term, on=now.date())


def test_summary_is_the_one_of_the_schools_own_day(college: College, now: datetime) -> None:
    late = now.replace(hour=19)  # 00:30 of the next day in Asia/Kolkata
    joined = SectionFactory(school=college.school)
    EnrollmentFactory(section=joined, student=college.students[0], left_on=now.date() + timedelta(days=1))

    assert joined.course.code in str(summary(college).json())
    with clock.frozen(late):
        assert joined.course.code not in str(summary(college).json())
