"""Records and marks by hand through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from attendance.enums import SessionStatus, Source, Status
from attendance.models import AttendanceRecord, AttendanceStatistics, Session
from attendance.services import marking, sessions
from attendance.services.marking import Mark
from audit.models import AuditEntry
from core import clock
from core.errors import NotFound
from core.ids import uuid7
from tests.colleges import College, client_of, make_college, refusal
from tests.factories import RecordFactory, SectionFactory, SessionFactory
from tests.races import together

pytestmark = pytest.mark.django_db

RECORDS = "/api/v1/attendance/records/"
BULK = f"{RECORDS}bulk-mark/"


@pytest.fixture
def college() -> College:
    return make_college(open=True)


def bulk(college: College, *marks: tuple[int, Any], **body: Any) -> dict[str, Any]:
    rows = [{"student": college.number(index), "status": status} for index, status in marks]
    return {"session": str(college.session.pk), "marks": rows, **body}


def statuses() -> list[str]:
    return list(AttendanceRecord.objects.order_by("student__enrollment_no").values_list("status", flat=True))


def close(college: College) -> None:
    sessions.close_session(session=college.session, by=college.teacher, now=clock.now())


# --- Lists ---------------------------------------------------------------------------------------------------


def test_record_says_who_was_what_where_and_when(college: College) -> None:
    record = RecordFactory(
        session=college.session, student=college.students[0], marked_by=college.teacher, remarks="late bus"
    )

    answer = client_of(college.admin).get(f"{RECORDS}{record.pk}/")

    assert answer.json() == {
        "id": str(record.pk),
        "session": str(college.session.pk),
        "section": str(college.section.pk),
        "course": {"code": college.section.course.code, "title": college.section.course.title},
        "student": college.number(0),
        "name": college.students[0].user.full_name,
        "held_on": "2026-11-03",
        "status": "present",
        "source": "manual",
        "offline": False,
        "marked_at": "2026-11-03T09:00:00+05:30",
        "checked_out_at": None,
        "marked_by": college.teacher.full_name,
        "remarks": "late bus",
        "counted": False,
    }


@pytest.mark.parametrize(
    ("who", "seen"),
    [("student", 1), ("teacher", 3), ("head", 3), ("admin", 3), ("integrator", 3), ("other_teacher", 0)],
)
def test_everybody_lists_the_records_that_are_theirs(
    college: College, elsewhere: College, who: str, seen: int
) -> None:
    for index in range(3):
        RecordFactory(session=college.session, student=college.students[index])
        RecordFactory(session=elsewhere.session, student=elsewhere.students[index])

    rows = client_of(college.user(who)).get(RECORDS).json()["results"]

    assert len(rows) == seen
    assert {row["student"] for row in rows} <= {student.enrollment_no for student in college.students}


def test_records_of_others_are_forbidden_and_those_of_other_schools_do_not_exist(
    college: College, elsewhere: College
) -> None:
    own = RecordFactory(session=college.session, student=college.students[1])
    foreign = RecordFactory(session=elsewhere.session, student=elsewhere.students[1])
    api = client_of(college.students[0].user)

    assert refusal(api.get(f"{RECORDS}{own.pk}/")) == (403, "permission_denied", None)
    assert refusal(api.get(f"{RECORDS}{foreign.pk}/")) == (404, "not_found", None)
    assert refusal(api.get(f"{RECORDS}7/")) == (404, "not_found", None)


def test_cursor_walks_through_every_record_once_latest_day_first_and_back(college: College) -> None:
    section = college.section
    for day in range(5):
        session = SessionFactory(
            section=section,
            teacher=college.session.faculty.get(),
            starts_at=college.session.starts_at - timedelta(days=7 * (day + 1)),
        )
        for student in college.students:
            RecordFactory(session=session, student=student)
    api = client_of(college.admin)

    pages, days, link = [], [], f"{RECORDS}?page_size=4"
    while link:
        answer = api.get(link).json()
        pages.append([row["id"] for row in answer["results"]])
        days += [row["held_on"] for row in answer["results"]]
        previous, link = answer["previous"], answer["next"]

    assert [len(page) for page in pages] == [4, 4, 4, 3]
    assert len({ident for page in pages for ident in page}) == 15
    assert days == sorted(days, reverse=True)
    assert [row["id"] for row in api.get(previous).json()["results"]] == pages[2]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"from": "2026-11-03", "to": "2026-11-03"}, 3),
        ({"to": "2026-11-02"}, 0),
        ({"status": ["late", "absent"]}, 1),
        ({"source": "qr"}, 1),
        ({"source": "biometric"}, 0),
    ],
)
def test_records_are_filtered_by_day_status_and_source(college: College, query: Any, found: int) -> None:
    first, second, third = college.students
    RecordFactory(session=college.session, student=first)
    RecordFactory(session=college.session, student=second, status=Status.LATE, source=Source.QR)
    RecordFactory(session=college.session, student=third, status=Status.EXCUSED)

    assert len(client_of(college.admin).get(RECORDS, query).json()["results"]) == found


def test_records_are_filtered_by_student_class_section_and_course(college: College) -> None:
    RecordFactory(session=college.session, student=college.students[0])
    RecordFactory(session=SessionFactory(section=SectionFactory(school=college.school, students=1)))
    api = client_of(college.admin)

    for query in (
        {"student": college.number(0).lower()},
        {"session": str(college.session.pk)},
        {"section": str(college.section.pk)},
        {"course": college.section.course.code},
    ):
        rows = api.get(RECORDS, query).json()["results"]
        assert [row["student"] for row in rows] == [college.number(0)], query


@pytest.mark.parametrize("cursor", ["x", "7", "e30", "WyJuIl0", "é", "A" * 5000])
def test_cursor_that_we_did_not_make_is_refused(college: College, cursor: str) -> None:
    answer = client_of(college.admin).get(RECORDS, {"cursor": cursor})

    assert refusal(answer) == (400, "invalid_cursor", "cursor")


# --- One mark ------------------------------------------------------------------------------------------------


def test_first_mark_is_created_and_the_next_one_changes_it(college: College) -> None:
    api = client_of(college.teacher)
    body = {"session": str(college.session.pk), "student": college.number(0).lower(), "status": "late"}

    first = api.post(RECORDS, body)
    assert (first.status_code, first.json()["status"], first.json()["source"]) == (201, "late", "manual")
    second = api.post(RECORDS, {**body, "status": "present", "remarks": "was early"})
    assert (second.status_code, second.json()["status"]) == (200, "present")
    assert second.json()["remarks"] == "was early"
    assert second.json()["id"] == first.json()["id"]
    assert second.json()["marked_by"] == college.teacher.full_name


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"student": "NOBODY"}, (400, "student_not_on_roster", None)),
        ({"status": "asleep"}, (400, "invalid_choice", "status")),
        ({"status": None}, (400, "null", "status")),
        ({"student": "x" * 31}, (400, "max_length", "student")),
        ({"remarks": "x" * 501}, (400, "max_length", "remarks")),
        ({"session": "7"}, (400, "invalid", "session")),
        ({"session": str(uuid7())}, (404, "not_found", "session")),
    ],
)
def test_mark_that_cannot_be_made_is_refused(
    college: College, changes: dict[str, Any], expected: tuple[int, str, str | None]
) -> None:
    body = {"session": str(college.session.pk), "student": college.number(0), "status": "present"}

    answer = client_of(college.teacher).post(RECORDS, {**body, **changes})

    assert refusal(answer) == expected
    assert not AttendanceRecord.objects.exists()


def test_student_of_another_class_or_school_is_not_on_the_roster(
    college: College, elsewhere: College
) -> None:
    body = {"session": str(college.session.pk), "student": elsewhere.number(0), "status": "present"}

    assert refusal(client_of(college.teacher).post(RECORDS, body))[1] == "student_not_on_roster"


@pytest.mark.parametrize("who", ["student", "integrator"])
@pytest.mark.parametrize("path", [RECORDS, BULK])
def test_students_and_integrators_mark_nobody(college: College, who: str, path: str) -> None:
    assert refusal(client_of(college.user(who)).post(path, {})) == (403, "permission_denied", None)


@pytest.mark.parametrize("path", [RECORDS, BULK])
def test_faculty_mark_in_their_own_classes_only(college: College, elsewhere: College, path: str) -> None:
    api = client_of(college.other_teacher)
    body = {"student": college.number(0), "status": "present", **bulk(college, (0, "present"))}
    assert refusal(api.post(path, body)) == (403, "permission_denied", None)

    body["session"] = str(elsewhere.session.pk)
    assert refusal(api.post(path, body)) == (404, "not_found", "session")


def test_record_of_a_closed_class_is_changed_with_a_reason_and_figures_follow(college: College) -> None:
    close(college)
    record = AttendanceRecord.objects.get(student=college.students[0])
    api = client_of(college.teacher)
    path = f"{RECORDS}{record.pk}/"

    assert refusal(api.patch(path, {"status": "present"})) == (400, "reason_required", "reason")
    changed = api.patch(path, {"status": "present", "reason": "Sat in the back"})

    assert changed.status_code == 200, changed.content
    assert (changed.json()["status"], changed.json()["counted"]) == ("present", True)
    assert AttendanceStatistics.objects.get(student=college.students[0]).percentage == 100
    entry = AuditEntry.objects.get(action="record.update")
    assert (entry.reason, entry.before["status"], entry.after["status"]) == (
        "Sat in the back",
        "absent",
        "present",
    )


def test_remarks_change_without_the_status(college: College) -> None:
    record = RecordFactory(session=college.session, student=college.students[0], status=Status.LATE)

    changed = client_of(college.teacher).patch(f"{RECORDS}{record.pk}/", {"remarks": "bus strike"})

    assert (changed.json()["status"], changed.json()["remarks"]) == ("late", "bus strike")


def test_remarks_on_a_mark_that_has_changed_meanwhile_leave_the_newer_status(college: College) -> None:
    seen = RecordFactory(session=college.session, student=college.students[0], status=Status.ABSENT)
    given: dict[str, Any] = {"by": college.teacher, "now": clock.now()}
    marking.mark(session=college.session, student=college.number(0), status="present", **given)

    changed = marking.change(record=seen, remarks="bus strike", **given)

    assert changed is not None
    assert (changed.status, changed.remarks) == ("present", "bus strike")


def test_mark_that_was_taken_away_meanwhile_is_not_there_to_change(college: College) -> None:
    seen = RecordFactory(session=college.session, student=college.students[0])
    given: dict[str, Any] = {"by": college.teacher, "now": clock.now()}
    marking.bulk_mark(session=college.session, marks=[Mark(college.number(0), None)], **given)

    with pytest.raises(NotFound):
        marking.change(record=seen, remarks="bus strike", **given)

    assert statuses() == []


def test_locked_record_is_changed_by_the_office_only(college: College) -> None:
    close(college)
    Session.objects.filter(pk=college.session.pk).update(status=SessionStatus.LOCKED)
    record = AttendanceRecord.objects.get(student=college.students[0])
    path, body = f"{RECORDS}{record.pk}/", {"status": "present", "reason": "Appeal"}

    assert refusal(client_of(college.teacher).patch(path, body)) == (409, "session_locked", None)
    assert client_of(college.admin).patch(path, body).json()["status"] == "present"


@pytest.mark.parametrize("who", ["student", "other_teacher", "integrator"])
def test_nobody_else_changes_a_record(college: College, elsewhere: College, who: str) -> None:
    record = RecordFactory(session=college.session, student=college.students[0], status=Status.ABSENT)
    foreign = RecordFactory(session=elsewhere.session, student=elsewhere.students[0])
    api = client_of(college.user(who))

    assert refusal(api.patch(f"{RECORDS}{record.pk}/", {"status": "present"})) == (
        403,
        "permission_denied",
        None,
    )
    assert refusal(api.patch(f"{RECORDS}{foreign.pk}/", {}))[0] == 404
    assert set(statuses()) == {"absent", "present"}


# --- Many marks ----------------------------------------------------------------------------------------------


def test_many_are_marked_at_once_and_again_without_change(college: College) -> None:
    api = client_of(college.teacher)
    body = bulk(college, (0, "present"), (1, "late"), (2, "excused"))

    assert api.post(BULK, body).json() == {"saved": 3, "unchanged": 0, "failed": []}
    assert api.post(BULK, body).json() == {"saved": 0, "unchanged": 3, "failed": []}
    assert statuses() == ["present", "late", "excused"]


def test_atomic_saves_nothing_and_names_each_bad_mark(college: College, elsewhere: College) -> None:
    body = bulk(college, (0, "present"), (1, "asleep"), (0, "late"))
    body["marks"].append({"student": elsewhere.number(0), "status": "present"})

    answer = client_of(college.teacher).post(BULK, body)

    assert refusal(answer) == (400, "bulk_refused", None)
    failed = answer.json()["errors"][0]["meta"]["failed"]
    assert [(bad["index"], bad["student"], bad["code"]) for bad in failed] == [
        (1, college.number(1), "invalid_choice"),
        (2, college.number(0), "duplicate_mark"),
        (3, elsewhere.number(0), "student_not_on_roster"),
    ]
    assert all(bad["detail"] for bad in failed)
    assert statuses() == []


def test_partial_saves_the_good_ones_and_lists_the_rest(college: College) -> None:
    answer = client_of(college.teacher).post(BULK, bulk(college, (0, "present"), (1, "asleep"), atomic=False))

    assert answer.status_code == 200
    assert (answer.json()["saved"], answer.json()["unchanged"]) == (1, 0)
    assert [(bad["index"], bad["code"]) for bad in answer.json()["failed"]] == [(1, "invalid_choice")]
    assert statuses() == ["present"]


def test_mark_is_taken_away_while_the_class_is_open_and_no_longer(college: College) -> None:
    api = client_of(college.teacher)
    api.post(BULK, bulk(college, (0, "present")))

    assert api.post(BULK, bulk(college, (0, None))).json()["saved"] == 1
    assert statuses() == []
    close(college)
    assert refusal(api.post(BULK, bulk(college, (0, None), reason="x"))) == (
        409,
        "session_not_markable",
        None,
    )


def test_closed_class_needs_a_reason(college: College) -> None:
    close(college)
    api = client_of(college.teacher)

    assert refusal(api.post(BULK, bulk(college, (0, "present")))) == (400, "reason_required", "reason")
    assert api.post(BULK, bulk(college, (0, "present"), reason="List on paper")).json()["saved"] == 1


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (None, ("null", "marks")),
        ("all", ("not_a_list", "marks")),
        ({}, ("not_a_list", "marks")),
        ([], ("empty", "marks")),
        ([{"student": "A", "status": "present"}] * 1001, ("max_length", "marks")),
        ([7], ("invalid", "marks.0")),
        ([{"status": "present"}], ("required", "marks.0.student")),
        ([{"student": "A"}], ("required", "marks.0.status")),
        ([{"student": 7, "status": "present"}], ("invalid", "marks.0.student")),
        ([{"student": None, "status": "present"}], ("null", "marks.0.student")),
        ([{"student": " ", "status": "present"}], ("blank", "marks.0.student")),
        ([{"student": "x" * 31, "status": "present"}], ("max_length", "marks.0.student")),
        ([{"student": "A", "status": ["present"]}], ("invalid", "marks.0.status")),
        ([{"student": "A", "status": "present", "remarks": 7}], ("invalid", "marks.0.remarks")),
        ([{"student": "A", "status": "present", "remarks": "x" * 501}], ("max_length", "marks.0.remarks")),
    ],
)
def test_marks_of_the_wrong_shape_are_refused_with_their_place(
    college: College, marks: Any, expected: tuple[str, str]
) -> None:
    answer = client_of(college.teacher).post(BULK, {**bulk(college), "marks": marks})

    assert refusal(answer) == (400, *expected)


def test_a_thousand_marks_are_read(college: College) -> None:
    marks = [{"student": f"X{index}", "status": "present"} for index in range(1000)]

    answer = client_of(college.teacher).post(BULK, {**bulk(college), "marks": marks, "atomic": False})

    assert (answer.status_code, len(answer.json()["failed"])) == (200, 1000)


def test_same_key_gets_the_first_answer_and_does_nothing_again(college: College) -> None:
    api = client_of(college.teacher)
    key = {"Idempotency-Key": "roster-1"}
    body = bulk(college, (0, "present"))

    first = api.post(BULK, body, headers=key)
    api.post(BULK, bulk(college, (0, "absent")))
    again = api.post(BULK, body, headers=key)

    assert again.json() == first.json() == {"saved": 1, "unchanged": 0, "failed": []}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert statuses() == ["absent"]
    assert refusal(api.post(BULK, bulk(college, (1, "present")), headers=key)) == (
        422,
        "idempotency_key_reused",
        "Idempotency-Key",
    )


def test_refused_request_leaves_its_key_free(college: College) -> None:
    api = client_of(college.teacher)
    key = {"Idempotency-Key": "roster-2"}

    assert api.post(BULK, bulk(college, (0, "asleep")), headers=key).status_code == 400
    assert api.post(BULK, bulk(college, (0, "present")), headers=key).json()["saved"] == 1


@pytest.mark.django_db(transaction=True)
def test_one_key_sent_four_times_at_once_marks_once() -> None:
    college = make_college(open=True)
    body = bulk(college, (0, "present"), (1, "late"))
    instant = clock.now()

    def send(_index: int) -> Any:
        with clock.frozen(instant):
            return client_of(college.teacher).post(BULK, body, headers={"Idempotency-Key": "k"}).json()

    assert together(4, send) == [{"saved": 2, "unchanged": 0, "failed": []}] * 4
    assert AuditEntry.objects.filter(action="record.create").count() == 2
