"""The parts of a site: how the web, live, worker and beat processes are started, on which addresses."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import ports, processes
from .console import Problem
from .layout import PYTHON, ROOT, State
from .supervisor import Part

HOST = "127.0.0.1"
# Marks our processes, so that those which outlived a killed supervisor are found at the next start.
MARK = "CAMPUSHUB_PART"


@dataclass(frozen=True)
class Addresses:
    """Ports of the two processes that browsers talk to."""

    web: int
    live: int

    @classmethod
    def choose(cls, state: State, wanted: int | None) -> Addresses:
        """The ports to use; raises Problem when the one that the user asked for is taken."""
        if wanted is None:
            return cls(ports.choose(state, "web"), ports.choose(state, "live"))
        if not 0 < wanted < 65535:
            raise Problem(f"{wanted} is not a port: choose one between 1024 and 65534.")
        if not ports.is_free(wanted):
            raise Problem(f"Port {wanted} is taken by another program: choose another one with --port.")
        live = next((port for port in range(wanted + 1, wanted + 50) if ports.is_free(port)), None)
        if live is None:
            raise Problem(f"No port above {wanted} is free for live updates: choose another one with --port.")
        return cls(wanted, live)

    @property
    def site(self) -> str:
        return f"http://{HOST}:{self.web}"

    def environment(self) -> dict[str, str]:
        """The settings that tell pages and QR codes where the site is."""
        return {"PUBLIC_URL": self.site, "LIVE_URL": f"http://{HOST}:{self.live}"}


def of_site(state: State, addresses: Addresses, environment: Mapping[str, str]) -> list[Part]:
    """Web, live, worker and beat, in the order of their start."""

    environment = {**environment, **_shared_figures(state)}

    def part(name: str, *arguments: str | Path, stop_seconds: float = 20) -> Part:
        log = state.log / f"{name}.log"
        launch: Callable[[], subprocess.Popen[bytes]] = partial(
            processes.start, [PYTHON, "-m", *arguments],
            log=log, env={**environment, MARK: name}, cwd=ROOT, death_signal=signal.SIGTERM,
        )  # fmt: skip
        return Part(name, launch, log, stop_seconds=stop_seconds)

    celery = ("celery", "--app", "campushub.celery:app")
    return [
        part(
            "web", "granian", "--interface", "wsgi", "--workers", os.environ.get("WEB_WORKERS") or "2",
            "--blocking-threads", "8", "--http", "1", "--host", HOST, "--port", str(addresses.web),
            "--respawn-failed-workers", "--workers-kill-timeout", "10", "campushub.wsgi:application",
        ),
        # Open streams never end by themselves: they are cut after two seconds.
        part(
            "live", "uvicorn", "--host", HOST, "--port", str(addresses.live), "--lifespan", "auto",
            "--no-access-log", "--timeout-graceful-shutdown", "2", "campushub.live:application",
        ),
        part(
            "worker", *celery, "worker", "--loglevel", "INFO", "--concurrency", "2",
            "--without-gossip", "--without-mingle", "--hostname", f"{state.digest}@%h", stop_seconds=60,
        ),
        part(
            "beat", *celery, "beat", "--loglevel", "INFO", "--pidfile", "", "--schedule", state.path / "beat",
        ),
    ]  # fmt: skip


def _shared_figures(state: State) -> dict[str, str]:
    """Where all processes count for Prometheus, so that any web process can tell of all; begun anew each time."""
    folder = state.path / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return {"PROMETHEUS_MULTIPROC_DIR": str(folder)}


def stop_leftovers(state: State) -> None:
    """End processes of this site that outlived a killed supervisor: they hold ports and old code."""
    names = ("web", "live", "worker", "beat")
    found = [
        pid
        for name in names
        for pid in processes.with_environment(**{MARK: name, "VAR_DIR": str(state.path)})
    ]
    processes.stop_all([pid for pid in found if pid != os.getpid()])


def wait_until_up(part: Part, port: int) -> None:
    """Wait until a part answers HTTP, whatever it answers. Raises Problem when it ends or takes too long."""

    def answers() -> bool:
        connection = http.client.HTTPConnection(HOST, port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def ended() -> bool:
        return part.process is None or part.process.poll() is not None

    if not processes.wait_for(answers, seconds=60, unless=ended):
        raise Problem(f"The {part.name} process does not answer on port {port}: read {part.log}.")
