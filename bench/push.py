"""From the commit of a scan to the class screens: server-sent events while a thousand students scan each second."""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from array import array
from collections import defaultdict
from collections.abc import Callable

from _campushub.console import Problem

from bench import data
from bench.load import Outcome, drive, percentile
from bench.place import HOST, Place
from bench.report import Result
from bench.requests import ScanRequests, office_token
from bench.scans import CONNECTIONS, WARM_UP

SCANS_PER_SECOND = 1_000
STREAMS = 500
#: After the last scan its event may take so long (seconds) before it counts as lost.
_GRACE = 5.0
_CAPTURED = re.compile(rb'"present":(\d+),"late":(\d+)')


def live_push(place: Place, *, seconds: int, rows: int) -> Result:
    """A stream open for each of 500 classes, 1,000 scans per second over all classes of the campus.

    The times are those from the moment when a scan was due to be sent, so before its commit, until the event that
    counts it has arrived. Raises Problem when an event is missing.
    """
    scans = int((seconds + WARM_UP) * SCANS_PER_SECOND)
    first = place.scans(scans)
    # The classes of the first scans: in all of them something happens.
    watched = sorted({data.pair(number).session for number in range(first, first + data.COHORTS)})[:STREAMS]
    with place.site("web", "live") as site:
        screens = _Screens(site.live, watched)
        screens.start()
        outcome = drive(
            site.web,
            ScanRequests(),
            first=first,
            connections=CONNECTIONS,
            seconds=seconds,
            warm_up=WARM_UP,
            pace=SCANS_PER_SECOND,
        )
        if set(outcome.statuses) != {201} or outcome.dropped:
            raise Problem(f"Not all scans were 201: {dict(outcome.statuses)}, {outcome.dropped} dropped.")
        wanted = _scans_by_session(outcome, set(watched))
        screens.stop_when(
            lambda: all(screens.counted[number] >= len(made) for number, made in wanted.items())
        )
    if screens.error:
        raise screens.error
    delays = _delays(wanted, screens.events, first, outcome.started)
    return Result(
        name="live-push",
        rate=outcome.rate,
        p50_ms=percentile(delays, 0.5),
        p95_ms=percentile(delays, 0.95),
        p99_ms=percentile(delays, 0.99),
        rows_checked=len(delays),
        rows_at_start=rows,
        notes={
            "streams": STREAMS,
            "events": sum(map(len, screens.events.values())),
            "slowest (ms)": round(max(delays) * 1000, 1),
            "p99 of the scans (ms)": round(outcome.percentile(0.99), 1),
        },
    )


class _Screens(threading.Thread):
    """Streams of server-sent events on bare sockets: notes when which count of arrivals was told."""

    def __init__(self, port: int, sessions: list[int]) -> None:
        super().__init__(daemon=True)
        #: By session: (moment, arrivals told), as they came.
        self.events: dict[int, list[tuple[float, int]]] = defaultdict(list)
        self.counted: dict[int, int] = defaultdict(int)
        self.error: Exception | None = None
        self._stopping = threading.Event()
        self._poll = select.epoll()
        self._open: dict[int, tuple[socket.socket, int, bytearray]] = {}
        for number, session in enumerate(sessions):
            line = _opened(port, session, number)
            self._open[line.fileno()] = (line, session, bytearray())
            self._poll.register(line.fileno(), select.EPOLLIN)

    def stop_when(self, complete: Callable[[], bool]) -> None:
        """End when nothing is outstanding any more. Raises Problem when that takes too long."""
        deadline = time.perf_counter() + _GRACE
        while not complete() and self.error is None:
            if time.perf_counter() > deadline:
                raise Problem(f"Events are missing {_GRACE} s after the last scan.")
            self._stopping.wait(0.01)
        self._stopping.set()
        self.join()
        for line, _session, _received in self._open.values():
            line.close()

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                for descriptor, _event in self._poll.poll(0.05):
                    line, session, received = self._open[descriptor]
                    piece = line.recv(65536)
                    now = time.perf_counter()
                    if not piece:
                        raise Problem("The live process closed a stream.")
                    received += piece
                    if (end := received.rfind(b"\n\n")) >= 0:
                        self._note(session, bytes(received[:end]), now)
                        del received[: end + 2]
        except (OSError, Problem) as error:
            self.error = error

    def _note(self, session: int, told: bytes, now: float) -> None:
        if found := _CAPTURED.findall(told):
            arrivals = int(found[-1][0]) + int(found[-1][1])
            self.events[session].append((now, arrivals))
            self.counted[session] = arrivals


def _opened(port: int, session: int, number: int) -> socket.socket:
    """A stream that has begun. Raises Problem when it is refused."""
    line = socket.create_connection(("127.0.0.1", port), timeout=30)
    line.sendall(
        f"GET /live/sessions/{data.session_id(session)}/ HTTP/1.1\r\n"
        f"Host: {HOST}\r\nX-Forwarded-For: 10.9.0.1\r\nX-Forwarded-Proto: https\r\n"
        f"Authorization: Bearer {office_token(number)}\r\nAccept: text/event-stream\r\n\r\n".encode()
    )
    status = line.recv(12)
    if status[9:] != b"200":
        raise Problem(f"A stream was refused: {status.decode()}")
    return line


def _scans_by_session(outcome: Outcome, watched: set[int]) -> dict[int, list[int]]:
    """The acknowledged scans of the watched classes by session, in the order in which they were sent."""
    found: dict[int, list[int]] = defaultdict(list)
    for number in sorted(outcome.acknowledged):
        if (session := data.pair(number).session) in watched:
            found[session].append(number)
    return found


def _delays(
    scans: dict[int, list[int]], events: dict[int, list[tuple[float, int]]], first: int, begun: float
) -> array[float]:
    """Seconds from the moment each scan was due, after the warm-up, until the first event that counts so many of its
    class.

    Neighbours in one class are almost a second apart, so the n-th that was sent is the n-th that arrived.
    """
    delays = array("d")
    for session, numbers in scans.items():
        told = iter(events[session])
        at, arrivals = next(told)
        for position, number in enumerate(numbers, 1):
            while arrivals < position:
                at, arrivals = next(told)
            if number >= first + WARM_UP * SCANS_PER_SECOND:
                delays.append(at - (begun + (number - first) / SCANS_PER_SECOND))
    return delays
