from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any, ClassVar

from academics.management.importing import ImportCommand
from academics.services.imports import import_roster
from core import clock


class Command(ImportCommand):
    help = (
        "Import students or faculty from a CSV file (comma, semicolon or tab; UTF-8, UTF-16 or Latin-1).\n"
        "Students: enrollment_no, full_name, email, department, programme, year, section (their cohort), phone,\n"
        "date_of_birth, guardian_contact. Faculty: employee_no, full_name, department, designation, email, phone.\n"
        "Importing the same file again changes nothing. Nothing is imported while rows are bad."
    )
    example: ClassVar[str] = "students.csv --school DEMO --create-missing --dry-run"
    makes = "departments, programmes and cohorts that good rows name (a term is never invented)"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--joined-on",
            type=date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="from when new students sit in their sections (default: each term's start), and from when those "
            "with another cohort have moved (default: today)",
        )

    def run(self, **options: Any) -> bool:
        report = import_roster(
            school=self.school(options),
            data=self.read(options["file"]),
            create_missing=options["create_missing"],
            skip_bad=options["skip_bad"],
            dry_run=options["dry_run"],
            joined_on=options["joined_on"],
            progress=self.progress,
            by=None,
            now=clock.now(),
        )
        return self.tell(report, as_json=options["json"])
