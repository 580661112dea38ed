"""Locks between commands that run at the same time; the kernel lets go of them however a process ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from .console import Problem, say
from .layout import ROOT, State


@contextlib.contextmanager
def only_one(state: State, command: str) -> Iterator[None]:
    """Hold a state folder for a site that runs. Raises Problem when another one holds it."""
    path = state.lock_file
    with _opened(path) as descriptor:
        if not _try(descriptor, fcntl.LOCK_EX):
            holder = path.read_text().strip() or "another process"
            raise Problem(f"{holder} already runs with {state.path}: stop it first, or use another --var.")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{command} (process {os.getpid()})".encode())
        yield
        os.ftruncate(descriptor, 0)


@contextlib.contextmanager
def set_up() -> Iterator[None]:
    """Let one command at a time change the virtual environment and the front-end packages."""
    with _opened(ROOT, os.O_RDONLY) as descriptor:
        if not _try(descriptor, fcntl.LOCK_EX):
            say("Waiting for another command that installs packages here …")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


class Users:
    """Who uses the embedded servers of a state folder: several commands may, and the last one stops them."""

    def __init__(self, state: State) -> None:
        self._changing = state.path / "servers.lock"
        self._using = state.path / "users.lock"
        self._descriptor: int | None = None

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else starts or stops the servers meanwhile."""
        with _opened(self._changing) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    def join(self) -> None:
        """Count as a user until `leave()` or the end of the process."""
        self._descriptor = os.open(self._using, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def leave(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def none(self) -> bool:
        """Whether nobody (else) uses the servers. Ask only within `changing()`."""
        with _opened(self._using) as descriptor:
            return _try(descriptor, fcntl.LOCK_EX)


@contextlib.contextmanager
def _opened(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
