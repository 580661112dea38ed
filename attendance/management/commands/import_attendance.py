from __future__ import annotations

from typing import Any, ClassVar

from academics.management.importing import ImportCommand
from attendance.services.imports import import_attendance
from core import clock


class Command(ImportCommand):
    help = (
        "Import historic marks from a CSV file with the columns enrollment_no, course_code, date, start, end, status\n"
        "and, if there are any, remarks. A status is present, late, absent or excused, or P, L, A or E. Classes that\n"
        "do not exist are made; marks that exist are never overwritten. Importing the same file again changes nothing."
    )
    example: ClassVar[str] = "marks-2025.csv --school DEMO --dry-run"
    creates = False

    def run(self, **options: Any) -> bool:
        report = import_attendance(
            school=self.school(options),
            data=self.read(options["file"]),
            skip_bad=options["skip_bad"],
            dry_run=options["dry_run"],
            progress=self.progress,
            by=None,
            now=clock.now(),
        )
        return self.tell(report, as_json=options["json"])
