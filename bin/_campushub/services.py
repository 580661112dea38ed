"""`bin/services start|stop|status|env`: the two servers alone, for work on the code."""

from __future__ import annotations

import argparse
import shlex

from . import environment, locks, ports
from .console import say
from .layout import State
from .servers import Servers


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bin/services",
        description="Run the embedded PostgreSQL and Valkey in the background, for work on the code.",
        epilog='Example: bin/services start; eval "$(bin/services env)"; .venv/bin/pytest tests/core',
    )
    parser.add_argument("action", choices=["start", "stop", "status", "env"])
    parser.add_argument("--var", metavar="DIR", help="state folder (default: var/dev)")
    chosen = parser.parse_args(arguments)
    # An environment that this command gave out earlier must not hide the servers from it.
    servers = Servers(State.at(chosen.var or State.at(None).path / "dev"), configured={})
    return {"start": _start, "stop": _stop, "status": _status, "env": _env}[chosen.action](servers)


def _start(servers: Servers) -> int:
    environment.prepare()
    with locks.Users(servers.state).changing():
        servers.start_missing()
        servers.keep(True)
    for name in ("web", "live"):
        if name not in ports.read(servers.state):
            ports.choose(servers.state, name)
    return _status(servers)


def _stop(servers: Servers) -> int:
    with locks.Users(servers.state).changing():
        servers.keep(False)
        servers.stop()
    return 0


def _status(servers: Servers) -> int:
    running = [server for server in servers.embedded() if server.pid() is not None]
    for server in servers.embedded():
        state = f"runs on port {server.port}" if server in running else "does not run"
        say(f"{server.name} {state}")
    return 0 if len(running) == len(servers.embedded()) else 1


def _env(servers: Servers) -> int:
    for name, value in servers.environment().items():
        say(f"export {name}={shlex.quote(value)}")
    return 0
