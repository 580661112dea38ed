"""Ports of one state folder: the same at every start, and different for two checkouts side by side."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection

from .layout import State

FIRST, LAST = 20_000, 31_990  # below the range from which the kernel picks ports of outgoing connections


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def next_free(start: int, *, avoid: Collection[int] = ()) -> int:
    """The first free port from `start` upwards, wrapping at the end of the range."""
    span = LAST - FIRST
    for offset in range(span):
        port = FIRST + (start - FIRST + offset) % span
        if port not in avoid and is_free(port):
            return port
    raise OSError(f"no free port between {FIRST} and {LAST}")


def read(state: State) -> dict[str, int]:
    """The remembered ports by name; empty before the first start."""
    if not state.ports_file.exists():
        return {}
    ports: dict[str, int] = json.loads(state.ports_file.read_text())
    return ports


def remember(state: State, name: str, port: int) -> None:
    """Keep the port of one part for the next start."""
    draft = state.ports_file.with_suffix(".new")
    draft.write_text(json.dumps({**read(state), name: port}))
    draft.replace(state.ports_file)


def choose(state: State, name: str) -> int:
    """A free port for a part: the remembered one when nobody else took it, else the next; remembered."""
    known = read(state)
    start = known.get(name, FIRST + int(state.digest, 16) % (LAST - FIRST))
    port = next_free(start, avoid=[taken for other, taken in known.items() if other != name])
    if port != known.get(name):
        remember(state, name, port)
    return port
