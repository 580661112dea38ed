from __future__ import annotations

from typing import Any, ClassVar

from academics.management.importing import ImportCommand
from attendance.services.imports import import_timetable
from core import clock


class Command(ImportCommand):
    help = (
        "Import weekly classes from a CSV file with the columns section, course_code, course_title, employee_no,\n"
        "room, weekday, start, end, valid_from, valid_until. Several cohorts or teachers in one cell are joined\n"
        "by +. Clashes are named on both sides. Importing the same file again changes nothing."
    )
    example: ClassVar[str] = "timetable.csv --school DEMO --create-missing"
    makes = "rooms, courses and cohorts that good lines name (faculty and terms are never invented)"

    def run(self, **options: Any) -> bool:
        report = import_timetable(
            school=self.school(options),
            data=self.read(options["file"]),
            create_missing=options["create_missing"],
            skip_bad=options["skip_bad"],
            dry_run=options["dry_run"],
            progress=self.progress,
            by=None,
            now=clock.now(),
        )
        return self.tell(report, as_json=options["json"])
