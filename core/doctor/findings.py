"""What a check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """`state` is ``ok``, ``warning`` (works, but look at it) or ``bad``; `remedy` says what to do."""

    name: str
    state: str
    detail: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        return self.state != "bad"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def good(name: str, detail: str) -> Finding:
    return Finding(name, "ok", detail)


def warning(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, "warning", detail, remedy)


def bad(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, "bad", detail, remedy)
