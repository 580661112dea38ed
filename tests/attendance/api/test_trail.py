"""The audit trail through the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from attendance.services import sessions
from audit.services.entries import operation
from core import clock
from tests.colleges import College, client_of, refusal

pytestmark = pytest.mark.django_db

TRAIL = "/api/v1/attendance/audit-log/"


def tell(college: College, count: int, *, by: User | None = None, at: datetime | None = None) -> None:
    with transaction.atomic(), operation(by=by, at=at or clock.now()) as op:
        for index in range(count):
            op.record("thing.change", college.session, school_id=college.school.pk, after={"n": index})


def rows(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_entry_says_who_did_what_to_which_thing(college: College, now: datetime) -> None:
    sessions.open_session(session=college.session, by=college.teacher, now=now)

    (entry,) = rows(client_of(college.admin).get(TRAIL))

    assert entry["actor"] == {"username": college.teacher.username, "name": college.teacher.full_name}
    assert (entry["actor_kind"], entry["action"], entry["object_type"]) == ("user", "session.open", "session")
    assert entry["object_id"] == str(college.session.pk)
    assert (entry["before"], entry["after"]) == ({"status": "scheduled"}, {"status": "open"})
    assert entry["at"] == "2026-11-03T03:30:00Z"


def test_what_the_system_did_has_no_actor(college: College) -> None:
    tell(college, 1)

    (entry,) = rows(client_of(college.admin).get(TRAIL))
    assert (entry["actor"], entry["actor_kind"]) == (None, "system")


@pytest.mark.parametrize("who", ["student", "teacher", "head", "integrator"])
def test_only_the_office_reads_the_trail(college: College, who: str) -> None:
    assert refusal(client_of(college.user(who)).get(TRAIL)) == (403, "permission_denied", None)


def test_trail_of_another_school_is_not_found_and_never_listed(
    college: College, elsewhere: College, operator: User
) -> None:
    tell(elsewhere, 1)
    api = client_of(college.admin)

    assert rows(api.get(TRAIL)) == []
    assert refusal(api.get(TRAIL, {"school": elsewhere.school.code}))[0] == 404
    assert refusal(client_of(operator).get(TRAIL)) == (400, "school_required", "school")
    assert len(rows(client_of(operator).get(TRAIL, {"school": elsewhere.school.code}))) == 1


def test_entries_are_filtered_by_object_action_actor_and_time(college: College, now: datetime) -> None:
    tell(college, 1, by=college.admin, at=now - timedelta(days=1))
    sessions.open_session(session=college.session, by=college.teacher, now=now)
    api = client_of(college.admin)

    for query, actions in (
        ({"action": "session.open"}, ["session.open"]),
        ({"actor": college.admin.username.upper()}, ["thing.change"]),
        ({"actor": "nobody"}, []),
        ({"object_type": "session", "object_id": str(college.session.pk)}, ["session.open", "thing.change"]),
        ({"object_type": "room"}, []),
        ({"from": now.isoformat()}, ["session.open"]),
        ({"to": now.isoformat()}, ["thing.change"]),
        ({"to": "2026-11-03T02:30:00+22:59"}, ["thing.change"]),
    ):
        assert [entry["action"] for entry in rows(api.get(TRAIL, query))] == actions, query
    one = rows(api.get(TRAIL))[0]["operation_id"]
    assert len(rows(api.get(TRAIL, {"operation": one}))) == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"from": "yesterday"}, ("invalid", "from")),
        ({"from": "0001-01-01T00:00:00+18:00"}, ("out_of_range", "from")),
        ({"to": "9999-12-31T23:59:59Z"}, ("out_of_range", "to")),
        ({"operation": "7"}, ("invalid", "operation")),
        ({"user": "x"}, ("unknown_filter", "user")),
    ],
)
def test_filter_that_is_not_understood_is_refused(
    college: College, query: dict[str, str], expected: tuple[str, str]
) -> None:
    assert refusal(client_of(college.admin).get(TRAIL, query)) == (400, *expected)


def test_cursor_walks_through_one_operation_with_more_entries_than_a_page(college: College) -> None:
    tell(college, 25)
    api = client_of(college.admin)

    seen, link = [], f"{TRAIL}?page_size=10"
    while link:
        answer = api.get(link).json()
        seen += [entry["id"] for entry in answer["results"]]
        link = answer["next"]

    assert len(seen) == len(set(seen)) == 25
    assert seen == sorted(seen, reverse=True)
