"""What queues up while one batch is under way makes the next one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from core.batching import Batcher
from tests.races import together


class Desk:
    """Answers with ten times the question, and only when let; remembers its batches."""

    def __init__(self, *, max_rows: int = 100) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.batcher: Batcher[int, int] = Batcher(self._run, max_rows=max_rows)
        self.pool = ThreadPoolExecutor(max_workers=20)

    def _run(self, questions: Sequence[int]) -> list[int]:
        self.batches.append(list(questions))
        self.entered.release()
        assert self.let.acquire(timeout=30)
        if -1 in questions:
            raise ValueError("no")
        return [10 * question for question in questions]

    def ask_in_order(self, questions: Sequence[int]) -> list[Future[int]]:
        """Ask from a thread each, the next one when the one before stands in the queue."""
        asked = []
        for question in questions:
            waiting = len(self.batcher._queue)
            asked.append(self.pool.submit(self.batcher.ask, question))
            while len(self.batcher._queue) == waiting and not asked[-1].done():
                threading.Event().wait(0.001)
        return asked

    def ask_first(self, question: int) -> Future[int]:
        """Ask, and return when its batch is under way."""
        asked = self.pool.submit(self.batcher.ask, question)
        assert self.entered.acquire(timeout=30)
        return asked


@pytest.fixture
def desk() -> Any:
    made = Desk()
    yield made
    made.pool.shutdown()


def test_a_lone_question_is_answered_at_once(desk: Desk) -> None:
    first = desk.ask_first(1)
    desk.let.release()

    assert first.result(timeout=30) == 10
    assert desk.batches == [[1]]


def test_what_came_meanwhile_goes_into_the_next_batch_together(desk: Desk) -> None:
    first = desk.ask_first(1)
    others = desk.ask_in_order([2, 3, 4])
    desk.let.release(2)

    assert first.result(timeout=30) == 10
    assert [other.result(timeout=30) for other in others] == [20, 30, 40]
    assert desk.batches == [[1], [2, 3, 4]]


def test_a_batch_has_at_most_so_many_rows() -> None:
    desk = Desk(max_rows=2)
    first = desk.ask_first(1)
    others = desk.ask_in_order([2, 3, 4])
    desk.let.release(3)

    assert [asked.result(timeout=30) for asked in [first, *others]] == [10, 20, 30, 40]
    assert desk.batches == [[1], [2, 3], [4]]
    desk.pool.shutdown()


def test_an_error_reaches_everybody_in_its_batch_and_nobody_else(desk: Desk) -> None:
    first = desk.ask_first(1)
    failing = desk.ask_in_order([-1, 2])
    desk.let.release(1)
    assert first.result(timeout=30) == 10
    assert desk.entered.acquire(timeout=30)
    later = desk.ask_in_order([3])
    desk.let.release(2)

    for asked in failing:
        with pytest.raises(ValueError, match="no"):
            asked.result(timeout=30)
    assert later[0].result(timeout=30) == 30
    assert desk.batches == [[1], [-1, 2], [3]]


def test_everybody_is_answered_once_whatever_the_crowd() -> None:
    """Many threads, many questions: each answer goes to its own asker, and batches never overlap."""
    running = threading.Lock()
    asked: list[int] = []

    def run(questions: Sequence[int]) -> list[int]:
        assert running.acquire(blocking=False)
        asked.extend(questions)
        running.release()
        return [10 * question for question in questions]

    batcher: Batcher[int, int] = Batcher(run, max_rows=5)

    answers = together(16, lambda i: [batcher.ask(100 * i + k) for k in range(100)], connected=False)

    assert answers == [[10 * (100 * i + k) for k in range(100)] for i in range(16)]
    assert sorted(asked) == list(range(1600))
