"""Corrections through the API: their shape, who reads what, every refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.enums import Role
from attendance.enums import CorrectionStatus, SessionStatus
from attendance.models import AttendanceRecord, CorrectionRequest, Session
from attendance.services import corrections, sessions
from core import clock
from tests.attendance.evidence import NOTE, PDF, PNG, kept_files
from tests.colleges import College, client_of, make_college, refusal
from tests.factories import (
    CorrectionFactory,
    FacultyFactory,
    SectionFactory,
    SessionFactory,
    StudentFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/api/v1/attendance/correction-requests/"


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def college() -> College:
    """Its class was held; everybody was absent."""
    return hold(make_college(open=True))


@pytest.fixture
def elsewhere() -> College:
    return hold(make_college(open=True))


def hold(college: College) -> College:
    session = sessions.close_session(session=college.session, by=None, now=college.session.ends_at)
    college.session.status = session.status
    return college


def body(college: College, **changes: Any) -> dict[str, Any]:
    values = {
        "session": str(college.session.pk),
        "requested_status": "present",
        "reason": "I sat in the last row",
    }
    return values | changes


def ask(college: College, **changes: Any) -> Any:
    return client_of(college.user("student")).post(LIST, body(college, **changes))


def attach(college: College, name: str, content: bytes, **changes: Any) -> Any:
    sent = body(college, file=SimpleUploadedFile(name, content), **changes)
    return client_of(college.user("student")).post(LIST, sent, format="multipart")


@pytest.fixture
def pending(college: College) -> CorrectionRequest:
    student = college.students[0]
    return corrections.request_correction(
        session=college.session, student=student, requested_status="present", reason="I sat in the last row",
        upload=NOTE, by=student.user, now=clock.now(),
    )  # fmt: skip


def at(correction: CorrectionRequest, tail: str = "") -> str:
    return f"{LIST}{correction.pk}/{tail}"


# -- asking ---------------------------------------------------------------------------------------------------------


def test_a_student_asks_and_reads_what_they_asked(college: College) -> None:
    answer = ask(college)

    assert answer.status_code == 201, answer.content
    shown = answer.json()
    made = CorrectionRequest.objects.get()
    assert shown == {
        "id": str(made.pk),
        "session": str(college.session.pk),
        "held_on": "2026-11-03",
        "starts_at": "2026-11-03T09:00:00+05:30",
        "sections": [
            {
                "id": str(college.section.pk),
                "course": {"code": college.section.course.code, "title": college.section.course.title},
                "cohort": college.section.cohort.code,
                "name": "",
            }
        ],
        "student": college.number(0),
        "name": college.students[0].user.full_name,
        "old_status": "absent",
        "requested_status": "present",
        "reason": "I sat in the last row",
        "file": None,
        "status": "pending",
        "requested_at": "2026-11-03T09:00:00+05:30",
        "reviewer": None,
        "reviewed_at": None,
        "remarks": "",
    }
    assert client_of(college.user("student")).get(at(made)).json() == shown


def test_a_file_comes_as_multipart_and_goes_out_as_a_download(college: College) -> None:
    answer = attach(college, "../Doctor's note.html", PDF)

    assert answer.status_code == 201, answer.content
    made = CorrectionRequest.objects.get()
    assert answer.json()["file"] == {"name": "Doctor's note.pdf", "type": "application/pdf"}
    for accept in ("*/*", "application/pdf", "text/html"):
        got = client_of(college.teacher).get(at(made, "file/"), headers={"Accept": accept})
        assert got.status_code == 200
        assert b"".join(got.streaming_content) == PDF
        assert got["Content-Type"] == "application/pdf"
        assert got["Content-Disposition"] == 'attachment; filename="Doctor\'s note.pdf"'
        assert got["Cache-Control"] == "private, no-store"
        assert got["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert got["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<script>", "file_type_refused"),
        (b"MZ" + PDF, "file_type_refused"),
        (b"", "empty"),
        (PNG + b"x" * (4 * 1024 * 1024), "file_too_large"),
    ],
    ids=["a page", "a program", "empty", "too large"],
)
def test_a_wrong_file_is_refused_by_its_content_and_nothing_is_kept(
    college: College, content: bytes, code: str
) -> None:
    answer = attach(college, "note.pdf", content)

    assert refusal(answer) == (400, code, "file")
    assert not CorrectionRequest.objects.exists()
    assert kept_files() == []


def test_a_body_over_the_limit_is_413(college: College) -> None:
    answer = attach(college, "note.pdf", PDF + b"x" * (5 * 1024 * 1024))

    assert refusal(answer) == (413, "body_too_large", None)


@pytest.mark.parametrize(
    ("wrong", "code", "attr"),
    [
        ({"session": "x"}, "invalid", "session"),
        ({"session": None}, "null", "session"),
        ({"requested_status": "asleep"}, "invalid_choice", "requested_status"),
        ({"reason": ""}, "blank", "reason"),
        ({"reason": "x" * 1001}, "max_length", "reason"),
        ({"reason": "a\0b"}, "parse_error", None),
        ({"requested_status": "absent"}, "mark_stands", "requested_status"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_nothing_saved(
    college: College, wrong: dict[str, Any], code: str, attr: str | None
) -> None:
    answer = ask(college, **wrong)

    assert refusal(answer)[1:] == (code, attr)
    assert answer.status_code == (409 if code == "mark_stands" else 400)
    assert not CorrectionRequest.objects.exists()


def test_a_nul_in_a_multipart_field_is_refused(college: College) -> None:
    answer = attach(college, "note.pdf", PDF, reason="a\0b")

    assert refusal(answer) == (400, "null_characters_not_allowed", "reason")
    assert kept_files() == []


def test_the_rules_of_the_service_are_told_with_their_codes(college: College) -> None:
    assert ask(college).status_code == 201
    assert refusal(ask(college, requested_status="late"))[:2] == (409, "correction_open")

    Session.objects.update(status=SessionStatus.VOID)
    assert refusal(ask(college))[:2] == (409, "session_not_markable")

    Session.objects.update(status=SessionStatus.OPEN)
    AttendanceRecord.objects.all().delete()
    assert refusal(ask(college))[:2] == (409, "nothing_to_correct")

    Session.objects.update(status=SessionStatus.CLOSED)
    with clock.frozen(clock.now().replace(day=12)):
        assert refusal(ask(college))[:2] == (409, "correction_too_late")


def test_only_of_ones_own_class_and_school(college: College, elsewhere: College) -> None:
    outsider = StudentFactory(school=college.school)
    answer = client_of(outsider.user).post(LIST, body(college))
    assert refusal(answer) == (403, "not_on_roster", None)

    answer = client_of(college.user("student")).post(LIST, body(elsewhere))
    assert refusal(answer) == (404, "not_found", "session")


@pytest.mark.parametrize("who", ["teacher", "head", "admin", "integrator"])
def test_nobody_asks_for_a_student(college: College, who: str) -> None:
    answer = client_of(college.user(who)).post(LIST, body(college))

    assert refusal(answer) == (403, "permission_denied", None)


def test_a_user_who_is_no_student_yet_finds_nobody_to_ask_for(college: College) -> None:
    nobody = client_of(UserFactory(school=college.school, role=Role.STUDENT))

    assert refusal(nobody.post(LIST, body(college))) == (404, "not_found", None)


# -- reading --------------------------------------------------------------------------------------------------------


def test_the_reason_and_the_file_are_for_the_student_and_who_may_decide(
    college: College, pending: CorrectionRequest
) -> None:
    other = FacultyFactory(school=college.school)
    college.section.teachers.add(other)
    readers = {
        who: client_of(college.user(who)) for who in ("student", "teacher", "head", "admin", "integrator")
    }
    readers["teaches the same section"] = client_of(other.user)

    found = {}
    for who, api in readers.items():
        one, (listed,) = api.get(at(pending)).json(), api.get(LIST).json()["results"]
        assert listed == one, who
        found[who] = (one["reason"], one["file"] and one["file"]["name"])
        assert api.get(at(pending, "file/")).status_code == (200 if one["file"] else 403), who

    told, hidden = ("I sat in the last row", "Doctor's note.pdf"), (None, None)
    assert found == {
        "student": told,
        "teacher": told,
        "head": told,
        "admin": told,
        "integrator": hidden,
        "teaches the same section": hidden,
    }


def test_there_is_no_file_where_none_was_attached(college: College) -> None:
    correction = CorrectionFactory(session=college.session)

    assert refusal(client_of(college.admin).get(at(correction, "file/"))) == (404, "not_found", None)


def test_a_list_shows_what_is_ones_own_to_see(
    college: College, elsewhere: College, pending: CorrectionRequest
) -> None:
    other = CorrectionFactory(
        session=SessionFactory(section=SectionFactory(school=college.school, students=1))
    )
    CorrectionFactory(session=elsewhere.session)

    def listed(who: str) -> set[str]:
        return {row["id"] for row in client_of(college.user(who)).get(LIST).json()["results"]}

    assert listed("student") == listed("teacher") == listed("head") == {str(pending.pk)}
    assert listed("admin") == listed("integrator") == {str(pending.pk), str(other.pk)}


def test_another_schools_request_is_not_there(elsewhere: College, pending: CorrectionRequest) -> None:
    for method, tail in (("get", ""), ("get", "file/"), ("post", "approve/"), ("post", "cancel/")):
        answer = getattr(client_of(elsewhere.admin), method)(at(pending, tail))
        assert refusal(answer) == (404, "not_found", None), tail


def test_lists_are_narrowed(college: College, pending: CorrectionRequest) -> None:
    later = SessionFactory(
        section=SectionFactory(school=college.school, students=1),
        starts_at=college.session.starts_at.replace(day=10),
    )
    done = CorrectionFactory(session=later, status=CorrectionStatus.REJECTED, reviewer=college.admin)
    api = client_of(college.admin)
    course = college.section.course.code

    def found(**query: Any) -> list[str]:
        answer = api.get(LIST, query)
        assert answer.status_code == 200, answer.content
        return [row["id"] for row in answer.json()["results"]]

    one, other = str(pending.pk), str(done.pk)
    assert found(status="pending") == [one]
    assert sorted(found(status=["pending", "rejected"])) == sorted([one, other])
    assert found(student=college.number(0).lower()) == [one]
    assert found(session=str(later.pk)) == [other]
    assert found(course=course.lower()) == [one]
    assert found(**{"from": "2026-11-04"}) == [other]
    assert found(to="2026-11-03") == [one]
    assert found(search=college.number(0)) == [one]
    assert found(ordering="held_on") == [one, other]
    assert found(ordering="-held_on") == [other, one]
    for query, code in (
        ({"wanted": "1"}, "unknown_filter"),
        ({"ordering": "reason"}, "unknown_ordering"),
        ({"status": "asleep"}, "invalid_choice"),
    ):
        assert refusal(api.get(LIST, query))[:2] == (400, code)


# -- deciding -------------------------------------------------------------------------------------------------------


def test_the_teacher_approves_and_twice_is_the_same_answer(
    college: College, pending: CorrectionRequest
) -> None:
    first = client_of(college.teacher).post(at(pending, "approve/"), {"remarks": "I saw her"})
    again = client_of(college.admin).post(at(pending, "approve/"), {"remarks": "me too"})

    assert (first.status_code, again.status_code) == (200, 200), first.content
    assert first.json() == {**again.json()}
    shown = client_of(college.user("student")).get(at(pending)).json()
    assert (shown["status"], shown["reviewer"], shown["reviewed_at"], shown["remarks"]) == (
        "approved",
        college.teacher.full_name,
        "2026-11-03T09:00:00+05:30",
        "I saw her",
    )
    record = AttendanceRecord.objects.get(student=college.students[0])
    assert record.status == "present"


def test_rejecting_needs_no_body(college: College, pending: CorrectionRequest) -> None:
    answer = client_of(college.teacher).post(at(pending, "reject/"))

    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    assert refusal(client_of(college.teacher).post(at(pending, "approve/"))) == (
        409,
        "invalid_transition",
        None,
    )
    assert AttendanceRecord.objects.get(student=college.students[0]).status == "absent"


def test_the_student_cancels_and_nobody_else(college: College, pending: CorrectionRequest) -> None:
    for who in ("teacher", "head", "admin"):
        answer = client_of(college.user(who)).post(at(pending, "cancel/"))
        assert refusal(answer) == (403, "permission_denied", None)

    answer = client_of(college.user("student")).post(at(pending, "cancel/"), {})

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


@pytest.mark.parametrize("who", ["student", "other_teacher", "integrator"])
@pytest.mark.parametrize("decision", ["approve/", "reject/"])
def test_who_does_not_run_the_class_does_not_decide(
    college: College, pending: CorrectionRequest, who: str, decision: str
) -> None:
    answer = client_of(college.user(who)).post(at(pending, decision))

    assert refusal(answer) == (403, "permission_denied", None)
    pending.refresh_from_db()
    assert pending.status == CorrectionStatus.PENDING


def test_nobody_decides_what_they_asked_for(college: College) -> None:
    own = CorrectionFactory(session=college.session, requested_by=college.admin)

    assert refusal(client_of(college.admin).post(at(own, "approve/"))) == (403, "own_request", None)


def test_after_the_lock_it_takes_an_administrator_and_a_reason(
    college: College, pending: CorrectionRequest
) -> None:
    sessions.lock_session(session=college.session, by=None, now=clock.now())
    remarks = {"remarks": "Sheet of the lab"}

    answer = client_of(college.teacher).post(at(pending, "approve/"), remarks)
    assert refusal(answer) == (409, "session_locked", None)
    answer = client_of(college.admin).post(at(pending, "approve/"))
    assert refusal(answer) == (400, "reason_required", "remarks")
    assert client_of(college.admin).post(at(pending, "approve/"), remarks).status_code == 200
    assert AttendanceRecord.objects.get(student=college.students[0]).status == "present"


def test_who_has_no_record_and_left_the_class_cannot_be_marked(
    college: College, pending: CorrectionRequest
) -> None:
    AttendanceRecord.objects.filter(student=college.students[0]).delete()
    college.students[0].enrollments.all().delete()

    answer = client_of(college.teacher).post(at(pending, "approve/"))
    assert refusal(answer)[:2] == (400, "student_not_on_roster")


def test_decisions_take_json_only(college: College, pending: CorrectionRequest) -> None:
    answer = client_of(college.teacher).post(at(pending, "approve/"), {"remarks": "x"}, format="multipart")

    assert refusal(answer)[:2] == (415, "unsupported_media_type")


def test_too_long_remarks_are_refused(college: College, pending: CorrectionRequest) -> None:
    answer = client_of(college.teacher).post(at(pending, "approve/"), {"remarks": "x" * 501})

    assert refusal(answer) == (400, "max_length", "remarks")
    pending.refresh_from_db()
    assert pending.status == CorrectionStatus.PENDING
