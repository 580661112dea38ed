from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, ClassVar

from core import doctor
from core.management.base import CampusCommand

_SIGNS = {"ok": "✓", "warning": "!", "bad": "✗"}


class Command(CampusCommand):
    help = (
        "Check this installation: database, roles and their rights, Redis, workers, clock, disk, keys, migrations,\n"
        "partitions. Says what to do about what it finds; exit status 1 when anything is bad."
    )
    example: ClassVar[str] = "--integrity"
    # It has to run where something is wrong with exactly these.
    requires_system_checks: ClassVar[list[str]] = []  # type: ignore[misc] # Django's stubs want an instance attribute

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--integrity", action="store_true", help="look through all data for rows that join two schools"
        )

    def run(self, **options: Any) -> bool:
        found = doctor.examine()
        database_answers = found[0].ok
        if options["integrity"] and database_answers:
            self.progress("Looking through all tables")
            found += doctor.crossing_schools()
        well = all(finding.ok for finding in found)
        if options["json"]:
            self.print_json({"ok": well, "findings": [finding.as_dict() for finding in found]})
            return well
        width = max(len(finding.name) for finding in found)
        for finding in found:
            self.stdout.write(f"{_SIGNS[finding.state]} {finding.name:<{width}}  {finding.detail}")
            if finding.remedy:
                self.stdout.write(f"  {'':<{width}}  → {finding.remedy}")
        self.stdout.write("Everything is in order." if well else "Something needs your attention.")
        return well
