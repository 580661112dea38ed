"""Reference lists: what each role finds, and that another school's things are never among it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.colleges import College, client_of, refusal
from tests.factories import (
    CohortFactory,
    CourseFactory,
    DepartmentFactory,
    FacultyFactory,
    RoomFactory,
    StudentFactory,
    TermFactory,
)

pytestmark = pytest.mark.django_db

LISTS = ["terms", "departments", "rooms", "courses", "cohorts", "faculty", "students", "sections"]


def results(user: Any, name: str, **query: Any) -> list[dict[str, Any]]:
    answer = client_of(user).get(f"/api/v1/{name}/", query)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["count"] == len(body["results"])
    return body["results"]


@pytest.mark.parametrize("name", LISTS)
def test_list_shows_ones_own_school_only(college: College, elsewhere: College, name: str) -> None:
    mine = results(college.admin, name)
    theirs = results(elsewhere.admin, name)

    assert mine
    assert theirs
    if name != "terms":  # both are called 2026-27
        assert not {str(row) for row in mine} & {str(row) for row in theirs}


@pytest.mark.parametrize("name", LISTS)
def test_list_needs_a_sign_in_and_known_filters(college: College, name: str) -> None:
    assert client_of(None).get(f"/api/v1/{name}/").status_code == 401
    answer = client_of(college.admin).get(f"/api/v1/{name}/", {"wanted": "x"})
    assert refusal(answer) == (400, "unknown_filter", "wanted")
    assert client_of(college.admin).post(f"/api/v1/{name}/", {}).status_code == 405


@pytest.mark.parametrize("name", LISTS)
def test_operator_lists_every_school_or_one(
    college: College, elsewhere: College, operator: Any, name: str
) -> None:
    everything = results(operator, name)

    assert len(everything) == len(results(college.admin, name)) + len(results(elsewhere.admin, name))
    assert results(operator, name, school=college.school.code) == results(college.admin, name)


@pytest.mark.parametrize(
    ("who", "students", "sections"),
    [
        ("student", 1, 1),
        ("teacher", 3, 1),
        ("head", 3, 1),
        ("other_teacher", 0, 0),
        ("admin", 3, 1),
        ("integrator", 3, 1),
    ],
)
def test_students_and_sections_are_listed_for_whom_they_concern(
    college: College, elsewhere: College, who: str, students: int, sections: int
) -> None:
    assert len(results(college.user(who), "students")) == students
    assert len(results(college.user(who), "sections")) == sections


def test_student_is_found_by_number_whatever_its_case_without_personal_data(college: College) -> None:
    number = college.number(0)

    answer = client_of(college.teacher).get(f"/api/v1/students/{number.lower()}/")

    assert answer.json() == {
        "enrollment_no": number,
        "name": college.students[0].user.full_name,
        "department": None,
        "programme": None,
        "study_year": None,
        "cohort": college.section.cohort.code,
    }


def test_student_is_forbidden_or_unknown_to_others(college: College, elsewhere: College) -> None:
    fellow = StudentFactory(school=college.school)
    path = f"/api/v1/students/{college.number(0)}/"

    assert refusal(client_of(fellow.user).get(path)) == (403, "permission_denied", None)
    assert refusal(client_of(college.other_teacher).get(path)) == (403, "permission_denied", None)
    assert refusal(client_of(elsewhere.admin).get(path)) == (404, "not_found", None)


def test_operator_names_the_school_of_a_number_that_two_have(
    college: College, elsewhere: College, operator: Any
) -> None:
    StudentFactory(school=elsewhere.school, enrollment_no=college.number(0))
    path = f"/api/v1/students/{college.number(0)}/"
    api = client_of(operator)

    assert refusal(api.get(path)) == (400, "school_required", "school")
    assert api.get(path, {"school": college.school.code}).status_code == 200
    assert refusal(api.get(path, {"school": "nowhere"}))[0] == 404


def test_section_says_what_is_taught_to_whom_by_whom(college: College, elsewhere: College) -> None:
    teacher = FacultyFactory(school=college.school)
    college.section.faculty = teacher
    college.section.save()
    path = f"/api/v1/sections/{college.section.pk}/"

    assert client_of(college.teacher).get(path).json() == {
        "id": str(college.section.pk),
        "course": {"code": college.section.course.code, "title": college.section.course.title},
        "cohort": college.section.cohort.code,
        "name": "",
        "term": {"id": college.section.term_id, "name": "2026-27"},
        "faculty": {"employee_no": teacher.employee_no, "name": teacher.user.full_name},
    }
    assert refusal(client_of(college.other_teacher).get(path))[0] == 403
    assert refusal(client_of(elsewhere.admin).get(path))[0] == 404
    assert refusal(client_of(college.admin).get("/api/v1/sections/7/"))[0] == 404


def test_lists_are_filtered_and_searched(college: College) -> None:
    school = college.school
    department = DepartmentFactory(school=school, code="CIV", name="Civil Engineering")
    RoomFactory(school=school, code="LAB-1", building="North")
    CourseFactory(school=school, code="CE101", title="Surveying", credits="3.5", department=department)
    CohortFactory(school=school, code="CIV-A", department=department)
    FacultyFactory(school=school, employee_no="F900", department=department)
    StudentFactory(school=school, enrollment_no="26CIV001", study_year=2, department=department)
    TermFactory(school=school, name="2027-28", starts_on="2027-08-02", ends_on="2028-04-30")
    number, teacher = college.number(0), college.session.faculty.get().employee_no

    for name, query, key, found in (
        ("rooms", {"search": "north"}, "code", ["LAB-1"]),
        ("rooms", {"code": "lab-1"}, "code", ["LAB-1"]),
        ("rooms", {"building": "north"}, "code", ["LAB-1"]),
        ("courses", {"department": "civ"}, "code", ["CE101"]),
        ("courses", {"search": "survey"}, "credits", [3.5]),
        ("cohorts", {"department": "CIV"}, "code", ["CIV-A"]),
        ("departments", {"search": "civil"}, "code", ["CIV"]),
        ("faculty", {"employee_no": "f900"}, "employee_no", ["F900"]),
        ("faculty", {"department": "CIV"}, "employee_no", ["F900"]),
        ("students", {"enrollment_no": "26civ001"}, "enrollment_no", ["26CIV001"]),
        ("students", {"study_year": "2"}, "enrollment_no", ["26CIV001"]),
        ("students", {"search": number.lower()}, "enrollment_no", [number]),
        ("students", {"department": "civ"}, "enrollment_no", ["26CIV001"]),
        ("students", {"section": str(college.section.pk), "ordering": "-enrollment_no", "page_size": "3"},
         "enrollment_no", [student.enrollment_no for student in reversed(college.students)]),
        ("terms", {"on": "2027-12-24"}, "name", ["2027-28"]),
        ("terms", {"ordering": "starts_on"}, "name", ["2026-27", "2027-28"]),
        ("sections", {"faculty": teacher.lower()}, "id", [str(college.section.pk)]),
        ("sections", {"student": number.lower()}, "id", [str(college.section.pk)]),
        ("sections", {"course": college.section.course.code}, "id", [str(college.section.pk)]),
        ("sections", {"cohort": "CIV-A"}, "id", []),
        ("sections", {"term": str(college.section.term_id)}, "id", [str(college.section.pk)]),
    ):  # fmt: skip
        assert [row[key] for row in results(college.admin, name, **query)] == found, (name, query)


@pytest.mark.parametrize(
    ("name", "query", "attr"),
    [
        ("students", {"study_year": "second"}, "study_year"),
        ("students", {"study_year": "1e999"}, "study_year"),
        ("sections", {"term": "-1"}, "term"),
        ("sections", {"term": str(2**64)}, "term"),
        ("terms", {"on": "9999-99-99"}, "on"),
        ("students", {"section": "x"}, "section"),
        ("rooms", {"ordering": "capacity,secret"}, "ordering"),
        ("rooms", {"page_size": "many"}, "page_size"),
    ],
)
def test_filter_that_is_not_understood_is_refused(
    college: College, name: str, query: dict[str, str], attr: str
) -> None:
    answer = client_of(college.admin).get(f"/api/v1/{name}/", query)

    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, attr)
