"""The demo campus: loaded once, kept usable every day, thrown away on request."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from . import manage_py
from .console import Problem, say
from .layout import State
from .servers import Servers

PASSWORD = "demo-campus"  # noqa: S105 - printed on purpose; the demo is never loaded in production
LOGINS = {
    "superuser": "everything, both schools",
    "admin": "administration of the school",
    "hod": "head of a department",
    "faculty": "a lecturer whose class can be opened now",
    "organizer": "events",
    "student": "a student of that class",
    "integrator": "other systems, through the API",
    "admin.b, faculty.b, student.b": "the second school",
}


def prepare(state: State, environment: Mapping[str, str]) -> None:
    """Load the demo on the first start; on every start make sure that it has a class to open today."""
    stamp = _stamp(state)
    if not stamp.exists():
        say("Loading the demo campus …")
        manage_py.run(environment, "seed_demo")
        stamp.write_text(json.dumps({"loaded": datetime.now(UTC).isoformat(timespec="seconds")}))
    manage_py.run(environment, "seed_demo", "--ensure-today")


def loaded(state: State) -> bool:
    """Whether the site of this state folder shows the demo."""
    return _stamp(state).exists()


def discard(servers: Servers) -> None:
    """Forget all data of the site, but not its keys. Raises Problem when the database is not ours."""
    if servers.postgres is None:
        raise Problem("--reset-demo empties only CampusHub's own database, and DATABASE_URL names another.")
    say("Throwing the demo campus away …")
    for server in servers.embedded():
        server.stop()
        shutil.rmtree(server.data, ignore_errors=True)
    for folder in ("media", "mail"):
        shutil.rmtree(servers.state.path / folder, ignore_errors=True)
    _stamp(servers.state).unlink(missing_ok=True)


def describe() -> str:
    """The table of logins for the terminal."""
    width = max(map(len, LOGINS))
    rows = [f"    {name:<{width}}  {who}" for name, who in LOGINS.items()]
    return "\n".join([f"  Sign in with the password {PASSWORD} as", *rows])


def _stamp(state: State) -> Path:
    return state.path / "demo.json"
