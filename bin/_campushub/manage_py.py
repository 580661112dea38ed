"""Running manage.py in the prepared environment."""

from __future__ import annotations

from collections.abc import Mapping

from . import processes
from .console import Problem
from .layout import PYTHON, ROOT


def run(environment: Mapping[str, str], *arguments: str) -> None:
    """Run one command to its end, its output on the terminal. Raises Problem when it fails."""
    status = status_of(environment, *arguments)
    if status:
        raise Problem(f"`bin/manage {' '.join(arguments)}` failed (status {status}); its output is above.")


def status_of(environment: Mapping[str, str], *arguments: str) -> int:
    """Run one command to its end and return its exit status."""
    return processes.run([PYTHON, ROOT / "manage.py", *arguments], env=environment)
