from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any, ClassVar

from django.forms.models import model_to_dict

from attendance.services import retention
from core import clock
from core.management.base import CampusCommand

_WHY = {"legal_hold": "a legal hold reaches it", "unsealed": "its entries are not sealed yet"}


class Command(CampusCommand):
    help = (
        "Take away what has been kept for as long as its school wants it: whole years of records and of the audit\n"
        "trail, then the classes, leave and requests of those years. What is under legal hold stays, and so does\n"
        "evidence of what went. --dry-run lists the same and changes nothing."
    )
    example: ClassVar[str] = "--dry-run"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="only list what would go")

    def run(self, **options: Any) -> bool:
        now = clock.now()
        parts = retention.plan(now=now)
        made = [] if options["dry_run"] else retention.apply(by=None, now=now)
        if options["json"]:
            self.print_json(
                {
                    "dry_run": options["dry_run"],
                    "planned": [asdict(part) for part in parts],
                    "done": [{**model_to_dict(run), "at": run.at} for run in made],
                }
            )
            return True
        for part in parts:
            whose = f", school {part.school_id}" if part.school_id else ""
            if part.kept:
                told = f"stays: {_WHY[part.kept]}"
            else:
                told = f"{part.rows} rows {'would go' if options['dry_run'] else 'went'}"
                told += f", {part.held} under legal hold stay" if part.held else ""
            self.stdout.write(f"  {part.table} {part.year}{whose}: {told}.")
        if not parts:
            self.stdout.write("Nothing has been kept for longer than it should be.")
        return True
