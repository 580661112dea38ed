from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any, ClassVar

from accounts.management.base import SchoolCommand
from attendance.services import statistics
from attendance.services.statistics import Counts, Difference
from core import clock

#: More than these have one cause, and the last of them helps nobody.
SHOWN = 50


class Command(SchoolCommand):
    help = (
        "Compute every percentage anew from the records and name those that are kept differently; --fix repairs\n"
        "them. Of all schools, unless --school names one. Terms whose records were retired are left out.\n"
        "Exit status 1 while something differs."
    )
    example: ClassVar[str] = "--fix"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--fix", action="store_true", help="make the kept figures what the records say")

    def run(self, **options: Any) -> bool:
        school = self.school(options) if options["school"] else None
        self.progress("Computing all figures from the records")
        if options["fix"]:
            found = statistics.repair(school=school, by=None, now=clock.now())
        else:
            found = statistics.check(school=school)
        if options["json"]:
            self.print_json({"fixed": options["fix"], "differences": [_plain(item) for item in found]})
        else:
            self._tell(found, fixed=options["fix"])
        return options["fix"] or not found

    def _tell(self, found: list[Difference], *, fixed: bool) -> None:
        if not found:
            self.stdout.write("Every figure is what the records say.")
            return
        for item in found[:SHOWN]:
            self.stdout.write(
                f"  {item.student}, {item.course}, {item.term}: kept {_shown(item.kept)}; "
                f"the records say {_shown(item.counted)}"
            )
        if len(found) > SHOWN:
            self.stdout.write(f"  … and {len(found) - SHOWN} more (--json lists all)")
        self.stdout.write(f"{len(found)} figures {'repaired' if fixed else 'differ: --fix repairs them'}.")


def _plain(item: Difference) -> dict[str, Any]:
    counts = {
        name: None if value is None else value._asdict()
        for name, value in (("kept", item.kept), ("counted", item.counted))
    }
    return {**asdict(item), **counts}


def _shown(counts: Counts | None) -> str:
    if counts is None:
        return "nothing"
    percentage = "–" if counts.percentage is None else f"{counts.percentage} %"
    return (
        f"{counts.held} held, {counts.present} present, {counts.late} late, {counts.absent} absent, "
        f"{counts.excused} excused, {percentage}"
    )
