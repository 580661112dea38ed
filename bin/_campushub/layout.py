"""Where everything lives: the checkout, its virtual environment and the state folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


@dataclass(frozen=True)
class State:
    """One folder with all that a running site keeps: databases, keys, ports, media, mail, logs."""

    path: Path

    @classmethod
    def at(cls, path: str | Path | None) -> State:
        """The state in `path` (relative to the working directory), by default `var/` of the checkout."""
        return cls((Path(path) if path else ROOT / "var").resolve())

    @property
    def digest(self) -> str:
        """Sixteen hex digits that tell this state folder from every other one on the machine."""
        return hashlib.sha256(bytes(self.path)).hexdigest()[:16]

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def keys_file(self) -> Path:
        return self.path / "keys.json"

    @property
    def ports_file(self) -> Path:
        return self.path / "ports.json"

    @property
    def lock_file(self) -> Path:
        return self.path / "lock"

    def prepare(self) -> None:
        """Make the folder and its log folder."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.log.mkdir(exist_ok=True)
