"""Conflicts of marks made without network, through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, Session, SyncConflict
from attendance.services.marking import Mark, bulk_mark
from core import clock
from core.ids import uuid7
from tests.attendance.uploads import conflict_of
from tests.colleges import College, client_of, make_college, refusal

pytestmark = pytest.mark.django_db

CONFLICTS = "/api/v1/attendance/sync-conflicts/"


@pytest.fixture
def college() -> College:
    return make_college(open=True)


@pytest.fixture
def conflict(college: College) -> SyncConflict:
    """Late stands, by the office at 09:09; absent was made at 09:03 by the teacher."""
    return conflict_of(college.session, college.students[0], now=clock.now(), office=college.admin)


def resolve(college: College, conflict: SyncConflict, who: str = "teacher", **body: Any) -> Any:
    return client_of(college.user(who)).post(f"{CONFLICTS}{conflict.pk}/resolve/", body)


def test_a_conflict_shows_both_marks_and_what_stands(college: College, conflict: SyncConflict) -> None:
    answer = client_of(college.teacher).get(f"{CONFLICTS}{conflict.pk}/").json()

    existing = {
        "status": "late",
        "source": "manual",
        "at": "2026-11-03T09:09:00+05:30",
        "by": college.admin.full_name,
        "device": "phone-1",
    }
    version = answer.pop("version")
    (section,) = answer.pop("sections")
    assert section["id"] == str(college.section.pk)
    assert answer == {
        "id": str(conflict.pk),
        "session": str(college.session.pk),
        "held_on": "2026-11-03",
        "starts_at": "2026-11-03T09:00:00+05:30",
        "student": college.number(0),
        "name": college.students[0].user.full_name,
        "existing": existing,
        "incoming": {
            "status": "absent",
            "source": "manual",
            "at": "2026-11-03T09:03:00+05:30",
            "by": college.teacher.full_name,
            "device": "tablet-7",
        },
        "stands": existing,
        "changed": False,
        "raised_at": "2026-11-03T09:20:00+05:30",
        "resolved_at": None,
        "resolved_by": None,
        "kept": "",
    }
    assert client_of(college.teacher).get(CONFLICTS).json()["results"][0]["version"] == version


@pytest.mark.parametrize(("who", "seen"), [("teacher", 1), ("head", 1), ("admin", 1), ("other_teacher", 0)])
def test_conflicts_are_listed_for_those_who_run_the_class(
    college: College, elsewhere: College, conflict: SyncConflict, who: str, seen: int
) -> None:
    Session.objects.filter(pk=elsewhere.session.pk).update(status=SessionStatus.OPEN)
    conflict_of(elsewhere.session, elsewhere.students[0], now=clock.now(), office=elsewhere.admin)

    rows = client_of(college.user(who)).get(CONFLICTS).json()["results"]

    assert [row["id"] for row in rows] == [str(conflict.pk)] * seen


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"resolved": "false"}, 1),
        ({"resolved": "true"}, 1),
        ({"student": "first"}, 1),
        ({"search": "second"}, 1),
        ({"session": "own"}, 2),
        ({"session": str(uuid7())}, 0),
    ],
)
def test_conflicts_are_filtered(college: College, conflict: SyncConflict, query: Any, found: int) -> None:
    other = conflict_of(college.session, college.students[1], now=clock.now(), office=college.admin)
    assert resolve(college, other, keep="existing").status_code == 200
    names = {"first": college.number(0), "second": college.number(1), "own": str(college.session.pk)}
    asked = {name: names.get(value, value) for name, value in query.items()}

    assert client_of(college.admin).get(CONFLICTS, asked).json()["count"] == found


def test_who_marks_nobody_sees_no_conflicts(college: College, conflict: SyncConflict) -> None:
    for who in ("student", "integrator"):
        assert refusal(client_of(college.user(who)).get(CONFLICTS)) == (403, "permission_denied", None)
        assert refusal(resolve(college, conflict, who, keep="existing")) == (403, "permission_denied", None)


def test_taking_the_incoming_mark_changes_the_record(college: College, conflict: SyncConflict) -> None:
    answer = resolve(college, conflict, keep="incoming")

    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["kept"], body["resolved_by"]) == ("incoming", college.teacher.full_name)
    assert (body["stands"]["status"], body["existing"]["status"], body["changed"]) == ("absent", "late", True)
    assert AttendanceRecord.objects.get().status == "absent"
    assert resolve(college, conflict, keep="incoming").status_code == 200
    assert refusal(resolve(college, conflict, keep="existing")) == (409, "invalid_transition", None)


def test_a_mark_that_changed_since_asks_for_the_version(college: College, conflict: SyncConflict) -> None:
    bulk_mark(
        session=college.session,
        marks=[Mark(college.number(0), "present")],
        by=college.admin,
        now=clock.now() + timedelta(minutes=30),
    )

    answer = resolve(college, conflict, keep="incoming")

    assert refusal(answer) == (409, "stale", None)
    meta = answer.json()["errors"][0]["meta"]
    assert meta["status"] == "present"
    assert resolve(college, conflict, keep="incoming", version=meta["version"]).json()["kept"] == "incoming"


def test_a_locked_class_is_decided_by_the_office_with_a_reason(
    college: College, conflict: SyncConflict
) -> None:
    Session.objects.filter(pk=college.session.pk).update(status=SessionStatus.LOCKED)

    assert refusal(resolve(college, conflict, keep="incoming")) == (409, "session_locked", None)
    assert refusal(resolve(college, conflict, "admin", keep="incoming")) == (400, "reason_required", "reason")
    done = resolve(college, conflict, "admin", keep="incoming", reason="Asked both")
    assert done.json()["kept"] == "incoming"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "required", "keep")),
        ({"keep": "both"}, (400, "invalid_choice", "keep")),
        ({"keep": "existing", "version": "x" * 65}, (400, "max_length", "version")),
        ({"keep": "existing", "reason": "x" * 501}, (400, "max_length", "reason")),
        ({"keep": "existing", "version": "other"}, (409, "stale", None)),
    ],
)
def test_a_decision_that_is_none_is_refused(
    college: College, conflict: SyncConflict, body: Any, expected: Any
) -> None:
    assert refusal(resolve(college, conflict, **body)) == expected
    assert SyncConflict.objects.open().exists()


def test_another_schools_conflict_does_not_exist(college: College, elsewhere: College) -> None:
    Session.objects.filter(pk=elsewhere.session.pk).update(status=SessionStatus.OPEN)
    foreign = conflict_of(elsewhere.session, elsewhere.students[0], now=clock.now(), office=elsewhere.admin)

    assert refusal(resolve(college, foreign, "admin", keep="existing")) == (404, "not_found", None)
