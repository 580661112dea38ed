"""Natural batching: what queues up while one batch is under way makes the next one. No timer, no waiting.

The first thread that finds nobody at work runs a batch of whatever is queued, its own request among it. When it
is done it names the first of those that came meanwhile to run the next batch, and only then hands out its answers.
So a lone request is served at once, and under load the batches grow by themselves until they keep up.

The threads of a batch wake each other one by one: woken all at once they would only queue up for the interpreter's
lock, and each would be put to sleep and woken once more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class _Place(Generic[Q, A]):
    """One request in the queue. `turn` is locked until the request is answered or has to lead."""

    __slots__ = ("answer", "error", "leads", "question", "turn", "wakes")

    def __init__(self, question: Q) -> None:
        self.question = question
        self.answer: A | None = None
        self.error: BaseException | None = None
        self.leads = False
        self.wakes: _Place[Q, A] | None = None
        # A bare lock as a one-shot signal: threading.Event costs four times as much.
        self.turn = threading.Lock()
        self.turn.acquire()


class Batcher(Generic[Q, A]):
    """Answers questions in batches, one batch at a time. Thread-safe.

    `run` gets the questions of a batch in the order of their arrival and returns as many answers; what it raises
    is raised to every asker of the batch.
    """

    def __init__(self, run: Callable[[Sequence[Q]], Sequence[A]], *, max_rows: int) -> None:
        self._run = run
        self._max_rows = max_rows
        self._guard = threading.Lock()
        self._queue: list[_Place[Q, A]] = []
        self._busy = False

    def ask(self, question: Q) -> A:
        """The answer to one question; blocks until its batch is done."""
        place: _Place[Q, A] = _Place(question)
        with self._guard:
            self._queue.append(place)
            place.leads, self._busy = not self._busy, True
        if not place.leads:
            place.turn.acquire()
        if place.leads:
            self._lead()
        if place.wakes is not None:
            place.wakes.turn.release()
        if place.error is not None:
            raise place.error
        return place.answer  # type: ignore[return-value] # an answer or an error is there by now

    def _lead(self) -> None:
        """Run one batch and hand over. The leader is the first in the queue, so its own request is in the batch."""
        with self._guard:
            batch, self._queue = self._queue[: self._max_rows], self._queue[self._max_rows :]
        for place, follower in pairwise(batch):
            place.wakes = follower
        try:
            answers = self._run([place.question for place in batch])
            for place, answer in zip(batch, answers, strict=True):
                place.answer = answer
        except BaseException as error:
            for place in batch:
                place.error = error
        finally:
            batch[0].leads = False
            self._hand_over()

    def _hand_over(self) -> None:
        """Let the first of those that wait lead the next batch, so that the database is never idle."""
        with self._guard:
            successor = self._queue[0] if self._queue else None
            if successor is None:
                self._busy = False
        if successor is not None:
            successor.leads = True
            successor.turn.release()
