"""One reading for any number of streams.

A topic is whatever can be watched (a class session's id). While somebody watches it, a hint that it changed makes
the hub read it, together with all others that changed meanwhile, at most every `pause` seconds; what is new goes
to every stream of the topic. A slow stream never holds up the others and never piles up: it gets the newest state
when it is ready for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from types import TracebackType
from typing import Self

import structlog

from core.streams import sse

log = structlog.get_logger(__name__)

#: Between two readings, of all topics together: at most 20 per second.
PAUSE_SECONDS = 0.05
#: After a reading that failed (the database is away) the next one waits so long.
FAILURE_SECONDS = 1.0

#: The states of topics, each as one line of JSON; topics that do not exist (any more) are left out.
Read = Callable[[Collection[str]], Awaitable[Mapping[str, bytes]]]


class Stream:
    """One watcher of a topic, as a context manager: `next()` waits for what to send."""

    def __init__(self, hub: Hub, topic: str) -> None:
        self._hub = hub
        self.topic = topic
        self._waiting: asyncio.Event = asyncio.Event()
        self._news: bytes | None = None
        self._ended = False

    def __enter__(self) -> Self:
        self._hub._join(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub._leave(self)

    async def next(self) -> bytes | None:
        """The next piece of the stream: the newest state, a heartbeat while nothing happens, None at the end."""
        await self._waiting.wait()
        self._waiting.clear()
        if self._ended:
            return None
        news, self._news = self._news, None
        return sse.HEARTBEAT if news is None else sse.event(news)

    def tell(self, news: bytes | None) -> None:
        """Wake the stream, with news or for a heartbeat."""
        self._news = news or self._news
        self._waiting.set()

    def end(self) -> None:
        """Let the stream end."""
        self._ended = True
        self._waiting.set()


class Hub:
    """Streams by topic, and the two tasks that feed them. All methods belong to one event loop."""

    def __init__(self, read: Read, *, pause: float = PAUSE_SECONDS) -> None:
        self._read = read
        self._pause = pause
        self._streams: dict[str, set[Stream]] = {}
        self._states: dict[str, bytes] = {}
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        """How many streams are open."""
        return sum(map(len, self._streams.values()))

    def hint(self, topic: str) -> None:
        """This topic may have changed; free when nobody watches it."""
        if topic in self._streams:
            self._changed.add(topic)
            self._wake.set()

    def hint_all(self) -> None:
        """Anything may have changed: hints were lost."""
        self._changed.update(self._streams)
        self._wake.set()

    def close(self) -> None:
        """End all streams, and every one that is opened from now on. Browsers connect again by themselves."""
        self._closed = True
        for stream in self._all():
            stream.end()

    async def serve(self) -> None:
        """Read and tell until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            topics, self._changed = self._changed & self._streams.keys(), set()
            if topics and not await self._refresh(topics):
                await asyncio.sleep(FAILURE_SECONDS)
            await asyncio.sleep(self._pause)

    async def keep_alive(self) -> None:
        """Let no stream be silent for too long, until cancelled."""
        while True:
            await asyncio.sleep(sse.HEARTBEAT_SECONDS)
            for stream in self._all():
                stream.tell(None)

    def _all(self) -> Iterable[Stream]:
        return [stream for streams in self._streams.values() for stream in streams]

    async def _refresh(self, topics: set[str]) -> bool:
        """Read these topics and tell what is new; False when that failed and has to be done again."""
        try:
            states = await self._read(topics)
        except Exception:
            # Whatever it was, the streams stay open: the next reading may succeed.
            log.warning("live_reading_failed", topics=len(topics), exc_info=True)
            self._changed |= topics
            self._wake.set()
            return False
        for topic in topics:
            state = states.get(topic)
            streams = self._streams.get(topic, set())
            if state is None:
                for stream in streams:
                    stream.end()
            elif streams and state != self._states.get(topic):
                self._states[topic] = state
                for stream in streams:
                    stream.tell(state)
        return True

    def _join(self, stream: Stream) -> None:
        if self._closed:
            stream.end()
        self._streams.setdefault(stream.topic, set()).add(stream)
        if (known := self._states.get(stream.topic)) is not None:
            stream.tell(known)
        # Also where the state is known: it may have changed while hints were lost.
        self.hint(stream.topic)

    def _leave(self, stream: Stream) -> None:
        streams = self._streams[stream.topic]
        streams.discard(stream)
        if not streams:
            del self._streams[stream.topic]
            self._states.pop(stream.topic, None)
