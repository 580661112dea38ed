"""Webhooks: signed, sent once, tried again with patience, given up visibly, resumed."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from accounts.enums import Role
from accounts.models import School
from audit.models import AuditEntry
from notifications import signatures
from notifications.enums import SendState
from notifications.errors import (
    AddressRefused,
    NotParked,
    TooManyWebhooks,
    UnknownKind,
    WebhookExists,
    WebhookOff,
)
from notifications.models import Notification, WebhookDelivery, WebhookEndpoint
from notifications.services import deliveries, leases, webhooks
from notifications.services.telling import Event, emit
from tests.conftest import NOW
from tests.factories import SchoolFactory, UserFactory
from tests.notifications.servers import Receiver
from tests.notifications.told import AT_ONCE, DAILY
from tests.races import together

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def endpoint(school: School, url: str = "https://93.184.216.34/hook", **values: Any) -> WebhookEndpoint:
    return webhooks.create(
        school=school, url=url, by=UserFactory(school=school, role=Role.ADMIN), now=NOW, **values
    ).endpoint


def happens(school: School, key: str = "1", kind: str = AT_ONCE, now: datetime = NOW) -> int:
    with transaction.atomic():
        return emit(kind=kind, event=Event(key, {"n": key}), school=school, now=now)


def deliver(now: datetime = NOW) -> deliveries.Delivered:
    return deliveries.deliver(now=lambda: now)


def states() -> list[str]:
    return list(WebhookDelivery.objects.order_by("created_at", "id").values_list("state", flat=True))


class TestWhatIsSent:
    def test_is_the_event_as_it_happened(self, school: School, receiver: Receiver) -> None:
        endpoint(school, receiver.url)
        happens(school)
        assert deliver() == deliveries.Delivered(sent=1)
        ((path, headers, body),) = receiver.got
        delivery = WebhookDelivery.objects.get()
        assert path == "/hook?x=1"
        assert json.loads(body) == {
            "id": str(delivery.event_id),
            "kind": AT_ONCE,
            "school": "sagar",
            "at": "2026-11-03T03:30:00Z",
            "data": {"n": "1"},
        }
        assert headers["X-CampusHub-Delivery"] == str(delivery.pk)
        assert headers["Content-Type"] == "application/json; charset=utf-8"
        assert (delivery.state, delivery.response_status, delivery.sent_at) == (SendState.SENT, 200, NOW)

    def test_is_checked_as_the_manual_says(self, school: School, receiver: Receiver) -> None:
        secret = endpoint(school, receiver.url).secret
        happens(school)
        deliver(datetime.fromtimestamp(time.time(), tz=NOW.tzinfo) if time.time() > NOW.timestamp() else NOW)
        ((_path, headers, body),) = receiver.got
        manual = (Path(django_settings.BASE_DIR) / "docs/webhooks.md").read_text()
        (code,) = re.findall(r"```python\n(.+?)```", manual, re.DOTALL)
        example = ModuleType("example")
        exec(code, vars(example))  # noqa: S102 - the manual's own example is what is tested
        example.time = _Clock(int(headers[signatures.TIMESTAMP]))  # type: ignore[attr-defined] # the module it imports
        assert example.is_ours(secret, headers, body)
        assert not example.is_ours("another", headers, body)
        assert not example.is_ours(secret, headers, body + b" ")
        example.time = _Clock(int(headers[signatures.TIMESTAMP]) + signatures.TOLERANCE + 1)  # type: ignore[attr-defined]
        assert not example.is_ours(secret, headers, body)

    def test_goes_to_those_who_want_its_kind_and_to_no_other_school(self, school: School) -> None:
        wanted = [endpoint(school), endpoint(school, "https://93.184.216.34/2", wanted=[AT_ONCE])]
        endpoint(school, "https://93.184.216.34/3", wanted=[DAILY])
        off = endpoint(school, "https://93.184.216.34/4")
        WebhookEndpoint.objects.filter(pk=off.pk).update(is_active=False)
        endpoint(SchoolFactory())
        assert happens(school) == 2
        assert set(WebhookDelivery.objects.values_list("endpoint", flat=True)) == {one.pk for one in wanted}

    def test_is_the_same_event_however_often_it_is_told(self, school: School) -> None:
        endpoint(school)
        assert [happens(school) for _time in range(2)] == [1, 0]
        assert happens(school, "2") == 1

    def test_is_signed_with_the_old_secret_as_well_for_a_day(
        self, school: School, receiver: Receiver
    ) -> None:
        hook = endpoint(school, receiver.url)
        old = hook.secret
        new = webhooks.rotate_secret(endpoint=hook, by=UserFactory(school=school), now=NOW).secret
        assert new != old
        answers = []
        for key, now in (("1", NOW), ("2", NOW + webhooks.OVERLAP)):
            happens(school, key, now=now)
            deliver(now)
            _path, headers, body = receiver.got[-1]
            answers.append(
                [
                    signatures.verify(
                        secret,
                        header=headers[signatures.SIGNATURE],
                        timestamp=headers[signatures.TIMESTAMP],
                        body=body,
                        now=int(now.timestamp()),
                    )
                    for secret in (old, new)
                ]
            )
        assert answers == [[True, True], [False, True]]

    @pytest.mark.parametrize(
        ("header", "timestamp", "now"),
        [
            ("", "100", 100),
            ("v0=x", "100", 100),
            ("v1=", "100", 100),
            ("v1=x", "-100", 100),
            ("v1=x", "1e2", 100),
            ("v1=x", "", 100),
        ],
    )
    def test_is_not_ours_when_it_says_nothing_sensible(self, header: str, timestamp: str, now: int) -> None:
        assert not signatures.verify("s", header=header, timestamp=timestamp, body=b"", now=now)


class TestPatience:
    @pytest.mark.parametrize("status", [500, 404, 301])
    def test_what_is_not_taken_is_tried_again_after_a_while(
        self, school: School, receiver: Receiver, status: int
    ) -> None:
        receiver.status, receiver.extra = status, {"Location": receiver.url}
        endpoint(school, receiver.url)
        happens(school)
        assert deliver() == deliveries.Delivered(failed=1)
        assert deliver(NOW + MINUTE - timedelta(seconds=1)) == deliveries.Delivered()
        delivery = WebhookDelivery.objects.get()
        assert (delivery.state, delivery.response_status) == (SendState.FAILED, status)
        assert delivery.last_error == f"answered {status}"
        receiver.status = 204
        assert deliver(NOW + MINUTE) == deliveries.Delivered(sent=1)
        assert len({body for _path, _headers, body in receiver.got}) == 1
        hook = WebhookEndpoint.objects.get()
        assert (hook.failures, hook.last_error) == (0, "")

    def test_an_endpoint_that_fails_rests_with_everything_that_is_meant_for_it(
        self, school: School, receiver: Receiver
    ) -> None:
        dead = endpoint(school, "http://127.0.0.1:1/", wanted=[AT_ONCE])
        alive = endpoint(school, receiver.url)
        for key in ("1", "2", "3"):
            happens(school, key)
        assert deliver() == deliveries.Delivered(sent=3, failed=1)
        tried = dict(
            WebhookDelivery.objects.filter(endpoint=dead, attempts__gt=0).values_list("state", "attempts")
        )
        assert tried == {SendState.FAILED: 1}
        assert WebhookDelivery.objects.filter(endpoint=alive, state=SendState.SENT).count() == 3

    def test_a_dead_one_is_given_up_after_ten_failures_and_the_office_sees_it(self, school: School) -> None:
        with_private = endpoint(school)
        WebhookEndpoint.objects.update(url="https://127.0.0.1:1/")
        office = with_private.created_by
        happens(school)
        happens(school, "2")
        now, pauses = NOW, []
        while WebhookEndpoint.objects.get().parked_at is None:
            run = deliver(now)
            assert (run.sent, run.failed) == (0, 1)
            after = WebhookEndpoint.objects.get().next_try_at
            pauses.append((after - now) // MINUTE)
            now = after
        assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]
        hook = WebhookEndpoint.objects.get()
        assert (hook.failures, hook.is_sending) == (deliveries.MOST_FAILURES, False)
        assert "private network" in hook.last_error
        assert deliver(now + timedelta(days=2)) == deliveries.Delivered()
        assert set(states()) == {SendState.FAILED}
        notice = Notification.objects.get(kind=deliveries.PARKED)
        assert notice.user == office
        assert AuditEntry.objects.filter(action="webhook.park").count() == 1

    def test_what_was_given_up_goes_on_when_it_is_resumed(self, school: School, receiver: Receiver) -> None:
        hook = endpoint(school, receiver.url)
        for key in ("1", "2"):
            happens(school, key)
        WebhookDelivery.objects.filter(body__contains='"n":"1"').update(state=SendState.PARKED, attempts=10)
        WebhookEndpoint.objects.update(parked_at=NOW, failures=10, next_try_at=NOW + timedelta(hours=6))
        assert deliver() == deliveries.Delivered()
        by = UserFactory(school=school)
        webhooks.resume(endpoint=hook, by=by, now=NOW)
        assert deliver() == deliveries.Delivered(sent=2)
        # Again: nothing to resume, nothing told.
        webhooks.resume(endpoint=hook, by=by, now=NOW)
        assert AuditEntry.objects.filter(action="webhook.resume").count() == 1

    def test_a_single_event_that_is_refused_is_given_up_alone_and_can_be_sent_again(
        self, school: School, receiver: Receiver
    ) -> None:
        endpoint(school, receiver.url)
        happens(school)
        WebhookDelivery.objects.update(attempts=leases.MOST_ATTEMPTS - 1)
        receiver.status = 400
        assert deliver() == deliveries.Delivered(failed=1)
        assert states() == [SendState.PARKED]
        receiver.status = 200
        happens(school, "2")
        assert deliver(NOW + MINUTE).sent == 1
        parked = WebhookDelivery.objects.get(state=SendState.PARKED)
        by = UserFactory(school=school)
        deliveries.resend(delivery=parked, by=by, now=NOW + MINUTE)
        assert deliver(NOW + MINUTE).sent == 1
        with pytest.raises(NotParked):
            deliveries.resend(delivery=parked, by=by, now=NOW)


class TestOnce:
    @pytest.mark.django_db(transaction=True)
    def test_four_workers_at_once_send_each_event_once(self, school: School, receiver: Receiver) -> None:
        endpoint(school, receiver.url)
        for number in range(10):
            happens(school, str(number))
        runs = together(4, lambda _index: deliver())
        assert sum(run.sent for run in runs) == 10
        assert sorted(json.loads(body)["data"]["n"] for _p, _h, body in receiver.got) == [
            str(number) for number in range(10)
        ]

    def test_one_whose_sender_died_is_sent_again_under_the_same_ids(
        self, school: School, receiver: Receiver
    ) -> None:
        endpoint(school, receiver.url)
        happens(school)
        leases.claim(WebhookDelivery.objects.all(), now=NOW)
        assert deliver(NOW + leases.LEASE - timedelta(seconds=1)).sent == 0
        assert deliver(NOW + leases.LEASE).sent == 1
        ((_path, headers, _body),) = receiver.got
        assert headers["X-CampusHub-Delivery"] == str(WebhookDelivery.objects.get().pk)


class TestEndpoints:
    def test_are_told_of_what_they_want_and_that_is_something_that_exists(self, school: School) -> None:
        with pytest.raises(UnknownKind):
            endpoint(school, wanted=["gossip"])

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://example.edu/",
            "https:///hook",
            "https://user:pass@example.edu/",
            "https://example.edu/#part",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://10.1.2.3/",
            "https://169.254.169.254/latest/meta-data",
            "https://example.edu:99999/",
            "https://exa mple.edu/",
            "https://example.edu/\nHost: x",
            "https://ex\u00e4mple.edu/",
            "nothing",
        ],
    )
    def test_have_an_address_to_which_we_may_send(self, school: School, url: str) -> None:
        with pytest.raises(AddressRefused) as refusal:
            endpoint(school, url)
        assert (refusal.value.code, refusal.value.attr) == ("address_refused", "url")

    def test_are_asked_by_https_in_production(self, school: School, settings: Any) -> None:
        settings.PRODUCTION = True
        with pytest.raises(AddressRefused):
            endpoint(school, "http://93.184.216.34/")
        assert endpoint(school, "https://93.184.216.34/")

    def test_are_one_for_each_address_and_twenty_at_most(self, school: School) -> None:
        first = endpoint(school)
        with pytest.raises(WebhookExists):
            endpoint(school)
        second = endpoint(school, "https://93.184.216.34/2")
        with pytest.raises(WebhookExists):
            webhooks.update(endpoint=second, changes={"url": first.url}, by=first.created_by, now=NOW)  # type: ignore[arg-type] # made by somebody
        for number in range(webhooks.MOST - 2):
            endpoint(school, f"https://93.184.216.34/more/{number}")
        with pytest.raises(TooManyWebhooks):
            endpoint(school, "https://93.184.216.34/last")

    def test_keep_their_secret_encrypted(self, school: School, as_owner: Any) -> None:
        from django.db import connection

        hook = endpoint(school)
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM notifications_webhook")
            (stored,) = cursor.fetchone()
        assert stored.startswith("g1.")
        assert hook.secret not in stored

    def test_that_take_nothing_can_neither_be_tried_nor_sent_to_again(self, school: School) -> None:
        hook = endpoint(school)
        by = UserFactory(school=school)
        happens(school)
        WebhookDelivery.objects.update(state=SendState.PARKED)
        webhooks.update(endpoint=hook, changes={"is_active": False}, by=by, now=NOW)
        with pytest.raises(WebhookOff):
            webhooks.send_test(endpoint=hook, by=by, now=NOW)
        with pytest.raises(WebhookOff):
            deliveries.resend(delivery=WebhookDelivery.objects.get(), by=by, now=NOW)

    def test_are_tried_with_an_event_of_its_own_kind(self, school: School, receiver: Receiver) -> None:
        hook = endpoint(school, receiver.url, wanted=[DAILY])
        webhooks.send_test(endpoint=hook, by=UserFactory(school=school), now=NOW)
        assert deliver().sent == 1
        ((_path, _headers, body),) = receiver.got
        said = json.loads(body)
        assert (said["kind"], said["data"]) == ("test", {"webhook": str(hook.pk)})

    def test_take_what_is_on_its_way_along_when_they_go(self, school: School) -> None:
        hook = endpoint(school)
        happens(school)
        webhooks.remove(endpoint=hook, by=UserFactory(school=school), now=NOW)
        assert not WebhookDelivery.objects.exists()


class _Clock:
    def __init__(self, at: int) -> None:
        self._at = at

    def time(self) -> int:
        return self._at
