"""The format of server-sent events (HTML Living Standard, §9.2)."""

from __future__ import annotations

#: What a browser waits before it connects again, in milliseconds.
RETRY = 3000
#: Proxies cut what is silent for too long; between events a comment goes out after so many seconds.
HEARTBEAT_SECONDS = 15.0

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # nginx would collect the events otherwise.
    (b"x-accel-buffering", b"no"),
]
OPENING = b"retry: %d\n\n" % RETRY
HEARTBEAT = b": still here\n\n"


def event(data: bytes) -> bytes:
    """One message with one line of data (JSON has no line breaks). Raises ValueError for more lines."""
    if b"\n" in data or b"\r" in data:
        raise ValueError("an event's data must be one line here")
    return b"data: " + data + b"\n\n"
