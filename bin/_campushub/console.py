"""Talking to the person at the terminal."""

from __future__ import annotations

import sys
from pathlib import Path


class Problem(Exception):
    """Something the reader has to put right; the message is one sentence that says what and how."""


def say(text: str) -> None:
    """Print a progress line at once, so that a long step does not look like a hang."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Print a line about something that does not stop the work, on stderr."""
    print(text, file=sys.stderr, flush=True)


def last_line(log: Path) -> str:
    """The last line of a log that says anything, for a message to the reader."""
    text = log.read_text(errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it wrote nothing"
