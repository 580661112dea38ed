"""Keeps the parts of a site running: starts them in order, restarts what dies, stops in reverse."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

from . import processes
from .console import Problem, last_line, say, warn

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a part that died is started again
STEADY = 60.0  # seconds after which a part that ran counts as healthy


@dataclass
class Part:
    """One process, with what it takes to start and to stop it. Times are seconds."""

    name: str
    launch: Callable[[], subprocess.Popen[bytes]]
    log: Path
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 20
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0, init=False)
    pause: float = field(default=FIRST_PAUSE, init=False)
    due: float | None = field(default=None, init=False)

    def start(self) -> None:
        self.process = self.launch()
        self.started, self.due = time.monotonic(), None

    def stop(self) -> None:
        """Ask, wait, kill; whatever its workers left goes too."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(self.stop_seconds)
            except subprocess.TimeoutExpired:
                warn(f"{self.name} did not stop within {self.stop_seconds:.0f} s and is killed.")
        processes.kill_group(self.process.pid)
        self.process.wait()

    def revive(self, now: float) -> None:
        """Plan a new start when it has died, and carry it out when that is due."""
        if self.due is None and self.process is not None and (status := self.process.poll()) is not None:
            processes.kill_group(self.process.pid)
            self.pause = FIRST_PAUSE if now - self.started > STEADY else min(self.pause * 2, LONGEST_PAUSE)
            self.due = now + self.pause
            warn(
                f"{self.name} ended with status {status} and starts again in {self.pause:.0f} s: "
                f"{last_line(self.log)} ({self.log})"
            )
        elif self.due is not None and now >= self.due:
            try:
                self.start()
            except (Problem, OSError) as error:
                self.pause = min(self.pause * 2, LONGEST_PAUSE)
                self.due = now + self.pause
                warn(f"{self.name}: {error}")


class Supervisor:
    """Use as a context: leaving it, in whatever way, stops all parts that were started."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def __enter__(self) -> Supervisor:
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake us
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        # A second Ctrl-C must not leave half of the parts behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if self.parts:
            say("Stopping …")
        for part in reversed(self.parts):
            part.stop()

    def add(self, part: Part) -> None:
        """Start a part and keep it running from `watch()` on."""
        self.parts.append(part)
        part.start()

    def watch(self) -> NoReturn:
        """Restart what dies, until a signal raises KeyboardInterrupt."""
        while True:
            now = time.monotonic()
            for part in self.parts:
                part.revive(now)
            waiting = [part.due - now for part in self.parts if part.due is not None]
            select.select([self._read], [], [], max(0.0, min(waiting)) if waiting else None)
            self._drain()

    def _drain(self) -> None:
        try:
            os.read(self._read, 4096)
        except BlockingIOError:
            return


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
