"""Jobs follow their transaction: sent after its commit, in order, at least once, never lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from core import clock, outbox
from core.models import OutboxMessage
from core.outbox import BrokerAway
from tests.races import together

pytestmark = pytest.mark.django_db

Sent = list[tuple[str, dict[str, Any]]]


def collector(sent: Sent) -> outbox.Send:
    return lambda job, arguments: sent.append((job, arguments))


def enqueue(now: datetime, *jobs: str) -> None:
    with clock.frozen(now), transaction.atomic():
        for job in jobs:
            outbox.enqueue(job, number=1)


def test_jobs_are_sent_in_order_with_plain_arguments(now: datetime) -> None:
    sent: Sent = []
    with clock.frozen(now), transaction.atomic():
        outbox.enqueue("a", ident=UUID(int=1), day=datetime(2026, 1, 1, tzinfo=UTC).date())
        outbox.enqueue("b")

    done = outbox.relay(send=collector(sent), now=now)

    assert sent == [("a", {"ident": str(UUID(int=1)), "day": "2026-01-01"}), ("b", {})]
    assert (done.sent, done.failed, done.broker_away) == (2, 0, False)
    assert outbox.relay(send=collector(sent), now=now).sent == 0


def test_a_job_of_a_transaction_that_failed_is_never_sent(now: datetime) -> None:
    sent: Sent = []
    with transaction.atomic():
        outbox.enqueue("a")
        transaction.set_rollback(True)

    outbox.relay(send=collector(sent), now=now + timedelta(days=1))

    assert sent == []


def test_a_job_for_later_waits_for_its_time(now: datetime) -> None:
    sent: Sent = []
    with clock.frozen(now), transaction.atomic():
        outbox.enqueue("a", at=now + timedelta(hours=1))

    assert outbox.relay(send=collector(sent), now=now).sent == 0
    assert outbox.relay(send=collector(sent), now=now + timedelta(hours=1)).sent == 1


def test_while_the_broker_is_away_everything_waits_in_order(now: datetime) -> None:
    enqueue(now, "a", "b", "c")
    tried: list[str] = []

    def away(job: str, arguments: dict[str, Any]) -> None:
        tried.append(job)
        raise BrokerAway("ConnectionError")

    done = outbox.relay(send=away, now=now)

    assert (tried, done.broker_away) == (["a"], True)
    assert "broker away" in OutboxMessage.objects.get(job="a").last_error
    sent: Sent = []
    outbox.relay(send=collector(sent), now=now)
    assert [job for job, _ in sent] == ["a", "b", "c"]


def test_a_message_that_cannot_be_sent_rests_longer_each_time_and_holds_up_nobody(now: datetime) -> None:
    enqueue(now, "bad", "good")
    sent: Sent = []

    def send(job: str, arguments: dict[str, Any]) -> None:
        if job == "bad":
            raise ValueError("no such form")
        sent.append((job, arguments))

    outbox.relay(send=send, now=now)
    outbox.relay(send=send, now=now + timedelta(seconds=9))
    outbox.relay(send=send, now=now + timedelta(seconds=10))

    bad = OutboxMessage.objects.get(job="bad")
    assert [job for job, _ in sent] == ["good"]
    assert (bad.attempts, bad.last_error) == (2, "ValueError: no such form")
    assert bad.available_at == now + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 10), (2, 20), (5, 160), (9, 2560), (10, 3600), (100, 3600)]
)
def test_the_rest_doubles_up_to_an_hour(attempts: int, seconds: int) -> None:
    assert outbox.pause(attempts) == timedelta(seconds=seconds)


def test_what_was_sent_is_forgotten_after_a_day_and_what_waits_never(now: datetime) -> None:
    enqueue(now, "sent")
    outbox.relay(send=collector([]), now=now)
    enqueue(now, "waiting")

    assert outbox.purge(now=now + timedelta(hours=23)) == 0
    assert outbox.purge(now=now + timedelta(days=30)) == 1
    assert OutboxMessage.objects.get().job == "waiting"


@pytest.mark.django_db(transaction=True)
def test_a_job_outside_a_transaction_is_a_mistake() -> None:
    with pytest.raises(RuntimeError):
        outbox.enqueue("a")


@pytest.mark.django_db(transaction=True)
def test_several_relays_at_once_send_each_message_once(now: datetime) -> None:
    enqueue(now, *(f"job-{number}" for number in range(60)))
    sent: Sent = []

    results = together(6, lambda index: outbox.relay(send=collector(sent), now=now, limit=15))

    assert not [result for result in results if isinstance(result, Exception)]
    assert len(sent) == len({job for job, _ in sent})
    outbox.relay(send=collector(sent), now=now)
    assert sorted(job for job, _ in sent) == sorted(f"job-{number}" for number in range(60))
