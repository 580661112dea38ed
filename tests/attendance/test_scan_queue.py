"""Scans that threads answer each for themselves: together in one statement, and none at another's expense."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import psycopg
import pytest
from _campushub.processes import wait_for
from django.db import DataError, connection, transaction

from attendance.models import AttendanceRecord, Session
from attendance.services import scan_queue
from attendance.services.scan_line import Line, Outcome
from attendance.services.scan_queue import ScanQueue
from attendance.services.scanning import ScanAnswer, ScanRequest
from core import clock
from core.db import DatabaseUnavailable
from tests.attendance.scans import request_of, students_of
from tests.factories import SectionFactory, SessionFactory
from tests.races import Background, held, waiting

pytestmark = pytest.mark.django_db(transaction=True)


class WatchedLine(Line):
    """A line that remembers its batches, and begins the first one only when it is let."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.batches: list[int] = []
        self.let = threading.Event()

    def run(self, requests: Sequence[ScanRequest]) -> list[Outcome]:
        self.batches.append(len(requests))
        assert self.let.wait(30)
        return super().run(requests)


@pytest.fixture(autouse=True)
def held_clock(now: datetime) -> Iterator[None]:
    with clock.frozen(now):
        yield


@pytest.fixture
def line() -> Iterator[WatchedLine]:
    made = WatchedLine()
    yield made
    made.close()


@pytest.fixture
def session() -> Session:
    return SessionFactory(section=SectionFactory(students=6), open=True)


def requests_of(session: Session, now: datetime) -> list[ScanRequest]:
    return [request_of(session, student, at=now) for student in students_of(session)]


def all_at_once(line: WatchedLine, requests: list[ScanRequest], now: datetime) -> list[Any]:
    """The answer to each, or what was raised; all but the first of them wait while the first is decided."""
    queue = ScanQueue(line)

    def ask(request: ScanRequest) -> Any:
        try:
            return queue.scan(request, now=now)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(requests)) as pool:
        first = pool.submit(ask, requests[0])
        assert wait_for(lambda: line.batches == [1], seconds=30)
        others = [pool.submit(ask, request) for request in requests[1:]]
        assert wait_for(lambda: len(queue._batcher._queue) == len(others), seconds=30)
        line.let.set()
        return [asked.result(timeout=30) for asked in [first, *others]]


def codes_of(answers: list[Any]) -> list[str]:
    return [one.code if isinstance(one, ScanAnswer) else type(one).__name__ for one in answers]


def test_those_that_wait_go_into_one_statement(line: WatchedLine, session: Session, now: datetime) -> None:
    answers = all_at_once(line, requests_of(session, now), now)

    assert codes_of(answers) == ["recorded"] * 6
    assert line.batches == [1, 5]
    kept = AttendanceRecord.objects.values_list("pk", "student__user_id")
    assert set(kept) == {
        (answer.record_id, asked.user_id)
        for answer, asked in zip(answers, requests_of(session, now), strict=True)
    }


def test_one_that_cannot_be_saved_fails_alone(line: WatchedLine, session: Session, now: datetime) -> None:
    requests = requests_of(session, now)
    too_long = request_of(session, students_of(session)[2], at=now, request_id="x" * 65)
    requests[2] = too_long

    answers = all_at_once(line, requests, now)

    assert isinstance(answers.pop(2), DataError)
    assert codes_of(answers) == ["recorded"] * 5
    assert AttendanceRecord.objects.count() == 5


def test_a_class_that_somebody_keeps_locked_is_waited_for_by_its_own_scans_alone(
    line: WatchedLine, session: Session, now: datetime
) -> None:
    free: Session = SessionFactory(open=True)
    requests = [*requests_of(free, now), *requests_of(session, now)[:2]]

    with held("SELECT 1 FROM attendance_session WHERE id = %s FOR UPDATE", session.pk) as other:
        asking = Background().start(lambda: all_at_once(line, requests, now))
        # The line waits for one lock at a time, and not for long: two that wait do so on connections of their own.
        assert wait_for(lambda: waiting() == 2, seconds=30)
        assert set(AttendanceRecord.objects.values_list("session", flat=True)) == {free.pk}
        other.commit()
        answers = asking.result(timeout=30)

    assert codes_of(answers) == ["recorded"] * 5
    assert line.batches == [1, 4]


def test_without_a_server_each_is_told_so(session: Session, now: datetime) -> None:
    line = WatchedLine(lambda: psycopg.connect(host="127.0.0.1", port=1, connect_timeout=5))

    answers = all_at_once(line, requests_of(session, now), now)

    assert codes_of(answers) == ["DatabaseUnavailable"] * 6
    assert len({id(answer) for answer in answers}) == 6
    assert all(isinstance(answer, DatabaseUnavailable) for answer in answers)
    assert not AttendanceRecord.objects.exists()


def test_in_a_transaction_it_is_part_of_it(line: WatchedLine, session: Session, now: datetime) -> None:
    queue = ScanQueue(line)
    with transaction.atomic():
        assert queue.scan(requests_of(session, now)[0], now=now).code == "recorded"
        transaction.set_rollback(True)
    assert not AttendanceRecord.objects.exists()
    assert line.batches == []


def test_one_that_is_to_go_alone_does(line: WatchedLine, session: Session, now: datetime) -> None:
    assert ScanQueue(line).scan(requests_of(session, now)[0], now=now, alone=True).code == "recorded"
    assert line.batches == []


def test_a_process_goes_on_after_its_line_was_closed(session: Session, now: datetime) -> None:
    first, second, *_ = requests_of(session, now)
    assert scan_queue.queue.scan(first, now=now).code == "recorded"
    scan_queue.queue.close()
    assert scan_queue.queue.scan(second, now=now).code == "recorded"
