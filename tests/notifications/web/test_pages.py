"""The pages of notices: the bell, the list, and how one is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications.models import Notification, Preference
from tests.colleges import College, signed_in
from tests.conftest import NOW
from tests.notifications.told import AT_ONCE, DAILY, tell

pytestmark = pytest.mark.django_db

NOTICES, PREFERENCES = reverse("notifications:notices"), reverse("notifications:preferences")


def test_the_bell_counts_what_is_unread_on_every_page_and_costs_no_query(college: College) -> None:
    user = college.students[0].user
    client = signed_in(user)
    history = reverse("attendance:history")
    client.get(history)
    costs, counts = [], []
    for number in range(3):
        with CaptureQueriesContext(connection) as queries:
            page = client.get(history)
        costs.append(len(queries))
        counts.append(str(page.context["unread_notices"]))
        tell(user, key=f"k{number}")
    assert counts == ["0", "1", "2"]
    assert len(set(costs)) == 1
    assert "3 unread" in client.get("/").content.decode()


def test_home_shows_a_student_the_newest_that_are_unread(college: College) -> None:
    user = college.students[0].user
    client = signed_in(user)
    assert client.get("/").context["notices"] == []
    for number in range(4):
        tell(
            user,
            key=f"k{number}",
            kind=DAILY if number == 3 else AT_ONCE,
            now=NOW + timedelta(seconds=number),
        )
    shown = client.get("/").context["notices"]
    assert [notice.kind for notice in shown] == [DAILY, AT_ONCE, AT_ONCE]


def test_notices_come_day_by_day_with_what_is_new_marked(college: College) -> None:
    user = college.students[0].user
    tell(user, kind=DAILY, now=NOW - timedelta(days=1))
    Notification.objects.update(read_at=NOW)
    tell(user, key="k2")
    page = signed_in(user).get(NOTICES)
    days = page.context["days"]
    assert [(day["day"].isoformat(), [notice.title for notice in day["notices"]]) for day in days] == [
        ("2026-11-03", ["Your leave is approved"]),
        ("2026-11-02", ["Absent: Data Structures"]),
    ]
    assert page.content.decode().count("ch-unread") == 1
    unread = signed_in(user).get(NOTICES, {"unread": "1"}).context["days"]
    assert len(unread) == 1


def test_to_follow_one_is_to_have_read_it(college: College) -> None:
    user = college.students[0].user
    tell(user)
    notice = Notification.objects.get()
    answer = signed_in(user).get(reverse("notifications:open", args=[notice.pk]))
    assert (answer.status_code, answer["Location"]) == (302, "/leave/")
    notice.refresh_from_db()
    assert (notice.read_at, notice.mail_due_at) == (NOW, None)
    stranger = signed_in(college.students[1].user)
    assert stranger.get(reverse("notifications:open", args=[notice.pk])).status_code == 404


def test_all_are_read_at_once(college: College) -> None:
    user, other = college.students[0].user, college.students[1].user
    tell(user, other)
    tell(user, key="k2")
    assert signed_in(user).post(reverse("notifications:read_all")).status_code == 302
    assert set(Notification.objects.filter(read_at=None).values_list("user", flat=True)) == {other.pk}


def test_one_of_a_kind_that_is_gone_still_says_that_there_was_something(college: College) -> None:
    user = college.students[0].user
    tell(user)
    Notification.objects.update(kind="of-old")
    page = signed_in(user).get(NOTICES)
    assert page.context["days"][0]["notices"][0].title == "A notice from an earlier version of CampusHub"
    notice = Notification.objects.get()
    answer = signed_in(user).get(reverse("notifications:open", args=[notice.pk]))
    assert answer["Location"] == NOTICES


def test_how_one_is_told_is_a_table_that_keeps_what_one_chose(college: College) -> None:
    user = college.students[0].user
    client = signed_in(user)
    page = client.get(PREFERENCES)
    assert [row["kind"].code for row in page.context["rows"]][:2] == ["class_change", DAILY]
    answer = client.post(PREFERENCES, {f"{DAILY}.email": "off", f"{AT_ONCE}.in_app": "now"})
    assert answer["Location"] == PREFERENCES
    assert list(Preference.objects.values_list("kind", "channel", "mode")) == [(DAILY, "email", "off")]
    refused = client.post(PREFERENCES, {f"{DAILY}.email": "hourly"})
    assert refused.status_code == 400
    assert "hourly" in str(refused.context["refusal"])


@pytest.mark.parametrize("address", [NOTICES, PREFERENCES])
def test_pages_cost_the_same_for_one_as_for_three(college: College, address: str) -> None:
    user = college.students[0].user
    client = signed_in(user)
    costs = []
    for keys in (["a"], ["b", "c"]):
        for key in keys:
            tell(user, key=key)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        costs.append(len(queries))
    assert costs[0] == costs[1]
    assert costs[0] <= 12
