from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any, ClassVar

from academics.services import terms
from accounts.management.base import SchoolCommand
from core import clock


class Command(SchoolCommand):
    help = "Make a term; both days belong to it. Terms of one school never overlap."
    example: ClassVar[str] = "'Odd semester 2026' 2026-11-02 2027-03-27 --school DEMO"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("starts_on", type=date.fromisoformat, metavar="FIRST_DAY")
        parser.add_argument("ends_on", type=date.fromisoformat, metavar="LAST_DAY")

    def run(self, **options: Any) -> bool:
        term = terms.save_term(
            school=self.school(options),
            name=options["name"],
            starts_on=options["starts_on"],
            ends_on=options["ends_on"],
            by=None,
            now=clock.now(),
        )
        if options["json"]:
            self.print_json({"id": term.pk, "name": term.name, "from": term.starts_on, "to": term.ends_on})
        else:
            self.stdout.write(f"{term.name}: {term.starts_on} to {term.ends_on}.")
        return True
