"""A relay that dies between sending and noting it: every message is sent, some of them twice, none is lost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from core import clock, outbox
from core.models import OutboxMessage
from tests.races import Background, held

pytestmark = pytest.mark.django_db(transaction=True)


def kill_own_connection() -> None:
    """What a restart of PostgreSQL does to the relay, seen from its connection."""
    values = connection.settings_dict
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        row = cursor.fetchone()
    assert row
    with psycopg.connect(
        host=values["HOST"], port=values["PORT"], user=values["USER"], password=values["PASSWORD"],
        dbname=values["NAME"],
    ) as other:  # fmt: skip
        other.execute("SELECT pg_terminate_backend(%s)", [row[0]])


def test_a_relay_does_not_wait_for_what_another_one_has_in_hand(now: datetime) -> None:
    with clock.frozen(now), transaction.atomic():
        for number in range(3):
            outbox.enqueue("job", number=number)
    first = OutboxMessage.objects.earliest("id")
    sent: list[int] = []

    def relay() -> outbox.Relayed:
        return outbox.relay(send=lambda _job, arguments: sent.append(arguments["number"]), now=now)

    with held("SELECT 1 FROM core_outbox WHERE id = %s FOR UPDATE", first.pk):
        relaying = Background().start_and_wait(relay)
        assert relaying.done()

    assert (relaying.result().sent, sent) == (2, [1, 2])
    assert list(OutboxMessage.objects.filter(sent_at=None)) == [first]


def test_what_a_dying_relay_had_sent_is_sent_again_and_the_rest_follows(now: datetime) -> None:
    with clock.frozen(now), transaction.atomic():
        for number in range(4):
            outbox.enqueue("job", number=number)
    sent: list[int] = []

    def send(job: str, arguments: dict[str, Any]) -> None:
        sent.append(arguments["number"])
        if len(sent) == 2:
            kill_own_connection()

    with pytest.raises(OperationalError):
        outbox.relay(send=send, now=now)
    assert sent == [0, 1]
    connection.close()
    assert OutboxMessage.objects.filter(sent_at=None).count() == 4

    outcome = outbox.relay(send=send, now=now)

    assert (outcome.sent, sent) == (4, [0, 1, 0, 1, 2, 3])
    assert not OutboxMessage.objects.filter(sent_at=None).exists()
