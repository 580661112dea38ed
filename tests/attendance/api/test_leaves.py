"""Leave through the API: applying, following, deciding."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from academics.models import Section
from accounts.models import User
from attendance.models import AttendanceRecord, LeaveApplication
from attendance.services import leaves, sessions
from attendance.services.evidence import Upload
from core import clock
from tests.colleges import College, client_of, make_college, refusal
from tests.factories import FacultyFactory, UserFactory

pytestmark = pytest.mark.django_db

LEAVES = "/api/v1/attendance/leave-applications/"
PDF = b"%PDF-1.7 a note"


@pytest.fixture(autouse=True)
def kept_here(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def in_charge(college: College) -> User:
    """The teacher, in charge of the section."""
    Section.objects.filter(pk=college.section.pk).update(faculty=college.session.faculty.get())
    return college.teacher


def asked(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "medical", "from_date": "2026-11-03", "to_date": "2026-11-04", "reason": "fever", **changes,
    }  # fmt: skip


def a_leave(college: College, student: int = 0, **values: Any) -> LeaveApplication:
    who = college.students[student]
    day = college.session.held_on
    return leaves.apply_for(
        **{
            "student": who, "kind": "medical", "from_date": day, "to_date": day, "reason": "fever",
            "by": who.user, "now": clock.now(), **values,
        }
    )  # fmt: skip


def hold(college: College) -> None:
    sessions.open_session(session=college.session, by=college.teacher, now=clock.now())
    sessions.close_session(session=college.session, by=college.teacher, now=college.session.ends_at)


class TestApplying:
    def test_a_student_applies_for_themselves(self, college: College) -> None:
        student = college.students[0]
        answer = client_of(student.user).post(LEAVES, asked())

        leave = LeaveApplication.objects.get()
        assert answer.status_code == 201
        assert answer.json() == {
            "id": str(leave.pk),
            "student": student.enrollment_no,
            "name": student.user.full_name,
            "kind": "medical",
            "from_date": "2026-11-03",
            "to_date": "2026-11-04",
            "sessions": [],
            "reason": "fever",
            "file": None,
            "status": "pending",
            "applied_at": "2026-11-03T09:00:00+05:30",
            "applied_by": student.user.full_name,
            "reviewer": None,
            "reviewed_at": None,
            "remarks": "",
            "may_review": False,
        }

    def test_for_some_classes_of_a_day_and_with_a_file(self, college: College) -> None:
        form = {
            **asked(to_date="2026-11-03"),
            "sessions": [str(college.session.pk)],
            "file": SimpleUploadedFile("note.pdf", PDF, "application/pdf"),
        }
        answer = client_of(college.user("student")).post(LEAVES, form, format="multipart")

        assert answer.status_code == 201, answer.content
        assert [one["id"] for one in answer.json()["sessions"]] == [str(college.session.pk)]
        assert answer.json()["file"] == {"name": "note.pdf", "type": "application/pdf"}

    def test_the_office_applies_for_somebody(self, college: College) -> None:
        api = client_of(college.admin)
        assert refusal(api.post(LEAVES, asked())) == (400, "student_required", "student")
        answer = api.post(LEAVES, asked(student=college.number(1).lower()))
        assert (answer.status_code, answer.json()["student"]) == (201, college.number(1))

    def test_nobody_applies_for_somebody_else(self, college: College) -> None:
        answer = client_of(college.user("student")).post(LEAVES, asked(student=college.number(1)))
        assert refusal(answer) == (403, "permission_denied", None)

    def test_refusals_name_their_field(self, college: College, elsewhere: College) -> None:
        api = client_of(college.user("student"))
        first = a_leave(college)
        overlap = api.post(LEAVES, asked())
        assert refusal(overlap) == (409, "leave_overlaps", None)
        assert overlap.json()["errors"][0]["meta"] == {"leave": str(first.pk), "status": "pending"}
        later = {"from_date": "2026-11-10", "to_date": "2026-11-10"}
        for changes, expected in (
            ({**later, "to_date": "2026-11-09"}, (400, "invalid", "to_date")),
            ({**later, "to_date": "2027-11-09"}, (400, "range_too_long", "to_date")),
            ({**later, "sessions": [str(college.session.pk)]}, (400, "not_their_class", "sessions")),
            ({**later, "sessions": [str(elsewhere.session.pk)]}, (400, "does_not_exist", "sessions")),
            ({**later, "kind": "sabbatical"}, (400, "invalid_choice", "kind")),
            ({**later, "reason": "  "}, (400, "blank", "reason")),
            ({**later, "reason": "x" * 1001}, (400, "max_length", "reason")),
            ({**later, "from_date": "0001-01-01"}, (400, "out_of_range", "from_date")),
        ):
            assert refusal(api.post(LEAVES, asked(**changes))) == expected, changes
        assert LeaveApplication.objects.count() == 1

    @pytest.mark.parametrize(
        ("content", "code"),
        [(b"<html>", "file_type_refused"), (PDF + bytes(4 * 1024 * 1024), "file_too_large")],
    )
    def test_a_file_that_is_none_of_those_allowed_is_refused(
        self, college: College, content: bytes, code: str
    ) -> None:
        form = {**asked(), "file": SimpleUploadedFile("note.pdf", content, "application/pdf")}
        answer = client_of(college.user("student")).post(LEAVES, form, format="multipart")
        assert refusal(answer) == (400, code, "file")
        assert not LeaveApplication.objects.exists()


class TestChanging:
    def test_what_nobody_decided_can_be_changed_and_cancelled(self, college: College) -> None:
        leave = a_leave(college)
        api = client_of(college.user("student"))

        changed = api.patch(
            f"{LEAVES}{leave.pk}/", {"kind": "on_duty", "sessions": [str(college.session.pk)]}
        )
        assert (changed.status_code, changed.json()["kind"], len(changed.json()["sessions"])) == (
            200, "on_duty", 1,
        )  # fmt: skip
        whole = api.patch(f"{LEAVES}{leave.pk}/", {"sessions": [], "to_date": "2026-11-06"})
        assert (whole.json()["sessions"], whole.json()["to_date"]) == ([], "2026-11-06")
        assert api.post(f"{LEAVES}{leave.pk}/cancel/").json()["status"] == "cancelled"

        assert refusal(api.patch(f"{LEAVES}{leave.pk}/", {"kind": "casual"})) == (
            409, "invalid_transition", None,
        )  # fmt: skip

    def test_a_new_file_takes_the_place_of_the_old_one(
        self, college: College, django_capture_on_commit_callbacks: Any, tmp_path: Any
    ) -> None:
        leave = a_leave(college, upload=Upload("old.pdf", PDF))
        form = {"file": SimpleUploadedFile("new.png", b"\x89PNG\r\n\x1a\n")}
        with django_capture_on_commit_callbacks(execute=True):
            client_of(college.user("student")).patch(f"{LEAVES}{leave.pk}/", form, format="multipart")
        leave.refresh_from_db()
        assert leave.file_name == "new.png"
        assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1

    def test_an_overlap_with_itself_is_none(self, college: College) -> None:
        leave = a_leave(college)
        answer = client_of(college.user("student")).patch(f"{LEAVES}{leave.pk}/", {"to_date": "2026-11-05"})
        assert answer.json()["to_date"] == "2026-11-05"


class TestDeciding:
    def test_whoever_is_in_charge_approves_and_revokes(self, college: College, in_charge: User) -> None:
        hold(college)
        leave = a_leave(college)
        api = client_of(in_charge)

        approved = api.post(f"{LEAVES}{leave.pk}/approve/", {"remarks": "get well"}).json()
        assert (approved["changed"], approved["locked"], approved["leave"]["status"]) == (1, 0, "approved")
        assert (approved["leave"]["reviewer"], approved["leave"]["remarks"]) == (
            in_charge.full_name,
            "get well",
        )
        assert AttendanceRecord.objects.get(student=college.students[0]).status == "excused"

        assert refusal(api.post(f"{LEAVES}{leave.pk}/revoke/")) == (400, "reason_required", "remarks")
        revoked = api.post(f"{LEAVES}{leave.pk}/revoke/", {"remarks": "forged"}).json()
        assert (revoked["changed"], revoked["leave"]["status"]) == (1, "revoked")
        assert AttendanceRecord.objects.get(student=college.students[0]).status == "absent"

    def test_nobody_decides_on_what_they_asked_for(self, college: College) -> None:
        leave = a_leave(college, by=college.admin)
        answer = client_of(college.admin).post(f"{LEAVES}{leave.pk}/approve/")
        assert refusal(answer) == (403, "own_request", None)

    def test_who_teaches_a_student_sees_that_there_is_a_leave_and_not_why(self, college: College) -> None:
        leave = a_leave(college, upload=Upload("note.pdf", PDF))
        shown = client_of(college.teacher).get(f"{LEAVES}{leave.pk}/").json()
        assert (shown["status"], shown["reason"], shown["file"], shown["may_review"]) == (
            "pending", None, None, False,
        )  # fmt: skip
        assert refusal(client_of(college.teacher).get(f"{LEAVES}{leave.pk}/file/"))[0] == 403

    def test_many_at_once_each_with_its_own_answer(self, college: College, elsewhere: College) -> None:
        hold(college)
        good = [a_leave(college, 0), a_leave(college, 1)]
        cancelled, own = a_leave(college, 2), a_leave(elsewhere)
        leaves.cancel(leave=cancelled, by=cancelled.applied_by, now=clock.now())
        nobody = uuid4()

        ids = [str(one) for one in (good[0].pk, cancelled.pk, own.pk, good[1].pk, nobody)]
        answer = client_of(college.admin).post(f"{LEAVES}bulk-approve/", {"ids": ids, "remarks": "ok"}).json()

        assert (answer["approved"], answer["changed"]) == (2, 2)
        assert [(one["index"], one["id"], one["code"]) for one in answer["failed"]] == [
            (1, ids[1], "invalid_transition"),
            (2, ids[2], "not_found"),
            (4, ids[4], "not_found"),
        ]

    def test_of_many_those_without_the_right_are_told(self, college: College, in_charge: User) -> None:
        mine = a_leave(college)
        other = FacultyFactory(school=college.school).user
        answer = client_of(other).post(f"{LEAVES}bulk-approve/", {"ids": [str(mine.pk)]}).json()
        assert [one["code"] for one in answer["failed"]] == ["permission_denied"]
        mine.refresh_from_db()
        assert mine.status == "pending"

    @pytest.mark.parametrize(
        "ids", [[], ["x"], [None], "all", [str(uuid4())] * 201], ids=["none", "no id", "null", "text", "many"]
    )
    def test_what_is_no_list_of_leaves_is_refused(self, college: College, ids: Any) -> None:
        answer = client_of(college.admin).post(f"{LEAVES}bulk-approve/", {"ids": ids})
        assert answer.status_code == 400, answer.content


class TestReading:
    def test_the_file_is_a_download_that_no_page_shows(self, college: College) -> None:
        leave = a_leave(college, upload=Upload("note.pdf", PDF))
        answer: Any = client_of(college.admin).get(f"{LEAVES}{leave.pk}/file/")
        assert b"".join(answer.streaming_content) == PDF
        assert answer["Content-Type"] == "application/pdf"
        assert answer["Content-Disposition"] == 'attachment; filename="note.pdf"'
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"] == "private, no-store"
        assert "sandbox" in answer["Content-Security-Policy"]

    def test_without_a_file_there_is_none(self, college: College) -> None:
        assert refusal(client_of(college.admin).get(f"{LEAVES}{a_leave(college).pk}/file/"))[0] == 404

    def test_a_file_that_was_lost_is_not_there(
        self, college: College, caplog: pytest.LogCaptureFixture
    ) -> None:
        leave = a_leave(college, upload=Upload("note.pdf", PDF))
        leave.file.storage.delete(leave.file.name)
        assert client_of(college.admin).get(f"{LEAVES}{leave.pk}/file/").status_code == 404
        assert "evidence_missing" in caplog.text

    def test_a_list_shows_what_one_may_see_and_filters_it(self, college: College, in_charge: User) -> None:
        first, second = a_leave(college, 0), a_leave(college, 1, kind="casual")
        other = make_college()
        a_leave(other)
        leaves.approve(leave=second, by=college.admin, now=clock.now())

        def ids(user: User, **query: Any) -> set[str]:
            return {one["id"] for one in client_of(user).get(LEAVES, query).json()["results"]}

        both = {str(first.pk), str(second.pk)}
        assert ids(college.admin) == ids(in_charge) == ids(college.head) == both
        assert ids(college.students[0].user) == {str(first.pk)}
        assert ids(college.other_teacher) == set()
        assert ids(college.admin, status="approved") == ids(college.admin, kind="casual") == {str(second.pk)}
        assert ids(college.admin, student=college.number(0)) == {str(first.pk)}
        assert ids(college.admin, on="2026-11-03") == both
        assert ids(college.admin, on="2026-11-05") == set()
        assert ids(in_charge, to_review="true") == {str(first.pk)}
        assert ids(in_charge, to_review="false") == {str(second.pk)}
        assert ids(college.integrator, to_review="true") == set()
        assert refusal(client_of(college.admin).get(LEAVES, {"state": "x"}))[0] == 400

    def test_operators_see_every_school(self, college: College, operator: User) -> None:
        leave = a_leave(college)
        assert client_of(operator).get(f"{LEAVES}{leave.pk}/").json()["may_review"] is True
        assert client_of(UserFactory()).get(f"{LEAVES}{leave.pk}/").status_code == 404
