"""Two requests with one key, one of them still under way: the second always learns how the first ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

import pytest
from _campushub.processes import wait_for
from django.db import connection, connections, transaction

from core import idempotency
from core.idempotency import Answer
from core.models import IdempotencyKey

pytestmark = pytest.mark.django_db(transaction=True)

MINE = {"user_id": 1, "route": "POST things/", "key": "k"}


class GivenUp(Exception):
    """The first request fails."""


def second_waits() -> bool:
    """Whether some connection of this database waits for another transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.datname = current_database() "
            "JOIN pg_stat_activity a ON a.pid = l.pid AND a.datid = d.oid "
            "WHERE l.locktype = 'transactionid' AND NOT l.granted"
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def ask(body: bytes, now: datetime, work: Callable[[], None]) -> Answer:
    """A request as the API makes one: claim the key, work, keep the answer."""
    try:
        with transaction.atomic():
            known = idempotency.begin(**MINE, body=body, now=now)
            if known is not None:
                return known
            work()
            answer = Answer(201, threading.current_thread().name)
            idempotency.finish(**MINE, answer=answer)
            return answer
    finally:
        connections.close_all()


def race(now: datetime, *, first_fails: bool, second_body: bytes) -> tuple[Future[Answer], Future[Answer]]:
    """A first request that ends only when the second one waits for it; both as finished futures."""
    claimed, finish = threading.Event(), threading.Event()

    def work() -> None:
        claimed.set()
        finish.wait(timeout=30)
        if first_fails:
            raise GivenUp

    with ThreadPoolExecutor(1, "first") as one, ThreadPoolExecutor(1, "second") as two:
        first = one.submit(ask, b"body", now, work)
        assert claimed.wait(timeout=30)
        second = two.submit(ask, second_body, now, lambda: None)
        waited = wait_for(second_waits, seconds=30)
        finish.set()
    assert waited
    return first, second


def test_the_second_waits_and_gets_the_answer_of_the_first(now: datetime) -> None:
    first, second = race(now, first_fails=False, second_body=b"body")

    assert first.result() == second.result()
    assert first.result().body.startswith("first")


def test_when_the_first_fails_the_second_does_the_work(now: datetime) -> None:
    first, second = race(now, first_fails=True, second_body=b"body")

    assert isinstance(first.exception(), GivenUp)
    assert second.result().body.startswith("second")
    assert IdempotencyKey.objects.count() == 1


def test_another_body_is_refused_although_the_first_was_still_under_way(now: datetime) -> None:
    first, second = race(now, first_fails=False, second_body=b"another")

    assert first.result().status == 201
    assert isinstance(second.exception(), idempotency.KeyReused)
