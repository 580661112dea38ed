"""A Valkey server of a test's own, which it may stop, freeze and start again on the same port."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from _campushub import keys
from _campushub.layout import State
from _campushub.valkey import Valkey


class OwnValkey:
    """The embedded server in a folder of its own. Started by `start`; the folder's owner calls `kill` at the end."""

    def __init__(self, folder: Path) -> None:
        state = State.at(folder)
        state.prepare()
        self.server = Valkey(state, keys.load(state))

    @property
    def url(self) -> str:
        return self.server.url()

    def start(self) -> None:
        """Also a second time, with the same port and data."""
        self.server.start(death_signal=signal.SIGKILL)

    def freeze(self) -> None:
        """From here on it accepts connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As if the machine had lost power; harmless when it does not run."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        pid = self.server.pid()
        if pid is None:
            return
        os.kill(pid, number)
        if number == signal.SIGKILL:
            os.waitpid(pid, 0)
