"""The API of notices: one's own, in the language of the request, and how one is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.models import Notification, Preference
from tests.colleges import College, client_of, refusal
from tests.conftest import NOW
from tests.notifications.told import AT_ONCE, tell

pytestmark = pytest.mark.django_db

BASE = "/api/v1/notifications/"


def test_a_person_sees_their_own_newest_first_and_nobody_elses(college: College) -> None:
    mine, other = college.students[0].user, college.students[1].user
    tell(mine, other)
    tell(mine, key="k2", kind="absence", now=NOW + timedelta(minutes=1))
    rows = client_of(mine).get(BASE).json()["results"]
    assert [row["kind"] for row in rows] == ["absence", AT_ONCE]
    assert rows[1] == {
        "id": str(Notification.objects.get(user=mine, key="k1").pk),
        "kind": AT_ONCE,
        "title": "Your leave is approved",
        "body": "Wed 4 Nov to Thu 5 Nov",
        "path": "/leave/",
        "data": {"status": "approved", "from": "2026-11-04", "to": "2026-11-05"},
        "created_at": "2026-11-03T09:00:00+05:30",
        "read_at": None,
    }
    assert client_of(college.admin).get(BASE).json() == {"next": None, "previous": None, "results": []}


def test_the_list_is_filtered_and_leafed_through(college: College) -> None:
    mine = college.students[0].user
    for number in range(3):
        tell(mine, key=f"k{number}", now=NOW + timedelta(minutes=number))
    Notification.objects.filter(key="k0").update(read_at=NOW)
    client = client_of(mine)
    assert len(client.get(BASE, {"unread": "true"}).json()["results"]) == 2
    assert len(client.get(BASE, {"kind": "absence"}).json()["results"]) == 0
    first = client.get(BASE, {"page_size": 2}).json()
    second = client.get(first["next"]).json()
    assert [len(page["results"]) for page in (first, second)] == [2, 1]
    assert refusal(client.get(BASE, {"nonsense": "1"})) == (400, "unknown_filter", "nonsense")


def test_what_is_read_is_counted_no_more(college: College) -> None:
    mine = college.students[0].user
    for key in ("k1", "k2", "k3"):
        tell(mine, key=key)
    client = client_of(mine)
    assert client.get(f"{BASE}unread-count/").json() == {"unread": 3, "more": False}
    first = Notification.objects.get(key="k1")
    assert [client.post(f"{BASE}{first.pk}/read/").json() for _time in range(2)] == [{"read": 1}, {"read": 0}]
    assert client.post(f"{BASE}read-all/").json() == {"read": 2}
    assert client.get(f"{BASE}unread-count/").json() == {"unread": 0, "more": False}
    assert refusal(client_of(college.admin).post(f"{BASE}{first.pk}/read/")) == (404, "not_found", None)
    assert refusal(client.post(f"{BASE}nonsense/read/")) == (404, "not_found", None)


def test_counting_ends_where_nobody_looks_any_more(college: College) -> None:
    mine = college.students[0].user
    Notification.objects.bulk_create(
        Notification(school=college.school, user=mine, kind=AT_ONCE, key=str(n), created_at=NOW)
        for n in range(105)
    )
    assert client_of(mine).get(f"{BASE}unread-count/").json() == {"unread": 99, "more": True}


def test_the_list_costs_the_same_for_one_as_for_three(college: College) -> None:
    mine = college.students[0].user
    costs = []
    for keys in (["a"], ["b", "c"]):
        for key in keys:
            tell(mine, key=key)
        with CaptureQueriesContext(connection) as queries:
            client_of(mine).get(BASE)
        costs.append(len(queries))
    assert costs[0] == costs[1]
    assert costs[0] <= 12


class TestPreferences:
    URL = f"{BASE}preferences/"

    def chosen(self, client: Any) -> dict[tuple[str, str], str]:
        rows = client.get(self.URL).json()["preferences"]
        return {(row["kind"], row["channel"]): row["mode"] for row in rows}

    def test_are_those_of_ones_role_with_sensible_defaults(self, college: College) -> None:
        student = self.chosen(client_of(college.students[0].user))
        assert student == {
            (kind, channel): mode
            for kind, email in (
                ("class_change", "now"),
                ("absence", "digest"),
                ("shortage", "now"),
                ("leave_decision", "now"),
                ("correction_decision", "now"),
                ("condonation_decision", "now"),
            )
            for channel, mode in (("in_app", "now"), ("email", email))
        }
        teacher = self.chosen(client_of(college.teacher))
        assert ("leave_waiting", "email") in teacher
        assert ("absence", "email") not in teacher
        assert self.chosen(client_of(college.integrator)) == {}

    def test_change_as_one_chooses_and_the_rest_stays(self, college: College) -> None:
        client = client_of(college.students[0].user)
        before = self.chosen(client)
        choice = {"kind": "absence", "channel": "email", "mode": "off"}
        for _time in range(2):
            assert client.put(self.URL, {"preferences": [choice]}).status_code == 200
        assert self.chosen(client) == before | {("absence", "email"): "off"}
        assert Preference.objects.count() == 1

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            ({"kind": "leave_waiting", "channel": "email", "mode": "off"}, (400, "unknown_kind", None)),
            ({"kind": "gossip", "channel": "email", "mode": "off"}, (400, "unknown_kind", None)),
            ({"kind": "absence", "channel": "in_app", "mode": "digest"}, (400, "unknown_mode", None)),
        ],
    )
    def test_that_make_no_sense_are_refused(self, college: College, choice: Any, expected: Any) -> None:
        client = client_of(college.students[0].user)
        assert refusal(client.put(self.URL, {"preferences": [choice]})) == expected
        assert not Preference.objects.exists()
