"""What an import found and did: the same report for a preview and for the real thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

#: Longer values are cut where they are shown.
SHOWN_CHARS = 60
#: After these the rest of the file could not be read: there is no leaving them out.
_FATAL = frozenset({"quoting"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One cell that is wrong, or (without column) a whole line. Lines count from 1, the header included."""

    line: int
    column: str
    value: str
    reason: str | Promise
    code: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "line": self.line,
            "column": self.column,
            "value": shown(self.value),
            "reason": str(self.reason),
            "code": self.code,
        }

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", {self.column}" if self.column else "")
        what = f" “{shown(self.value)}”" if self.value else ""
        return f"{where}:{what} {self.reason}"


@dataclass(slots=True)
class Report:
    """Counts are rows of the file; `made` lists by kind what had to be created for them.

    `imported` says whether anything was kept: never in a dry run, and not when rows were bad unless these were to
    be skipped.
    """

    kind: str
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    enrolled: int = 0
    made: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str | Promise] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    dry_run: bool = False
    skip_bad: bool = False
    imported: bool = False

    @property
    def bad_rows(self) -> int:
        return len({problem.line for problem in self.problems if problem.line > 1})

    @property
    def acceptable(self) -> bool:
        """Whether the rows may go in: all are good, or the bad ones are to be left out; the file was read whole."""
        if any(problem.line <= 1 or problem.code in _FATAL for problem in self.problems):
            return False
        return self.skip_bad or not self.problems

    def add(
        self, line: int, column: str, value: object, reason: str | Promise, *, code: str = "invalid"
    ) -> None:
        self.problems.append(Problem(line, column, str(value), reason, code))

    def as_dict(self) -> dict[str, Any]:
        """For JSON: problems in the order of their lines."""
        return {
            "kind": self.kind,
            "rows": self.rows,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "enrolled": self.enrolled,
            "bad_rows": self.bad_rows,
            "made": self.made,
            "notes": [str(note) for note in self.notes],
            "problems": [problem.as_dict() for problem in self.in_order()],
            "dry_run": self.dry_run,
            "imported": self.imported,
        }

    def in_order(self) -> list[Problem]:
        return sorted(self.problems, key=lambda problem: problem.line)


def shown(value: str) -> str:
    """A value as a report may print it: cut, and without characters that would garble a terminal."""
    text = "".join(char if char.isprintable() else "�" for char in value)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}… ({len(value)} characters)"
