"""A load generator on bare sockets: many connections, one thread, little work per request of its own.

It costs some 20 µs per request, so that on a machine shared with server and database it takes little from them.
"""

from __future__ import annotations

import re
import select
import socket
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from _campushub.console import Problem

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)\r\n")
#: A server that says nothing for so long (seconds) is broken.
_PATIENCE = 30.0


@dataclass
class Outcome:
    """What came back. Latencies and times are in seconds; `acknowledged` are the numbers answered with 2xx."""

    #: When the first request was due, warm-up included (`time.perf_counter`).
    started: float = 0.0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: array[float] = field(default_factory=lambda: array("d"))
    acknowledged: list[int] = field(default_factory=list)
    #: (moment, status) of every answer, for the course of events; only where asked for.
    course: list[tuple[float, int]] = field(default_factory=list)
    #: Connections that the server closed without an answer.
    dropped: int = 0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The latency that this share of the answers kept below, in milliseconds."""
        return percentile(self.latencies, share)


def expect(outcome: Outcome, statuses: set[int]) -> None:
    """Raise Problem when anything else came back."""
    if outcome.dropped or set(outcome.statuses) != statuses:
        raise Problem(
            f"Not all answers were {statuses}: {dict(outcome.statuses)}, {outcome.dropped} dropped."
        )


def percentile(seconds: Iterable[float], share: float) -> float:
    """What this share of the times kept below, in milliseconds; 0 of none."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class _Line:
    """One connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.number = -1
        self.sent = 0.0
        self.received = b""
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, number: int, request: bytes) -> None:
        self.number, self.received = number, b""
        self.sent = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> int | None:
        """The status when the answer is complete, None before, 0 when the connection is gone."""
        try:
            piece = self.socket.recv(65536)
        except ConnectionError:
            piece = b""
        if not piece:
            return 0
        self.received += piece
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = _LENGTH.search(self.received, 0, end + 2)
        if length is None or len(self.received) < end + 4 + int(length[1]):
            return None
        return int(self.received[9:12])


def drive(
    port: int,
    request: Callable[[int], bytes],
    *,
    first: int,
    connections: int,
    seconds: float,
    warm_up: float = 0.0,
    limit: int | None = None,
    pace: float | None = None,
    keep_course: bool = False,
) -> Outcome:
    """Send ``request(first)``, ``request(first + 1)``, … as fast as answers come, one per connection at a time.

    With a `pace` so many per second instead, each at its moment; latencies then count from that moment, so that a
    request that found no free connection is not measured as a fast one. What is answered during the warm-up counts
    as acknowledged but is not measured. Stops after `limit` requests at the latest.
    """
    outcome = Outcome()
    last = first + limit if limit is not None else None
    poll = select.epoll()
    lines = {line.socket.fileno(): line for line in (_Line(port) for _ in range(connections))}
    for descriptor in lines:
        poll.register(descriptor, select.EPOLLIN)
    free = deque(lines.values())
    number = first
    outcome.started = start = time.perf_counter()
    begin = start + warm_up
    end = begin + seconds

    def due() -> float:
        return start + (number - first) / pace if pace else 0.0

    while True:
        now = time.perf_counter()
        more = now < end and (last is None or number < last)
        while more and free and due() <= now:
            line = free.popleft()
            line.send(number, request(number))
            if pace:
                line.sent = due()
            number += 1
            more = last is None or number < last
        if not more and len(free) == len(lines):
            break
        ready = poll.poll(max(0.0, min(due(), end) - now) if more and free else _PATIENCE)
        if not ready and not (more and free):
            raise TimeoutError(f"{len(lines) - len(free)} requests were not answered within {_PATIENCE} s")
        for descriptor, _event in ready:
            line = lines[descriptor]
            status = line.read()
            if status is None:
                continue
            now = time.perf_counter()
            if status == 0:
                outcome.dropped += 1
                poll.unregister(descriptor)
                del lines[descriptor]
                line.socket.close()
                line.connect()
                lines[line.socket.fileno()] = line
                poll.register(line.socket.fileno(), select.EPOLLIN)
            else:
                if 200 <= status < 300:
                    outcome.acknowledged.append(line.number)
                outcome.statuses[status] += 1
                if begin <= now <= end:
                    outcome.latencies.append(now - line.sent)
                if keep_course:
                    outcome.course.append((now - begin, status))
            free.append(line)
    outcome.seconds = min(seconds, time.perf_counter() - begin)
    for line in lines.values():
        line.socket.close()
    poll.close()
    return outcome
