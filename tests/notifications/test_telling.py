"""Telling people: once, as they want it, in the transaction of what they are told of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import School
from notifications import kinds
from notifications.enums import Mode
from notifications.models import Notification, Preference, Round
from notifications.services.telling import Event, Notice, next_digest, notify, once, retract
from tests.conftest import NOW
from tests.factories import SchoolFactory
from tests.notifications.told import AT_ONCE, DAILY, DATA, person, tell, told
from tests.races import together

pytestmark = pytest.mark.django_db

#: 18:00 in Asia/Kolkata on the day of NOW.
EVENING = datetime.fromisoformat("2026-11-03T18:00:00+05:30")


def prefer(user: Any, kind: str, **modes: str) -> None:
    for channel, mode in modes.items():
        Preference.objects.create(user=user, kind=kind, channel=channel, mode=mode)


def test_the_same_thing_is_told_to_a_person_once(school: School) -> None:
    one, two = person(school), person(school)
    assert tell(one) == 1
    assert tell(one, two) == 1
    assert tell(one, one, key="k2") == 1
    assert (told(one), told(two)) == ([(AT_ONCE, "k1"), (AT_ONCE, "k2")], [(AT_ONCE, "k1")])


def test_it_takes_one_statement_for_one_person_and_for_twenty_webhooks_included(school: School) -> None:
    counts = []
    for number, size in enumerate([1, 20]):
        people = [person(school) for _index in range(size)]
        event = Event(str(number), {"n": number})
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            notify(
                kind=AT_ONCE,
                key=str(number),
                notices=[Notice(user.pk, DATA[AT_ONCE]) for user in people],
                school=school,
                now=NOW,
                event=event,
            )
        counts.append(sum("SAVEPOINT" not in query["sql"] for query in queries))
    assert counts == [1, 1]


def test_mail_is_due_at_once_or_in_the_evening_as_the_kind_has_it(school: School) -> None:
    user = person(school)
    tell(user, kind=AT_ONCE)
    tell(user, kind=DAILY, key="k2")
    rows = Notification.objects.order_by("key").values_list("mail_due_at", "digest", "in_app")
    assert list(rows) == [(NOW, False, True), (EVENING, True, True)]


@pytest.mark.parametrize(
    ("email", "in_app", "expected"),
    [
        ("digest", None, [(EVENING, True, True)]),
        ("off", None, [(None, False, True)]),
        (None, "off", [(NOW, False, False)]),
        ("off", "off", []),
    ],
)
def test_what_a_person_chose_holds(
    school: School, email: str | None, in_app: str | None, expected: list[Any]
) -> None:
    user = person(school)
    prefer(user, AT_ONCE, **{k: v for k, v in (("email", email), ("in_app", in_app)) if v})
    tell(user)
    rows = Notification.objects.values_list("mail_due_at", "digest", "in_app")
    assert list(rows) == expected


def test_who_has_no_address_gets_no_mail_and_who_has_left_hears_nothing(school: School) -> None:
    tell(person(school, email=""), person(school, is_active=False))
    assert list(Notification.objects.values_list("mail_due_at", "in_app")) == [(None, True)]


@pytest.mark.parametrize(
    ("now", "digest"),
    [
        ("2026-11-03T12:29:59+00:00", "2026-11-03T18:00:00+05:30"),
        ("2026-11-03T12:30:00+00:00", "2026-11-04T18:00:00+05:30"),
    ],
)
def test_the_evening_is_the_schools(school: School, now: str, digest: str) -> None:
    assert next_digest(school, datetime.fromisoformat(now)) == datetime.fromisoformat(digest)


def test_nobody_is_told_of_what_was_rolled_back(school: School) -> None:
    user = person(school)
    with transaction.atomic():
        tell(user)
        transaction.set_rollback(True)
    assert told(user) == []


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nobody_is_told(school: School) -> None:
    with pytest.raises(RuntimeError, match="in the transaction"):
        notify(kind=AT_ONCE, key="k", notices=[], school=school, now=NOW)


def test_a_kind_that_nobody_registered_is_a_mistake(school: School) -> None:
    with pytest.raises(KeyError), transaction.atomic():
        notify(kind="gossip", key="k", notices=[], school=school, now=NOW)
    kind = kinds.get(AT_ONCE)
    with pytest.raises(ValueError, match="registered already"):
        kinds.register(kinds.Kind(AT_ONCE, "x", "x", kind.roles, kind.render))


def test_what_nobody_has_seen_is_taken_back_and_what_was_seen_stays_told(school: School) -> None:
    unseen, seen = person(school), person(school)
    tell(unseen, seen, kind=DAILY)
    Notification.objects.filter(user=seen).update(read_at=NOW)
    assert retract(keys=["k1"], school_id=school.pk) == 1
    assert (told(unseen), told(seen)) == ([], [(DAILY, "k1")])
    # The next time it is new to the one and known to the other.
    assert tell(unseen, seen, kind=DAILY) == 1


def test_a_round_is_made_once_and_for_each_school(school: School) -> None:
    assert once(school=school, key="week 1", now=NOW)
    assert not once(school=school, key="week 1", now=NOW)
    assert once(school=SchoolFactory(), key="week 1", now=NOW)
    assert Round.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_four_who_tell_the_same_people_the_same_one_is_heard(school: School) -> None:
    people = [person(school) for _index in range(6)]
    # Each in another order: without an order of their own they would wait in a circle.
    counts = together(4, lambda index: tell(*people[index:], *people[:index]))
    assert sorted(counts) == [0, 0, 0, 6]
    assert [told(user) for user in people] == [[(AT_ONCE, "k1")]] * 6


@pytest.mark.parametrize(
    ("channel", "mode"), [("in_app", "digest"), ("email", "hourly"), ("pigeon", Mode.NOW.value)]
)
def test_the_database_refuses_what_cannot_be_chosen(school: School, channel: str, mode: str) -> None:
    with pytest.raises(IntegrityError, match="preference_mode_of_channel"):
        Preference.objects.create(user=person(school), kind=AT_ONCE, channel=channel, mode=mode)


def test_the_database_refuses_the_same_notice_twice(school: School) -> None:
    user = person(school)
    tell(user)
    with pytest.raises(IntegrityError, match="notice_once"):
        Notification.objects.create(
            school=school, user=user, kind=AT_ONCE, key="k1", created_at=NOW + timedelta(days=1)
        )
