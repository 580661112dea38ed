"""What runs beside the streams, from the start of the process to its end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import structlog

from core import live
from core.streams import hints
from core.streams.answers import Receive, Send
from core.streams.hub import Hub

log = structlog.get_logger(__name__)


async def lifespan(hubs: Sequence[Hub], receive: Receive, send: Send) -> None:
    """Listen and feed the hubs until the server shuts down (ASGI lifespan protocol)."""
    await receive()
    work = asyncio.create_task(_work(hubs))
    work.add_done_callback(_stop_if_broken)
    _on_stop(lambda: _close(hubs))
    await send({"type": "lifespan.startup.complete"})
    await receive()
    work.cancel()
    await asyncio.wait([work])
    await send({"type": "lifespan.shutdown.complete"})


def _close(hubs: Sequence[Hub]) -> None:
    for hub in hubs:
        hub.close()


async def _work(hubs: Sequence[Hub]) -> None:
    def changed(message: str) -> None:
        for topic in live.ids_in(message):
            for hub in hubs:
                hub.hint(topic)

    def lost() -> None:
        for hub in hubs:
            hub.hint_all()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hints.listen(hints.Listener(changed, lost)))
        for hub in hubs:
            tasks.create_task(hub.serve())
            tasks.create_task(hub.keep_alive())


def _stop_if_broken(work: asyncio.Task[None]) -> None:
    """Without this work the streams would be silent for ever: better a new process."""
    if not work.cancelled() and (error := work.exception()):
        log.critical("live_process_broken", exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)


def _on_stop(act: Callable[[], Any]) -> None:
    """Call `act` in the event loop when the process is told to stop, before the server waits for its clients."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        _chain(number, lambda: loop.call_soon_threadsafe(act))


def _chain(number: int, first: Callable[[], Any]) -> None:
    server = signal.getsignal(number)

    def handler(received: int, frame: FrameType | None) -> None:
        first()
        if callable(server):
            server(received, frame)

    signal.signal(number, handler)
