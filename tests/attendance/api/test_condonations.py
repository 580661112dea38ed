"""Condonation through the API: its shape, who reads what, every refusal, and the registrar's file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from academics.models import Department
from attendance.enums import CondonationStatus
from attendance.models import AttendanceStatistics, CondonationRequest
from attendance.selectors.condonations import COLUMNS
from core import clock
from tests.attendance.evidence import PDF, kept_files
from tests.colleges import College, client_of, refusal
from tests.factories import (
    CondonationFactory,
    CourseFactory,
    DepartmentFactory,
    FacultyFactory,
    SectionFactory,
    StudentFactory,
    TermFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/api/v1/attendance/condonation-requests/"
EXPORT = f"{LIST}export/"


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def keep(college: College, present: int = 14, absent: int = 6) -> None:
    """Figures of the first student in the course: 70 % unless told otherwise."""
    AttendanceStatistics.objects.create(
        student=college.students[0], course=college.section.course, term=college.section.term,
        school=college.school, held=present + absent, present=present, absent=absent, updated_at=clock.now(),
    )  # fmt: skip


def body(college: College, **changes: Any) -> dict[str, Any]:
    values = {
        "course": college.section.course.code.lower(),
        "term": college.section.term_id,
        "reason": "Two weeks in hospital",
        "fee_reference": "SBI-4711",
    }
    return values | changes


def apply(college: College, **changes: Any) -> Any:
    return client_of(college.user("student")).post(LIST, body(college, **changes))


@pytest.fixture
def pending(college: College) -> CondonationRequest:
    return CondonationFactory(section=college.section, student=college.students[0])


def at(condonation: CondonationRequest, tail: str = "") -> str:
    return f"{LIST}{condonation.pk}/{tail}"


# -- applying -------------------------------------------------------------------------------------------------------


def test_a_student_applies_and_reads_what_they_wrote(college: College) -> None:
    keep(college)

    answer = apply(college)

    assert answer.status_code == 201, answer.content
    made = CondonationRequest.objects.get()
    assert answer.json() == {
        "id": str(made.pk),
        "student": college.number(0),
        "name": college.students[0].user.full_name,
        "course": {"code": college.section.course.code, "title": college.section.course.title},
        "term": {"id": college.section.term_id, "name": "2026-27"},
        "percentage": 70.0,
        "reason": "Two weeks in hospital",
        "fee_reference": "SBI-4711",
        "file": None,
        "status": "pending",
        "requested_at": "2026-11-03T09:00:00+05:30",
        "recommended_by": None,
        "recommended_at": None,
        "recommendation": "",
        "reviewer": None,
        "reviewed_at": None,
        "remarks": "",
    }
    assert client_of(college.user("student")).get(at(made)).json() == answer.json()


def test_a_file_comes_as_multipart_and_goes_out_as_a_download(college: College) -> None:
    keep(college)
    sent = body(college, file=SimpleUploadedFile("note.pdf", PDF))

    answer = client_of(college.user("student")).post(LIST, sent, format="multipart")

    assert answer.status_code == 201, answer.content
    made = CondonationRequest.objects.get()
    got = client_of(college.head).get(at(made, "file/"))
    assert (got.status_code, b"".join(got.streaming_content)) == (200, PDF)


def test_a_wrong_file_is_refused_and_nothing_is_kept(college: College) -> None:
    keep(college)
    sent = body(college, file=SimpleUploadedFile("note.pdf", b"<html>"))

    answer = client_of(college.user("student")).post(LIST, sent, format="multipart")

    assert refusal(answer) == (400, "file_type_refused", "file")
    assert not CondonationRequest.objects.exists()
    assert kept_files() == []


@pytest.mark.parametrize(("present", "absent", "band"), [(15, 5, "clear"), (12, 8, "shortage")])
def test_outside_the_band_it_is_refused_with_the_figures(
    college: College, present: int, absent: int, band: str
) -> None:
    keep(college, present, absent)

    answer = apply(college)

    assert refusal(answer) == (409, "not_condonable", None)
    (error,) = answer.json()["errors"]
    assert error["meta"] == {"percentage": 5.0 * present, "band": band, "floor": 65, "threshold": 75}
    assert error["detail"] == "Condonation is for a percentage from 65 up to, but below, 75."


def test_a_second_application_is_refused(college: College) -> None:
    keep(college)
    apply(college)

    assert refusal(apply(college)) == (409, "condonation_exists", None)


@pytest.mark.parametrize(
    ("wrong", "code", "attr"),
    [
        ({"course": "no-such"}, "does_not_exist", "course"),
        ({"course": 1}, "invalid", "course"),
        ({"term": 10**9}, "does_not_exist", "term"),
        ({"term": 2**62}, "does_not_exist", "term"),
        ({"term": True}, "invalid", "term"),
        ({"term": "x"}, "invalid", "term"),
        ({"reason": " "}, "blank", "reason"),
        ({"reason": "x" * 1001}, "max_length", "reason"),
        ({"fee_reference": "x" * 61}, "max_length", "fee_reference"),
    ],
)
def test_bad_input_is_refused_and_nothing_saved(
    college: College, wrong: dict[str, Any], code: str, attr: str
) -> None:
    keep(college)

    assert refusal(apply(college, **wrong)) == (400, code, attr)
    assert not CondonationRequest.objects.exists()


def test_another_schools_course_and_term_do_not_exist(college: College, elsewhere: College) -> None:
    keep(college)

    for wrong in ({"course": elsewhere.section.course.code}, {"term": elsewhere.section.term_id}):
        assert refusal(apply(college, **wrong))[:2] == (400, "does_not_exist")


@pytest.mark.parametrize("who", ["teacher", "head", "admin", "integrator"])
def test_nobody_applies_for_a_student(college: College, who: str) -> None:
    answer = client_of(college.user(who)).post(LIST, body(college))

    assert refusal(answer) == (403, "permission_denied", None)


# -- reading --------------------------------------------------------------------------------------------------------


def test_the_reason_is_for_the_student_and_who_has_a_say(
    college: College, pending: CondonationRequest
) -> None:
    found = {}
    for who in ("student", "teacher", "head", "admin", "integrator"):
        api = client_of(college.user(who))
        one, (listed,) = api.get(at(pending)).json(), api.get(LIST).json()["results"]
        assert listed == one, who
        found[who] = one["reason"]

    told = "Two weeks in hospital"
    assert found == {"student": told, "teacher": None, "head": told, "admin": told, "integrator": None}
    assert refusal(client_of(college.teacher).get(at(pending, "file/")))[:2] == (403, "permission_denied")
    assert refusal(client_of(college.head).get(at(pending, "file/")))[:2] == (404, "not_found")


def test_a_list_shows_what_is_ones_own_to_see(
    college: College, elsewhere: College, pending: CondonationRequest
) -> None:
    other = CondonationFactory(section=SectionFactory(school=college.school))
    CondonationFactory(section=elsewhere.section)

    def listed(who: str) -> set[str]:
        return {row["id"] for row in client_of(college.user(who)).get(LIST).json()["results"]}

    assert listed("student") == listed("teacher") == listed("head") == {str(pending.pk)}
    assert listed("other_teacher") == set()
    assert listed("admin") == listed("integrator") == {str(pending.pk), str(other.pk)}


def test_another_schools_request_is_not_there(elsewhere: College, pending: CondonationRequest) -> None:
    for method, tail in (("get", ""), ("get", "file/"), ("post", "recommend/"), ("post", "approve/")):
        answer = getattr(client_of(elsewhere.admin), method)(at(pending, tail))
        assert refusal(answer) == (404, "not_found", None), tail


def test_lists_are_narrowed(college: College, pending: CondonationRequest) -> None:
    term = TermFactory(school=college.school, name="2027", starts_on="2027-06-01", ends_on="2027-12-01")
    department = DepartmentFactory(school=college.school, code="ECE")
    done = CondonationFactory(
        section=SectionFactory(school=college.school, term=term),
        student=StudentFactory(school=college.school, department=department),
        status=CondonationStatus.REJECTED,
        percentage="66.00",
        requested_at=clock.now().replace(day=10),
    )
    api = client_of(college.admin)

    def found(**query: Any) -> list[str]:
        answer = api.get(LIST, query)
        assert answer.status_code == 200, answer.content
        return [row["id"] for row in answer.json()["results"]]

    one, other = str(pending.pk), str(done.pk)
    assert found() == [other, one]
    assert found(status="rejected") == [other]
    assert found(student=college.number(0).lower()) == [one]
    assert found(course=college.section.course.code.lower()) == [one]
    assert found(term=term.pk) == [other]
    assert found(department="ece") == [other]
    assert found(**{"from": "2026-11-04T00:00:00+05:30"}) == [other]
    assert found(to="2026-11-04T00:00:00+05:30") == [one]
    assert found(search=college.number(0)) == [one]
    assert found(ordering="percentage") == [other, one]
    for query, code in (
        ({"wanted": "1"}, "unknown_filter"),
        ({"ordering": "reason"}, "unknown_ordering"),
        ({"status": "asleep"}, "invalid_choice"),
    ):
        assert refusal(api.get(LIST, query))[:2] == (400, code)


# -- deciding -------------------------------------------------------------------------------------------------------


def test_the_head_recommends_and_the_office_approves(college: College, pending: CondonationRequest) -> None:
    assert refusal(client_of(college.admin).post(at(pending, "approve/"))) == (
        409,
        "recommendation_missing",
        None,
    )
    said = client_of(college.head).post(at(pending, "recommend/"), {"remarks": "I know the case"}).json()
    assert (said["status"], said["recommended_by"]) == ("recommended", college.head.full_name)

    decided = client_of(college.admin).post(at(pending, "approve/"))
    again = client_of(college.admin).post(at(pending, "approve/"))

    assert decided.status_code == 200, decided.content
    shown = decided.json()
    assert (shown["status"], shown["reviewer"], shown["remarks"], shown["percentage"]) == (
        "approved",
        college.admin.full_name,
        "I know the case",
        70.0,
    )
    assert again.json() == shown
    assert refusal(client_of(college.admin).post(at(pending, "reject/"))) == (409, "invalid_transition", None)


def test_the_head_of_the_students_own_department_recommends_as_well(
    college: College, pending: CondonationRequest
) -> None:
    own = DepartmentFactory(school=college.school, head=FacultyFactory(school=college.school))
    type(pending.student).objects.filter(pk=pending.student_id).update(department=own)

    assert own.head is not None
    assert client_of(own.head.user).post(at(pending, "recommend/")).status_code == 200


@pytest.mark.parametrize(
    ("move", "who"),
    [
        ("recommend/", "teacher"),
        ("recommend/", "admin"),
        ("recommend/", "student"),
        ("approve/", "teacher"),
        ("approve/", "head"),
        ("approve/", "student"),
        ("reject/", "head"),
        ("reject/", "integrator"),
        ("cancel/", "head"),
        ("cancel/", "admin"),
    ],
)
def test_each_move_is_for_one_kind_of_person(
    college: College, pending: CondonationRequest, move: str, who: str
) -> None:
    assert refusal(client_of(college.user(who)).post(at(pending, move))) == (403, "permission_denied", None)
    pending.refresh_from_db()
    assert pending.status == CondonationStatus.PENDING


def test_nobody_decides_what_they_asked_for(college: College) -> None:
    own = CondonationFactory(section=college.section, requested_by=college.admin)

    assert refusal(client_of(college.admin).post(at(own, "reject/"))) == (403, "own_request", None)


def test_the_student_takes_it_back(college: College, pending: CondonationRequest) -> None:
    answer = client_of(college.user("student")).post(at(pending, "cancel/"))

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


# -- the registrar's file -------------------------------------------------------------------------------------------


def rows_of(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.content
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_list_goes_out_as_csv_without_reasons(college: College, pending: CondonationRequest) -> None:
    Department.objects.filter(pk=college.department.pk).update(head=None)
    client_of(college.admin).post(at(pending, "approve/"), {"remarks": "Fee paid"})

    answer = client_of(college.admin).get(EXPORT, headers={"Accept": "text/csv"})

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="condonation-requests.csv"'
    assert answer["Cache-Control"] == "private, no-store"
    assert rows_of(answer) == [
        {
            "enrollment_no": college.number(0),
            "name": college.students[0].user.full_name,
            "department": "",
            "course": college.section.course.code,
            "course_title": college.section.course.title,
            "term": "2026-27",
            "percentage": "70.00",
            "fee_reference": "",
            "status": "approved",
            "requested_at": "2026-11-03T09:00:00+05:30",
            "recommended_by": "",
            "recommended_at": "",
            "decided_by": college.admin.full_name,
            "decided_at": "2026-11-03T09:00:00+05:30",
            "remarks": "Fee paid",
        }
    ]
    assert "hospital" not in answer.content.decode()


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1+1", "@SUM(A1)", "|cmd"])
def test_no_cell_is_a_formula(college: College, formula: str) -> None:
    course = CourseFactory(school=college.school, title=formula)
    student = StudentFactory(school=college.school)
    type(student.user).objects.filter(pk=student.user_id).update(full_name=formula)
    CondonationFactory(
        section=SectionFactory(school=college.school, course=course), student=student,
        fee_reference=formula, remarks=formula,
    )  # fmt: skip

    (row,) = rows_of(client_of(college.admin).get(EXPORT))

    for column in ("name", "course_title", "fee_reference", "remarks"):
        assert not row[column].startswith(("=", "+", "-", "@", "|")), row[column]
        assert row[column].replace("\\", "") == f"'{formula}"


def test_the_file_has_the_rows_that_the_filters_leave(
    college: College, elsewhere: College, pending: CondonationRequest
) -> None:
    other = CondonationFactory(
        section=SectionFactory(school=college.school), status=CondonationStatus.REJECTED
    )
    CondonationFactory(section=elsewhere.section)
    api = client_of(college.admin)

    assert len(rows_of(api.get(EXPORT))) == 2
    (row,) = rows_of(api.get(EXPORT, {"status": "rejected"}))
    assert row["enrollment_no"] == other.student.enrollment_no
    assert refusal(api.get(EXPORT, {"wanted": "1"}))[:2] == (400, "unknown_filter")


def test_an_empty_list_is_a_file_with_its_columns(college: College) -> None:
    answer = client_of(college.admin).get(EXPORT)

    assert answer.content.decode("utf-8-sig") == ",".join(column.name for column in COLUMNS) + "\r\n"


@pytest.mark.parametrize("who", ["student", "teacher", "head", "integrator"])
def test_the_file_is_for_the_office(college: College, who: str) -> None:
    assert refusal(client_of(college.user(who)).get(EXPORT)) == (403, "permission_denied", None)


def test_files_are_limited_by_the_hour(college: College, settings: Any) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"export": "2/h"}
    api = client_of(UserFactory(school=college.school))

    assert [api.get(EXPORT).status_code for _ in range(3)] == [200, 200, 429]
