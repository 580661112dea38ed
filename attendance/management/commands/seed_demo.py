from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import CommandError

from attendance.demo import bench, load, today
from core import clock
from core.management.base import CampusCommand


class Command(CampusCommand):
    help = (
        "Load the demo campus: two schools with people, timetables and weeks of attendance up to today. The same\n"
        "seed gives the same campus. Does nothing when it is there already. Refused in production, since everybody\n"
        "in it has the same, printed password."
    )
    example: ClassVar[str] = "--students 2000 --weeks 8"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--students", type=int, metavar="N", help="default: 2000, with --scale 50000")
        parser.add_argument(
            "--weeks", type=int, default=8, help="of attendance before today; default: %(default)s"
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="another seed, another campus; default: %(default)s"
        )
        parser.add_argument("--reset", action="store_true", help="throw the demo schools away first")
        parser.add_argument(
            "--ensure-today",
            action="store_true",
            help="only make sure that “faculty” has a class that can be opened now, and the fortnight is planned",
        )
        parser.add_argument(
            "--scale",
            "--records",
            dest="records",
            type=int,
            metavar="N",
            help="instead of the demo: a school “bench” with N attendance records (up to 5,000,000)",
        )

    def run(self, **options: Any) -> bool:
        if settings.PRODUCTION:
            raise CommandError("The demo campus has known passwords and is refused in production.")
        began = time.monotonic()
        if options["ensure_today"]:
            return self._ensure_today(as_json=options["json"])
        if options["records"] is not None:
            answer = self._bench(options)
        else:
            answer = self._demo(options)
        answer["seconds"] = round(time.monotonic() - began, 1)
        if options["json"]:
            self.print_json(answer)
        elif answer["loaded"]:
            self.stdout.write(
                "{school}: {students:,} students, {sessions:,} classes, {records:,} marks in {seconds} s.".format(
                    **answer
                )
            )
        else:
            self.stdout.write(
                f"{answer['school']} is there already; nothing was changed (--reset makes it anew)."
            )
        return True

    def _demo(self, options: dict[str, Any]) -> dict[str, Any]:
        students = options["students"] or 2000
        if not 20 <= students <= 100_000 or not 1 <= options["weeks"] <= 40:
            raise CommandError("--students must lie between 20 and 100000, --weeks between 1 and 40.")
        return load.demo(
            students=students,
            weeks=options["weeks"],
            seed=options["seed"],
            reset=options["reset"],
            progress=self.progress,
            now=clock.now(),
        )

    def _bench(self, options: dict[str, Any]) -> dict[str, Any]:
        students = options["students"] or 50_000
        if not 60 <= students <= 100_000 or not 1 <= options["records"] <= 10_000_000:
            raise CommandError("--students must lie between 60 and 100000, --scale between 1 and 10000000.")
        if options["records"] > bench.most_records(students):
            most = bench.most_records(students)
            raise CommandError(f"{students} students can have {most} marks at most: raise --students.")
        return load.bench(
            records=options["records"],
            students=students,
            seed=options["seed"],
            reset=options["reset"],
            progress=self.progress,
            now=clock.now(),
        )

    def _ensure_today(self, *, as_json: bool) -> bool:
        session = today.ensure(now=clock.now())
        told = None
        if session is not None:
            starts, ends = session.school.local(session.starts_at), session.school.local(session.ends_at)
            told = {"session": str(session.pk), "from": f"{starts:%H:%M}", "to": f"{ends:%H:%M}"}
        if as_json:
            self.print_json(told)
        elif told is None:
            self.stdout.write(
                "There is no demo campus, or no room for a class of its lecturer within the hour."
            )
        else:
            self.stdout.write(f"“faculty” has a class from {told['from']} to {told['to']}.")
        return True
