"""Running one of the commands run, test, manage, services, and telling its problems."""

from __future__ import annotations

import signal
from importlib import import_module

from .console import Problem, warn


def main(arguments: list[str]) -> int:
    """Run the module of that name; a Problem becomes one line on stderr and status 1."""
    name, *rest = arguments
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it cleans up as Ctrl-C does
    try:
        command = import_module(f"_campushub.{name}")
        status: int = command.main(rest)
    except Problem as problem:
        warn(f"bin/{name}: {problem}")
        return 1
    except PermissionError as error:
        warn(f"bin/{name}: no permission for {error.filename}: it belongs to another user of this machine.")
        return 1
    except KeyboardInterrupt:
        return 130
    return status
