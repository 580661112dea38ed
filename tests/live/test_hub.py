"""One reading for any number of streams, and the newest state for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any

import pytest

from core.streams import hub as hub_module
from core.streams import sse
from core.streams.hub import Hub, Stream


class Board:
    """States by topic; counts readings, and can be told to fail or to wait."""

    def __init__(self) -> None:
        self.states: dict[str, bytes] = {"a": b"1", "b": b"1"}
        self.readings: list[set[str]] = []
        self.failing = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, topics: Collection[str]) -> Mapping[str, bytes]:
        self.readings.append(set(topics))
        await self.gate.wait()
        if self.failing:
            self.failing -= 1
            raise ConnectionError("away")
        return {topic: self.states[topic] for topic in topics if topic in self.states}


def with_hub(scene: Callable[[Hub, Board], Coroutine[Any, Any, None]]) -> None:
    """Play a scene with a hub at work."""

    async def play() -> None:
        board = Board()
        hub = Hub(board.read, pause=0)
        work = asyncio.create_task(hub.serve())
        try:
            async with asyncio.timeout(30):
                await scene(hub, board)
        finally:
            work.cancel()

    asyncio.run(play())


def test_a_new_stream_gets_the_state_at_once() -> None:
    async def scene(hub: Hub, board: Board) -> None:
        with Stream(hub, "a") as stream:
            assert await stream.next() == b"data: 1\n\n"

    with_hub(scene)


def test_many_streams_cost_one_reading() -> None:
    async def scene(hub: Hub, board: Board) -> None:
        streams = [Stream(hub, "a") for _ in range(100)]
        for stream in streams:
            stream.__enter__()

        assert {await stream.next() for stream in streams} == {b"data: 1\n\n"}
        assert board.readings == [{"a"}]
        assert len(hub) == 100

    with_hub(scene)


def test_hints_during_a_reading_make_one_more_for_all_topics() -> None:
    async def scene(hub: Hub, board: Board) -> None:
        with Stream(hub, "a") as a, Stream(hub, "b") as b:
            await a.next()
            await b.next()
            board.gate.clear()
            board.readings.clear()
            hub.hint("a")
            while not board.readings:
                await asyncio.sleep(0)
            board.states = {"a": b"2", "b": b"2"}
            for _ in range(50):
                hub.hint("a")
                hub.hint("b")
            board.gate.set()

            assert (await a.next(), await b.next()) == (b"data: 2\n\n", b"data: 2\n\n")
            while len(board.readings) < 2:
                await asyncio.sleep(0)
            assert board.readings == [{"a"}, {"a", "b"}]

    with_hub(scene)


def test_a_slow_stream_gets_the_newest_state_and_not_all_of_them() -> None:
    async def scene(hub: Hub, board: Board) -> None:
        with Stream(hub, "a") as quick, Stream(hub, "a") as slow:
            await quick.next()
            for number in (b"2", b"3", b"4"):
                board.states["a"] = number
                hub.hint("a")
                assert await quick.next() == sse.event(number)

            assert await slow.next() == b"data: 4\n\n"

    with_hub(scene)


def test_an_unchanged_state_is_not_sent_again() -> None:
    async def scene(hub: Hub, board: Board) -> None:
        with Stream(hub, "a") as stream:
            await stream.next()
            hub.hint("a")
            while len(board.readings) < 2:
                await asyncio.sleep(0)
            board.states["a"] = b"2"
            hub.hint("a")

            assert await stream.next() == b"data: 2\n\n"

    with_hub(scene)


def test_nobody_reads_what_nobody_watches() -> None:
    async def scene(hub: Hub, board: Board) -> None:
        with Stream(hub, "a") as stream:
            await stream.next()
        hub.hint("a")
        hub.hint("b")
        with Stream(hub, "b") as stream:
            await stream.next()

        assert board.readings == [{"a"}, {"b"}]
        assert len(hub) == 0

    with_hub(scene)


def test_a_topic_that_does_not_exist_ends_its_streams() -> None:
    async def scene(hub: Hub, board: Board) -> None:
        with Stream(hub, "gone") as stream:
            assert await stream.next() is None

    with_hub(scene)


def test_a_reading_that_failed_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "FAILURE_SECONDS", 0)

    async def scene(hub: Hub, board: Board) -> None:
        board.failing = 2
        with Stream(hub, "a") as stream:
            assert await stream.next() == b"data: 1\n\n"
        assert board.readings == [{"a"}] * 3

    with_hub(scene)


def test_lost_hints_are_made_good_for_every_topic() -> None:
    async def scene(hub: Hub, board: Board) -> None:
        with Stream(hub, "a") as a, Stream(hub, "b") as b:
            await a.next()
            await b.next()
            board.states = {"a": b"2", "b": b"3"}
            hub.hint_all()

            assert (await a.next(), await b.next()) == (b"data: 2\n\n", b"data: 3\n\n")

    with_hub(scene)


def test_closing_ends_open_streams_and_new_ones() -> None:
    async def scene(hub: Hub, board: Board) -> None:
        with Stream(hub, "a") as stream:
            await stream.next()
            hub.close()
            assert await stream.next() is None
        with Stream(hub, "a") as late:
            assert await late.next() is None

    with_hub(scene)


def test_a_silent_stream_gets_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0)

    async def scene(hub: Hub, board: Board) -> None:
        with Stream(hub, "a") as stream:
            await stream.next()
            beating = asyncio.create_task(hub.keep_alive())
            assert await stream.next() == sse.HEARTBEAT
            beating.cancel()

    with_hub(scene)


def test_an_event_has_one_line() -> None:
    with pytest.raises(ValueError, match="one line"):
        sse.event(b"1\n2")
