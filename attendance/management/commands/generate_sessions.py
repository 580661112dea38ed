from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from dataclasses import asdict
from datetime import date
from typing import Any, ClassVar

from accounts.management.base import SchoolCommand
from attendance.services import generation
from core import clock


class Command(SchoolCommand):
    help = (
        "Make the class sessions of the timetable for a range of days, both included. Holidays, skipped dates and\n"
        "places that are taken are left out, each with its reason. Harmless to repeat."
    )
    example: ClassVar[str] = "--from 2026-11-01 --to 2026-11-30 --school DEMO"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        for name, dest in (("--from", "start"), ("--to", "end")):
            parser.add_argument(name, dest=dest, type=date.fromisoformat, required=True, metavar="YYYY-MM-DD")

    def run(self, **options: Any) -> bool:
        result = generation.generate(
            school=self.school(options),
            start=options["start"],
            end=options["end"],
            by=None,
            now=clock.now(),
        )
        if options["json"]:
            self.print_json(asdict(result))
            return True
        self.stdout.write(
            f"{result.created} sessions made, {result.existing} were there, {len(result.skipped)} left out."
        )
        reasons = Counter((skip.date, skip.reason) for skip in result.skipped)
        for (day, reason), count in sorted(reasons.items()):
            self.stdout.write(f"  {day}  {reason} ({count})")
        return True
