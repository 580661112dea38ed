"""Classes in figures through the API: a course, who is below the threshold, a department; and who may see what.

Two classes of the college's section were held, marked P A L and P A A; late counts fully, so by hand:
first 2 of 2 = 100 %, second 0 of 2 needs ceil(1.5 / 0.25) = 6, third 1 of 2 = 50 % needs ceil(0.5 / 0.25) = 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from academics.models import Department, Section
from attendance.models import AttendanceConfiguration, AttendanceStatistics
from attendance.services import summaries
from core import clock
from tests.attendance.classes import hold
from tests.colleges import College, client_of, refusal
from tests.factories import (
    CourseFactory,
    DepartmentFactory,
    EnrollmentFactory,
    FacultyFactory,
    SchoolFactory,
    SectionFactory,
    StudentFactory,
    TermFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

BASE = "/api/v1/attendance/statistics"
COURSE, SHORTAGE, DEPARTMENT = (
    f"{BASE}/{name}/" for name in ("course-summary", "shortage", "department-summary")
)
LIMIT = 12
#: Wednesday 4 November 2026, 15:30 in Asia/Kolkata.
AFTER = datetime.fromisoformat("2026-11-04T10:00:00+00:00")


@pytest.fixture(autouse=True)
def two_classes(college: College, held_clock: None) -> Iterator[None]:
    with clock.frozen(AFTER):
        teacher = college.session.faculty.get()
        for local, marks in (("2026-11-03 11:00", "PAL"), ("2026-11-04 11:00", "PAA")):
            hold(college.section, local, marks, college.students, teacher=teacher)
        summaries.refresh(now=AFTER)
        yield


def ask(college: College, path: str, who: str = "admin", **query: Any) -> Any:
    return client_of(college.user(who)).get(path, query)


def another_section(college: College, marks: str = "PAL", **more: Any) -> Section:
    """Another course of the department, held once, by a teacher of its own."""
    more.setdefault("course", CourseFactory(school=college.school, department=college.department))
    section: Section = SectionFactory(school=college.school, students=len(marks), **more)
    students = [one.student for one in section.enrollments.order_by("student__enrollment_no")]
    hold(section, "2026-11-02 09:00", marks, students)
    return section


def numbers(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["student"]["enrollment_no"] for row in answer.json()["results"]]


# -- a course ----------------------------------------------------------------------------------------------------------


def test_a_section_is_answered_with_average_distribution_students_and_weeks(college: College) -> None:
    answer = ask(college, COURSE, section=college.section.pk)

    assert answer.status_code == 200, answer.content
    body = answer.json()
    course = {"code": college.section.course.code, "title": college.section.course.title}
    assert body["course"] == course
    assert body["sections"] == [
        {"id": str(college.section.pk), "course": course, "cohort": college.section.cohort.code, "name": ""}
    ]
    assert body["term"] == {"id": college.section.term_id, "name": "2026-27"}
    assert (body["threshold"], body["floor"], body["sessions"]) == (75, 65, 2)
    assert body["average"] == {
        "present": 2,
        "late": 1,
        "absent": 3,
        "excused": 0,
        "attended": 3.0,
        "counted": 6,
        "percentage": 50.0,
        "band": "shortage",
    }
    assert body["distribution"]["bands"] == {"clear": 1, "condonable": 0, "shortage": 2, "none": 0}
    assert [bar["students"] for bar in body["distribution"]["histogram"]] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert body["distribution"]["histogram"][-1] == {"low": 90, "high": 100, "students": 1}
    assert body["students"][2] == {
        "student": {"enrollment_no": college.number(2), "name": college.students[2].user.full_name},
        "section": str(college.section.pk),
        "held": 2,
        "present": 0,
        "late": 1,
        "absent": 1,
        "excused": 0,
        "attended": 1.0,
        "counted": 2,
        "percentage": 50.0,
        "band": "shortage",
        "need": 2,
        "can_miss": 0,
    }
    assert body["trend"] == {
        "as_of": "2026-11-04T15:30:00+05:30",
        "weeks": [{"week": "2026-11-02", "sessions": 2, "percentage": 50.0}],
    }


def test_a_course_is_all_its_sections_that_the_person_may_see(college: College) -> None:
    other = another_section(college, course=college.section.course)
    code = college.section.course.code.lower()

    for who in ("admin", "integrator", "head"):
        body = ask(college, COURSE, who, course=code).json()
        assert {one["id"] for one in body["sections"]} == {str(college.section.pk), str(other.pk)}
        assert (len(body["students"]), body["sessions"]) == (6, 3)
    body = ask(college, COURSE, "teacher", course=code).json()
    assert [one["id"] for one in body["sections"]] == [str(college.section.pk)]
    assert len(body["students"]) == 3


def test_a_course_without_a_section_in_the_term_is_empty(college: College) -> None:
    course = CourseFactory(school=college.school)
    body = ask(college, COURSE, course=course.code).json()

    assert (body["students"], body["sections"], body["sessions"]) == ([], [], 0)
    assert (body["average"]["percentage"], body["average"]["band"]) == (None, None)


def test_a_school_without_terms_has_nothing_to_show() -> None:
    school = SchoolFactory()
    office, course = client_of(UserFactory(school=school)), CourseFactory(school=school)
    department = DepartmentFactory(school=school)

    body = office.get(COURSE, {"course": course.code}).json()
    assert (body["term"], body["students"]) == (None, [])
    assert office.get(SHORTAGE).json() == {"count": 0, "next": None, "previous": None, "results": []}
    body = office.get(DEPARTMENT, {"department": department.code}).json()
    assert (body["term"], body["sections"], body["trend"]["weeks"]) == (None, [], [])


def test_another_term_is_another_summary(college: College) -> None:
    earlier = TermFactory(
        school=college.school, name="2025-26", starts_on=date(2025, 8, 4), ends_on=date(2026, 4, 30)
    )
    old = SectionFactory(school=college.school, course=college.section.course, term=earlier, students=1)

    body = ask(college, COURSE, course=college.section.course.code, term=earlier.pk).json()
    assert [one["id"] for one in body["sections"]] == [str(old.pk)]
    assert (body["term"]["id"], body["average"]["percentage"]) == (earlier.pk, None)
    assert ask(college, COURSE, section=old.pk).json()["term"]["id"] == earlier.pk
    assert ask(college, COURSE, section=old.pk, term=earlier.pk).status_code == 200
    assert refusal(ask(college, COURSE, section=old.pk, term=college.section.term_id)) == (
        (404, "not_found", "term")
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, (400, "required", "section")),
        ({"course": "X"}, (404, "not_found", "course")),
        ({"course": ""}, (404, "not_found", "course")),
        ({"section": "x"}, (404, "not_found", "section")),
        ({"section": ""}, (404, "not_found", "section")),
        ({"section": "1"}, (404, "not_found", "section")),
        ({"section": str(uuid4())}, (404, "not_found", "section")),
        ({"course": "X", "section": str(uuid4())}, (400, "invalid", "course")),
        ({"cohort": "X"}, (400, "unknown_filter", "cohort")),
        ({"school": "nowhere", "course": "X"}, (404, "not_found", None)),
    ],
)
def test_exactly_one_course_or_section_that_exists_is_named(
    college: College, query: dict[str, str], expected: Any
) -> None:
    assert refusal(ask(college, COURSE, **query)) == expected


@pytest.mark.parametrize("path", [COURSE, SHORTAGE, DEPARTMENT])
@pytest.mark.parametrize("term", ["0", "x", "-1", "9" * 30, "", "1.5", "²"])
def test_a_term_that_does_not_exist_is_not_found(college: College, path: str, term: str) -> None:
    about = {
        COURSE: {"course": college.section.course.code},
        SHORTAGE: {"section": college.section.pk},
        DEPARTMENT: {"department": college.department.code},
    }[path]
    assert refusal(ask(college, path, **about, term=term)) == (404, "not_found", "term")


# -- who may see what --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "section", "department"),
    [
        ("student", 403, 403),
        ("other_teacher", 403, 403),
        ("teacher", 200, 403),
        ("head", 200, 200),
        ("admin", 200, 200),
        ("integrator", 200, 200),
    ],
)
def test_faculty_see_their_sections_heads_their_department_the_office_all_and_students_none(
    college: College, who: str, section: int, department: int
) -> None:
    assert ask(college, COURSE, who, section=college.section.pk).status_code == section
    assert ask(college, COURSE, who, course=college.section.course.code).status_code == section
    assert ask(college, SHORTAGE, who, section=college.section.pk).status_code == section
    assert ask(college, SHORTAGE, who, department=college.department.code).status_code == department
    assert ask(college, DEPARTMENT, who, department=college.department.code).status_code == department


def test_a_student_is_refused_before_anything_is_looked_up(college: College) -> None:
    for path in (COURSE, SHORTAGE, DEPARTMENT):
        assert refusal(ask(college, path, "student")) == (403, "permission_denied", None)


def test_heads_of_other_departments_are_strangers(college: College) -> None:
    head = FacultyFactory(school=college.school)
    DepartmentFactory(school=college.school, head=head)

    api = client_of(head.user)
    assert api.get(DEPARTMENT, {"department": college.department.code}).status_code == 403
    assert api.get(COURSE, {"section": college.section.pk}).status_code == 403
    assert api.get(SHORTAGE).json()["count"] == 0


def test_nothing_of_another_school_exists(college: College, elsewhere: College) -> None:
    for who in ("admin", "teacher", "head", "integrator"):
        assert refusal(ask(elsewhere, COURSE, who, section=college.section.pk)) == (
            404,
            "not_found",
            "section",
        )
        assert refusal(ask(elsewhere, COURSE, who, course=college.section.course.code)) == (
            (404, "not_found", "course")
        )
        assert refusal(ask(elsewhere, SHORTAGE, who, section=college.section.pk)) == (
            404,
            "not_found",
            "section",
        )
        assert refusal(ask(elsewhere, SHORTAGE, who, department=college.department.code)) == (
            (404, "not_found", "department")
        )
        assert refusal(ask(elsewhere, DEPARTMENT, who, department=college.department.code)) == (
            (404, "not_found", "department")
        )
        assert numbers(ask(elsewhere, SHORTAGE, who)) == []


def test_an_operator_names_the_school_where_a_code_could_be_anywhere(college: College, operator: Any) -> None:
    api = client_of(operator)
    code = college.school.code

    assert api.get(COURSE, {"section": college.section.pk}).status_code == 200
    assert api.get(SHORTAGE, {"section": college.section.pk}).status_code == 200
    for path, query in (
        (COURSE, {"course": college.section.course.code}),
        (SHORTAGE, {}),
        (DEPARTMENT, {"department": college.department.code}),
    ):
        assert refusal(api.get(path, query)) == (400, "school_required", "school")
        assert api.get(path, {**query, "school": code}).status_code == 200


# -- who is below the threshold ----------------------------------------------------------------------------------------


def test_who_needs_most_classes_comes_first_then_by_number(college: College) -> None:
    first = another_section(college, "AAP")
    fellows = [one.student.enrollment_no for one in first.enrollments.order_by("student__enrollment_no")]

    answer = ask(college, SHORTAGE)

    # Once absent of one: need ceil(0.75 / 0.25) = 3.
    assert numbers(answer) == [college.number(1), *fellows[:2], college.number(2)]
    body = answer.json()
    assert (body["count"], body["next"], body["previous"]) == (4, None, None)
    assert [row["need"] for row in body["results"]] == [6, 3, 3, 2]
    assert body["results"][0]["section"] == {
        "id": str(college.section.pk),
        "course": {"code": college.section.course.code, "title": college.section.course.title},
        "cohort": college.section.cohort.code,
        "name": "",
    }
    assert body["results"][0]["percentage"] == 0.0


def test_the_list_narrows_to_a_section_a_department_a_term_and_a_band(college: College) -> None:
    AttendanceConfiguration.objects.filter(school=college.school).update(condonation_floor_percent=50)
    mine = another_section(college, "A")
    strange = another_section(college, "A", course=CourseFactory(school=college.school))
    in_mine, in_strange = (
        [one.student.enrollment_no for one in section.enrollments.all()] for section in (mine, strange)
    )

    assert numbers(ask(college, SHORTAGE, section=mine.pk)) == in_mine
    assert set(numbers(ask(college, SHORTAGE))) == {
        college.number(1),
        college.number(2),
        *in_mine,
        *in_strange,
    }
    of_department = ask(college, SHORTAGE, department=college.department.code.lower())
    assert set(numbers(of_department)) == {college.number(1), college.number(2), *in_mine}
    assert numbers(ask(college, SHORTAGE, band="condonable")) == [college.number(2)]
    assert college.number(2) not in numbers(ask(college, SHORTAGE, band="shortage"))
    assert numbers(ask(college, SHORTAGE, section=strange.pk, department=college.department.code)) == []
    earlier = TermFactory(
        school=college.school, name="2025-26", starts_on=date(2025, 8, 4), ends_on=date(2026, 4, 30)
    )
    assert numbers(ask(college, SHORTAGE, term=earlier.pk)) == []


def test_faculty_find_the_students_of_their_own_sections_only(college: College) -> None:
    other = another_section(college, "A")
    (student,) = [one.student.enrollment_no for one in other.enrollments.all()]

    assert numbers(ask(college, SHORTAGE, "teacher")) == [college.number(1), college.number(2)]
    assert set(numbers(ask(college, SHORTAGE, "head"))) == {college.number(1), college.number(2), student}
    assert numbers(ask(college, SHORTAGE, "other_teacher")) == []


def test_who_sits_in_two_sections_of_a_course_stands_in_the_list_once(college: College) -> None:
    batch = SectionFactory(school=college.school, course=college.section.course)
    EnrollmentFactory(section=batch, student=college.students[1])

    assert numbers(ask(college, SHORTAGE)) == [college.number(1), college.number(2)]
    assert numbers(ask(college, SHORTAGE, section=batch.pk)) == [college.number(1)]


# 18,749 of 25,000 are 74.996 %, shown as 75.00 %; need = ceil((0.75·25,000 - 18,749) / 0.25) = 4.
def test_who_is_below_the_threshold_by_less_than_is_shown_is_in_the_list(college: College) -> None:
    AttendanceStatistics.objects.filter(student=college.students[2]).update(
        held=25_000, present=18_749, late=0, absent=6_251, percentage=Decimal("75.00")
    )
    (row,) = ask(college, SHORTAGE, band="condonable").json()["results"]

    assert row["student"]["enrollment_no"] == college.number(2)
    assert (row["percentage"], row["need"]) == (75.0, 4)


def test_who_left_and_whom_nothing_counts_for_are_not_in_the_list(college: College) -> None:
    college.students[1].enrollments.update(left_on=date(2026, 11, 4))
    EnrollmentFactory(section=college.section, student=StudentFactory(school=college.school))

    assert numbers(ask(college, SHORTAGE)) == [college.number(2)]


def test_pages_of_the_list_follow_each_other_without_gap_or_overlap(college: College) -> None:
    section = another_section(college, "A" * 5)
    seen = [
        number
        for page in (1, 2, 3)
        for number in numbers(ask(college, SHORTAGE, section=section.pk, page=page, page_size=2))
    ]

    assert seen == sorted(one.student.enrollment_no for one in section.enrollments.all())
    assert ask(college, SHORTAGE, page_size=2).json()["next"].endswith("page=2&page_size=2")
    assert refusal(ask(college, SHORTAGE, page=9)) == (404, "not_found", None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"band": "clear"}, (400, "invalid_choice", "band")),
        ({"band": ""}, (400, "invalid_choice", "band")),
        ({"section": "x"}, (404, "not_found", "section")),
        ({"department": "x"}, (404, "not_found", "department")),
        ({"course": "x"}, (400, "unknown_filter", "course")),
        ({"page_size": "0"}, (400, "invalid_page_size", "page_size")),
        ({"page": "0"}, (400, "invalid_page", "page")),
    ],
)
def test_what_cannot_be_asked_of_the_list_is_refused(
    college: College, query: dict[str, str], expected: Any
) -> None:
    assert refusal(ask(college, SHORTAGE, **query)) == expected


# -- a department ------------------------------------------------------------------------------------------------------


def test_a_department_is_answered_section_by_section(college: College) -> None:
    Department.objects.filter(pk=college.department.pk).update(name="Computing")
    AttendanceConfiguration.objects.filter(school=college.school).update(late_weight=Decimal("0.5"))
    another_section(college, course=CourseFactory(school=college.school))
    empty = SectionFactory(
        school=college.school,
        course=CourseFactory(school=college.school, department=college.department, code="ZZ"),
        cohort=None,
        name="Robotics",
        faculty=FacultyFactory(school=college.school, employee_no="F9"),
    )
    summaries.refresh(now=AFTER)

    body = ask(college, DEPARTMENT, "head", department=college.department.code.lower()).json()

    assert body["department"] == {"code": college.department.code, "name": "Computing"}
    assert body["term"]["id"] == college.section.term_id
    first, second = body["sections"]
    # 2 P, 1 L, 3 A: 2.5 of 6; the third has half of two: 25 %.
    assert first == {
        "section": {
            "id": str(college.section.pk),
            "course": {"code": college.section.course.code, "title": college.section.course.title},
            "cohort": college.section.cohort.code,
            "name": "",
        },
        "faculty": "",
        "students": 3,
        "sessions": 2,
        "percentage": 41.67,
        "band": "shortage",
        "bands": {"clear": 1, "condonable": 0, "shortage": 2, "none": 0},
    }
    assert (second["section"]["id"], second["section"]["cohort"], second["section"]["name"]) == (
        (str(empty.pk), None, "Robotics")
    )
    assert (second["faculty"], second["students"], second["sessions"]) == ("Dr. F9", 0, 0)
    assert (second["percentage"], second["band"]) == (None, None)
    assert body["trend"]["weeks"] == [{"week": "2026-11-02", "sessions": 2, "percentage": 41.67}]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, (400, "required", "department")),
        ({"department": "x"}, (404, "not_found", "department")),
        ({"department": ""}, (404, "not_found", "department")),
        ({"section": "x"}, (400, "unknown_filter", "section")),
    ],
)
def test_a_department_that_exists_is_named(college: College, query: dict[str, str], expected: Any) -> None:
    assert refusal(ask(college, DEPARTMENT, **query)) == expected


# -- cost --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["admin", "teacher", "head"])
@pytest.mark.parametrize("path", [COURSE, SHORTAGE, DEPARTMENT])
def test_figures_cost_the_same_for_one_section_as_for_many(college: College, who: str, path: str) -> None:
    if who == "teacher" and path == DEPARTMENT:
        who = "admin"
    query = {
        COURSE: {"course": college.section.course.code},
        SHORTAGE: {},
        DEPARTMENT: {"department": college.department.code},
    }[path]

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            answer = ask(college, path, who, **query)
        assert answer.status_code == 200, answer.content
        return len(queries)

    one = cost()
    for course in (college.section.course, college.section.course, None):
        section = another_section(college, "AAAA", **({"course": course} if course else {}))
        section.teachers.add(college.session.faculty.get())
    summaries.refresh(now=AFTER)

    assert cost() == one <= LIMIT
