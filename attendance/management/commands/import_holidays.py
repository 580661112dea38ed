from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandError

from accounts.management.base import SchoolCommand
from accounts.models import School
from attendance.enums import HolidayKind
from attendance.services import holiday_import
from core import clock


class Command(SchoolCommand):
    help = (
        "Import holidays: the public ones of a year and country, or the all-day events of an .ics file. Classes\n"
        "planned on these days are cancelled, those already held are counted. Days that are holidays stay as they are."
    )
    example: ClassVar[str] = "--year 2027 --country IN --subdivision AP --dry-run"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--year", type=int, help="public holidays of this year")
        source.add_argument("--ics", metavar="FILE", type=Path, help="an iCalendar file")
        parser.add_argument("--country", default="", help="ISO 3166, such as IN; default: the school's")
        parser.add_argument("--subdivision", default="", help="state or province, such as AP")
        parser.add_argument(
            "--kind",
            choices=HolidayKind.values,
            default=HolidayKind.PUBLIC.value,
            help="of what the file holds; default: %(default)s",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="tell what would happen and change nothing"
        )

    def run(self, **options: Any) -> bool:
        outcome = self._import(self.school(options), options)
        if options["json"]:
            self.print_json(
                {
                    "created": [
                        {
                            "date": made.holiday.date,
                            "name": made.holiday.name,
                            "cancelled": len(made.cancelled),
                            "held": len(made.held),
                        }
                        for made in outcome.created
                    ],
                    "existing": outcome.existing,
                    "ignored": [{"name": left.name, "reason": left.reason} for left in outcome.ignored],
                    "dry_run": options["dry_run"],
                }
            )
        else:
            self._tell(outcome, dry_run=options["dry_run"])
        return True

    def _import(self, school: School, options: dict[str, Any]) -> holiday_import.ImportOutcome:
        common: dict[str, Any] = {
            "school": school,
            "dry_run": options["dry_run"],
            "by": None,
            "now": clock.now(),
        }
        if options["ics"] is None:
            return holiday_import.import_public(
                year=options["year"],
                country=options["country"],
                subdivision=options["subdivision"],
                **common,
            )
        try:
            content = options["ics"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['ics']} cannot be read: {error.strerror}.") from error
        return holiday_import.import_ics(content=content, kind=options["kind"], **common)

    def _tell(self, outcome: holiday_import.ImportOutcome, *, dry_run: bool) -> None:
        for made in outcome.created:
            touched = [
                f"{count} {what}"
                for count, what in (
                    (len(made.cancelled), "classes cancelled"),
                    (len(made.held), "already held: count or void them"),
                )
                if count
            ]
            note = f"  ({', '.join(touched)})" if touched else ""
            self.stdout.write(f"  {made.holiday.date}  {made.holiday.name}{note}")
        for left in outcome.ignored:
            self.stdout.write(f"  left out: {left.name}, because {left.reason}")
        would = "would be" if dry_run else "were"
        self.stdout.write(f"{len(outcome.created)} holidays {would} added, {outcome.existing} were there.")
