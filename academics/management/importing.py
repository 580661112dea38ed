"""What the commands that import files share: their options, and how a report is printed."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from academics.services.imports import Report
from accounts.management.base import SchoolCommand

#: A file with more problems than this has one cause, and the last of them helps nobody.
SHOWN_PROBLEMS = 50


class ImportCommand(SchoolCommand):
    """``FILE --dry-run --skip-bad --create-missing``; exit status 1 when rows were bad and nothing went in."""

    makes = "what the file names and the school does not have"
    #: Whether there is anything that could be made: else the option is not offered.
    creates = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--dry-run", action="store_true", help="report what would happen, change nothing")
        parser.add_argument(
            "--skip-bad", action="store_true", help="take the good rows, leave the bad ones out"
        )
        if self.creates:
            parser.add_argument("--create-missing", action="store_true", help=f"make {self.makes}")

    def read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error

    def tell(self, report: Report, *, as_json: bool) -> bool:
        """Print the report; whether it went well."""
        well = report.imported or (report.dry_run and report.acceptable)
        if as_json:
            self.print_json(report.as_dict())
            return well
        for note in report.notes:
            self.stdout.write(f"Note: {note}")
        problems = report.in_order()
        for problem in problems[:SHOWN_PROBLEMS]:
            self.stdout.write(f"  {problem}")
        if len(problems) > SHOWN_PROBLEMS:
            self.stdout.write(f"  … and {len(problems) - SHOWN_PROBLEMS} more (--json lists all)")
        for kind, names in report.made.items():
            shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
            self.stdout.write(f"New {kind}: {shown} ({len(names)})")
        self.stdout.write(self._summary(report))
        return well

    def _summary(self, report: Report) -> str:
        counts: dict[str, Any] = {
            "rows": report.rows,
            "new": report.created,
            "changed": report.updated,
            "unchanged": report.unchanged,
            "bad": report.bad_rows,
            "enrollments": report.enrolled,
        }
        told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        if report.imported:
            return f"Imported {report.kind}: {told}."
        if report.dry_run and report.acceptable:
            return f"Nothing was changed. An import of {report.kind} would give: {told}."
        hint = (
            ""
            if any(problem.line <= 1 for problem in report.problems)
            else ", or take the good rows with --skip-bad"
        )
        return f"Nothing was imported ({told}). Correct the file{hint}."
