"""`bin/run`: the whole site under one command."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from . import demo, environment, locks, manage_py, parts, stamps, system
from .console import Problem, say
from .layout import ROOT, VENV, State
from .servers import Servers
from .supervisor import Part, Supervisor


def main(arguments: list[str]) -> int:
    chosen = _parser().parse_args(arguments)
    begun = time.monotonic()
    state = State.at(chosen.var or os.environ.get("VAR_DIR"))
    state.prepare()
    with locks.only_one(state, "bin/run"):
        parts.stop_leftovers(state)
        if chosen.port is not None:
            parts.Addresses.choose(state, chosen.port)  # refused before anything is installed
        environment.prepare()
        system.offer_pdf()
        _serve(Servers(state), chosen, begun)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/run",
        description="Set up and start CampusHub with all that it needs. Ctrl-C stops it.",
        epilog="Example: bin/run --port 8000",
    )
    parser.add_argument("--port", type=int, metavar="N", help="port of the site (default: one per checkout)")
    parser.add_argument("--no-demo", action="store_true", help="do not load the demo campus")
    parser.add_argument(
        "--reset-demo", action="store_true", help="throw all data away and load the demo anew"
    )
    parser.add_argument("--var", metavar="DIR", help="folder of all data, keys and logs (default: var/)")
    return parser


def _serve(servers: Servers, chosen: argparse.Namespace, begun: float) -> None:
    """Start everything, tell the address, and keep it running until Ctrl-C."""
    state, users = servers.state, locks.Users(servers.state)
    try:
        with Supervisor() as supervisor:
            with users.changing():
                _start_databases(servers, supervisor, users, reset=chosen.reset_demo)
                users.join()
            addresses = parts.Addresses.choose(state, chosen.port)
            variables = {**os.environ, **servers.environment(), "PYTHONUNBUFFERED": "1"}
            variables.update({k: v for k, v in addresses.environment().items() if not os.environ.get(k)})
            _prepare_data(state, variables, with_demo=not chosen.no_demo)
            started = parts.of_site(state, addresses, variables)
            say("Starting web, live updates, worker and beat …")
            for part in started:
                supervisor.add(part)
            parts.wait_until_up(started[0], addresses.web)
            parts.wait_until_up(started[1], addresses.live)
            say(_greeting(state, variables["PUBLIC_URL"], seconds=time.monotonic() - begun))
            supervisor.watch()
    except KeyboardInterrupt:
        say("CampusHub has stopped; its data is kept.")


def _start_databases(servers: Servers, supervisor: Supervisor, users: locks.Users, *, reset: bool) -> None:
    """Start PostgreSQL and Valkey as parts of the site, or join those that bin/services started."""
    servers.check_configured()
    if servers.kept() and not reset:
        servers.start_missing()
        return
    if not users.none():
        raise Problem(f"bin/manage is at work with {servers.state.path}: let it end first.")
    servers.keep(False)
    servers.stop()  # what a killed supervisor left behind
    if reset:
        demo.discard(servers)
    if servers.embedded():
        say(f"Starting {' and '.join(server.name for server in servers.embedded())} …")
    for server in servers.embedded():
        launch = partial(server.start, death_signal=server.stop_signal)
        supervisor.add(Part(server.name, launch, server.log, stop_signal=server.stop_signal, stop_seconds=60))


def _prepare_data(state: State, variables: Mapping[str, str], *, with_demo: bool) -> None:
    """Bring schema, static files and the demo up to date."""
    say("Migrating the database …")
    manage_py.run(variables, "migrate", "--verbosity", "0")
    _collect_static(state, variables)
    if with_demo or demo.loaded(state):
        demo.prepare(state, variables)


def _collect_static(state: State, variables: Mapping[str, str]) -> None:
    """Gather and compress the static files, when any of them changed."""
    folders = [ROOT / "static", *(app.parent / "static" for app in ROOT.glob("*/apps.py"))]
    installed = [*VENV.glob("installed-*"), ROOT / "node_modules" / "installed"]
    settings = [ROOT / "campushub" / "settings.py", ROOT / "core" / "staticfiles.py"]
    digest = stamps.of_tree(folders) + stamps.of_files([*installed, *settings])
    stamp = state.path / "static.stamp"
    if stamps.fresh(stamp, digest):
        return
    say("Collecting the static files …")
    manage_py.run(variables, "collectstatic", "--noinput", "--clear", "--verbosity", "0")
    stamps.write(stamp, digest)


def _greeting(state: State, address: str, *, seconds: float) -> str:
    lines = ["", f"CampusHub is ready after {seconds:.0f} s: {address}", ""]
    if demo.loaded(state):
        lines += [demo.describe(), ""]
    else:
        lines += ["  No demo is loaded: `bin/manage create_school --help` shows how to begin.", ""]
    return "\n".join([*lines, f"  Logs are in {_short(state.log)}. Ctrl-C stops everything.", ""])


def _short(path: Path) -> str:
    return f"{path.relative_to(Path.cwd())}/" if path.is_relative_to(Path.cwd()) else f"{path}/"
