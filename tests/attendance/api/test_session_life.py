"""What becomes of a class, asked for through the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, AttendanceStatistics, Session
from attendance.services import sessions
from core import clock
from tests.colleges import College, client_of, refusal

pytestmark = pytest.mark.django_db


def move(college: College, verb: str, body: dict[str, Any] | None = None, *, who: str = "teacher") -> Any:
    path = f"/api/v1/attendance/sessions/{college.session.pk}/{verb}/"
    return client_of(college.user(who)).post(path, body or {})


def set_status(college: College, status: SessionStatus) -> None:
    Session.objects.filter(pk=college.session.pk).update(
        status=status, opened_at=college.session.starts_at, qr_started_at=college.session.starts_at
    )


def test_class_is_held_from_opening_to_lock(college: College) -> None:
    opened = move(college, "open")
    assert (opened.status_code, opened.json()["status"]) == (200, "open")
    assert opened.json()["opened_by_human_at"] == "2026-11-03T09:00:00+05:30"

    closed = move(college, "close").json()
    assert closed["status"] == "closed"
    assert closed["counts"] == {"present": 0, "late": 0, "absent": 3, "excused": 0, "unmarked": 0}

    reopened = move(college, "reopen", {"reason": "Forgot the back row"}).json()
    assert (reopened["status"], reopened["status_reason"]) == ("open", "Forgot the back row")

    assert move(college, "close").json()["status"] == "closed"
    assert move(college, "lock", who="admin").json()["status"] == "locked"


@pytest.mark.parametrize("verb", ["open", "close"])
def test_opening_and_closing_twice_is_harmless(college: College, verb: str) -> None:
    move(college, "open")

    assert [move(college, verb).status_code for _ in range(2)] == [200, 200]


def test_class_cannot_be_opened_hours_ahead(college: College, now: datetime) -> None:
    with clock.frozen(now - timedelta(hours=2)):
        assert refusal(move(college, "open")) == (409, "too_early", None)


@pytest.mark.parametrize("verb", ["reopen", "cancel", "void"])
def test_move_that_needs_a_reason_says_so(college: College, verb: str) -> None:
    who = "head" if verb == "void" else "teacher"

    assert refusal(move(college, verb, who=who)) == (400, "reason_required", "reason")
    assert refusal(move(college, verb, {"reason": "x" * 501}, who=who)) == (400, "max_length", "reason")


@pytest.mark.parametrize(
    ("verb", "body", "state"),
    [
        ("open", {}, SessionStatus.CLOSED),
        ("close", {}, SessionStatus.SCHEDULED),
        ("reopen", {"reason": "x"}, SessionStatus.LOCKED),
        ("confirm", {"held": True}, SessionStatus.CLOSED),
        ("lock", {}, SessionStatus.OPEN),
        ("cancel", {"reason": "x"}, SessionStatus.CLOSED),
        ("void", {"reason": "x"}, SessionStatus.OPEN),
    ],
)
def test_move_that_does_not_exist_is_refused(
    college: College, verb: str, body: dict[str, Any], state: SessionStatus
) -> None:
    set_status(college, state)

    answer = move(college, verb, body, who="admin")

    assert refusal(answer) == (409, "invalid_transition", None)
    assert answer.json()["errors"][0]["meta"]["current"] == state


@pytest.mark.parametrize(("held", "status"), [(True, "closed"), (False, "cancelled")])
def test_unconfirmed_class_is_confirmed_either_way(college: College, held: bool, status: str) -> None:
    set_status(college, SessionStatus.UNCONFIRMED)

    assert move(college, "confirm", {"held": held}).json()["status"] == status


@pytest.mark.parametrize("held", [None, "perhaps", [], 7])
def test_confirming_needs_a_yes_or_no(college: College, held: Any) -> None:
    set_status(college, SessionStatus.UNCONFIRMED)

    assert move(college, "confirm", {"held": held}).status_code == 400
    college.session.refresh_from_db()
    assert college.session.status == SessionStatus.UNCONFIRMED


def test_void_class_counts_for_nobody_and_only_head_or_office_may_say_so(college: College) -> None:
    sessions.open_session(session=college.session, by=college.teacher, now=clock.now())
    sessions.close_session(session=college.session, by=college.teacher, now=clock.now())

    assert refusal(move(college, "void", {"reason": "Fire drill"})) == (403, "permission_denied", None)
    assert move(college, "void", {"reason": "Fire drill"}, who="head").json()["status"] == "void"
    assert AttendanceRecord.objects.count() == 3
    assert set(AttendanceStatistics.objects.values_list("held", flat=True)) == {0}


def test_only_the_office_locks(college: College) -> None:
    set_status(college, SessionStatus.CLOSED)

    assert refusal(move(college, "lock")) == (403, "permission_denied", None)
    assert refusal(move(college, "lock", who="head")) == (403, "permission_denied", None)
