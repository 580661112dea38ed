from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, ClassVar

from core import clock, partitions
from core.management.base import CampusCommand


class Command(CampusCommand):
    help = "Make the yearly partitions of records, audit trail and activity. Harmless to repeat."
    example: ClassVar[str] = "--years 2026 2027"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--years", nargs="+", type=int, metavar="YEAR", help="default: this year and the next"
        )

    def run(self, **options: Any) -> bool:
        this_year = clock.now().year
        years = options["years"] or [this_year, this_year + 1]
        outside = [year for year in years if not 1950 <= year <= 2200]
        if outside:
            self.stderr.write(f"No partitions for the year {outside[0]}: choose years from 1950 to 2200.")
            return False
        made = partitions.ensure(years)
        if options["json"]:
            self.print_json({"years": years, "made": made})
        else:
            tables = len(partitions.registry())
            self.stdout.write(
                f"{len(made)} partitions made; {tables} tables are ready for {', '.join(map(str, years))}."
            )
        return True
