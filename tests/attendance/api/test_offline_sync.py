"""Uploading marks that were made without network, through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, Session, SyncBatch, SyncConflict, SyncEntry
from core import clock
from core.ids import uuid7
from tests.colleges import College, client_of, make_college, refusal
from tests.factories import RecordFactory

pytestmark = pytest.mark.django_db

SYNC = "/api/v1/attendance/records/offline-sync/"
#: The clock of these tests stands at 09:00; the device's is 20 minutes fast.
FAST = timedelta(minutes=20)


@pytest.fixture
def college() -> College:
    return make_college(open=True)


def entry(college: College, index: int, **changes: Any) -> dict[str, Any]:
    return {
        "client_id": str(uuid7()),
        "session": str(college.session.pk),
        "student": college.number(index),
        "status": "present",
        "source": "manual",
        "captured_at": (clock.now() + FAST).isoformat(),
        **changes,
    }


def upload(*entries: Any, **changes: Any) -> dict[str, Any]:
    return {
        "batch_id": str(uuid7()),
        "device_id": "tablet-7",
        "client_now": (clock.now() + FAST).isoformat(),
        "entries": list(entries),
        **changes,
    }


def outcomes(answer: Any) -> list[tuple[str, str | None]]:
    assert answer.status_code == 200, answer.content
    return [(row["outcome"], row.get("code")) for row in answer.json()["results"]]


def test_each_entry_is_answered_with_what_stands_now(college: College, elsewhere: College) -> None:
    RecordFactory(
        session=college.session,
        student=college.students[1],
        status="late",
        marked_at=clock.now() + timedelta(seconds=1),
    )
    body = upload(
        entry(college, 0),
        entry(college, 1),
        entry(college, 2, session=str(elsewhere.session.pk)),
        entry(college, 2, student=elsewhere.number(0)),
        entry(college, 2, source="qr", status=None),
    )

    answer = client_of(college.teacher).post(SYNC, body)

    made = {record.student_id: str(record.pk) for record in AttendanceRecord.objects.all()}
    ids = [row["client_id"] for row in body["entries"]]
    first, second, third = (made[student.pk] for student in college.students)
    assert answer.json() == {
        "results": [
            {"client_id": ids[0], "outcome": "created", "record": first, "status": "present"},
            {
                "client_id": ids[1],
                "outcome": "conflict",
                "conflict": str(SyncConflict.objects.get().pk),
                "record": second,
                "status": "late",
            },
            {
                "client_id": ids[2],
                "outcome": "rejected",
                "code": "not_found",
                "detail": "There is no such class.",
                "record": None,
                "status": None,
            },
            {
                "client_id": ids[3],
                "outcome": "rejected",
                "code": "student_not_on_roster",
                "detail": "The student is not on the roster of this class.",
                "record": None,
                "status": None,
            },
            {"client_id": ids[4], "outcome": "created", "record": third, "status": "present"},
        ]
    }
    assert AttendanceRecord.objects.get(student=college.students[0]).marked_at == clock.now()


def test_the_answer_is_the_same_under_one_idempotency_key(college: College) -> None:
    api, body = client_of(college.teacher), upload(entry(college, 0))

    first = api.post(SYNC, body, HTTP_IDEMPOTENCY_KEY="k")
    again = api.post(SYNC, body, HTTP_IDEMPOTENCY_KEY="k")

    assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true")
    # Without the key the entry is known by its id.
    assert outcomes(api.post(SYNC, body)) == [("duplicate", None)]
    other = api.post(SYNC, upload(entry(college, 1)), HTTP_IDEMPOTENCY_KEY="k")
    assert refusal(other) == (422, "idempotency_key_reused", "Idempotency-Key")


def test_a_thousand_entries_are_taken_in_one_upload(college: College) -> None:
    entries = [entry(college, index % 3, source="qr", status=None) for index in range(1000)]

    answer = client_of(college.teacher).post(SYNC, upload(*entries))

    assert outcomes(answer) == [("created", None)] * 3 + [("duplicate", None)] * 997
    assert SyncEntry.objects.count() == 1000
    assert refusal(client_of(college.teacher).post(SYNC, upload(*entries, entries[0]))) == (
        400,
        "max_length",
        "entries",
    )


@pytest.mark.parametrize("who", ["student", "integrator"])
def test_who_marks_nobody_uploads_nothing(college: College, who: str) -> None:
    answer = client_of(college.user(who)).post(SYNC, upload(entry(college, 0)))

    assert refusal(answer) == (403, "permission_denied", None)
    assert not SyncBatch.objects.exists()


@pytest.mark.parametrize(
    ("who", "expected"),
    [("teacher", ("created", None)), ("head", ("created", None)), ("admin", ("created", None)),
     ("other_teacher", ("rejected", "permission_denied"))],
)  # fmt: skip
def test_who_runs_the_class_uploads_marks_of_it(college: College, who: str, expected: Any) -> None:
    answer = client_of(college.user(who)).post(SYNC, upload(entry(college, 0)))

    assert outcomes(answer) == [expected]
    assert AttendanceRecord.objects.exists() is (expected[0] == "created")


def test_an_operator_says_which_school(college: College, operator: User) -> None:
    api, body = client_of(operator), upload(entry(college, 0))

    assert refusal(api.post(SYNC, body)) == (400, "school_required", "school")
    assert outcomes(api.post(f"{SYNC}?school={college.school.code}", body)) == [("created", None)]


def test_a_locked_class_refuses_the_office_too(college: College) -> None:
    Session.objects.filter(pk=college.session.pk).update(status=SessionStatus.LOCKED)

    answer = client_of(college.admin).post(SYNC, upload(entry(college, 0)))

    assert outcomes(answer) == [("rejected", "session_locked")]
    assert SyncEntry.objects.get().code == "session_locked"


@pytest.mark.parametrize(
    ("changes", "code", "attr"),
    [
        ({"batch_id": None}, "null", "batch_id"),
        ({"batch_id": 7}, "invalid", "batch_id"),
        ({"device_id": ""}, "blank", "device_id"),
        ({"device_id": "x" * 201}, "max_length", "device_id"),
        ({"client_now": "2026-11-03T09:00:00"}, "invalid", "client_now"),
        ({"client_now": "0001-01-01T00:00:00Z"}, "invalid", "client_now"),
        ({"client_now": 7}, "invalid", "client_now"),
        ({"entries": None}, "null", "entries"),
        ({"entries": {}}, "not_a_list", "entries"),
        ({"entries": []}, "empty", "entries"),
        ({"entries": [7]}, "invalid", "entries.0"),
    ],
)
def test_an_upload_that_is_none_is_refused_as_a_whole(
    college: College, changes: Any, code: str, attr: str
) -> None:
    answer = client_of(college.teacher).post(SYNC, upload(entry(college, 0), **changes))

    assert refusal(answer) == (400, code, attr)
    assert not SyncEntry.objects.exists()


@pytest.mark.parametrize(
    ("changes", "code", "attr"),
    [
        ({"client_id": "7"}, "invalid", "client_id"),
        ({"client_id": None}, "null", "client_id"),
        ({"session": 7}, "invalid", "session"),
        ({"student": " "}, "blank", "student"),
        ({"student": "x" * 31}, "max_length", "student"),
        ({"student": 7}, "invalid", "student"),
        ({"status": "asleep"}, "invalid_choice", "status"),
        ({"status": ["present"]}, "invalid", "status"),
        ({"source": "qr", "status": "excused"}, "invalid_choice", "status"),
        ({"source": "system"}, "invalid_choice", "source"),
        ({"source": None}, "null", "source"),
        ({"captured_at": "yesterday"}, "invalid", "captured_at"),
        ({"captured_at": "2026-11-03T09:00:00"}, "invalid", "captured_at"),
        ({"captured_at": "9999-12-31T23:59:59Z"}, "invalid", "captured_at"),
        ({"captured_at": True}, "invalid", "captured_at"),
    ],
)
def test_an_entry_that_is_none_is_named_by_place_and_field(
    college: College, changes: Any, code: str, attr: str
) -> None:
    answer = client_of(college.teacher).post(SYNC, upload(entry(college, 0), entry(college, 1, **changes)))

    assert refusal(answer) == (400, code, f"entries.1.{attr}")
    assert not SyncEntry.objects.exists()


@pytest.mark.parametrize("field", ["client_id", "session", "student", "status", "source", "captured_at"])
def test_an_entry_without_a_field_is_refused(college: College, field: str) -> None:
    broken = entry(college, 0)
    del broken[field]

    answer = client_of(college.teacher).post(SYNC, upload(broken))

    assert refusal(answer) == (400, "required", f"entries.0.{field}")


def test_a_capture_of_a_machine_needs_no_status(college: College) -> None:
    machine = entry(college, 0, source="qr")
    del machine["status"]

    assert outcomes(client_of(college.teacher).post(SYNC, upload(machine))) == [("created", None)]
