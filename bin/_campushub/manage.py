"""`bin/manage …`: manage.py in the same environment, with the embedded servers running."""

from __future__ import annotations

import os

from . import environment, locks, manage_py
from .layout import State
from .servers import Servers


def main(arguments: list[str]) -> int:
    """Run the command; servers that were started for it stop with the last command that uses them."""
    environment.prepare()
    servers = Servers(State.at(os.environ.get("VAR_DIR")))
    users = locks.Users(servers.state)
    with users.changing():
        servers.start_missing()
        users.join()
    try:
        return manage_py.status_of({**os.environ, **servers.environment()}, *arguments)
    finally:
        with users.changing():
            users.leave()
            if users.none() and not servers.kept():
                servers.stop()
