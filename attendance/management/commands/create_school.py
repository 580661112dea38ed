from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, ClassVar

from django.conf import settings

from attendance.services import schools
from core import clock
from core.management.base import CampusCommand


class Command(CampusCommand):
    help = "Make a school, with its attendance rules at their defaults."
    example: ClassVar[str] = "DEMO 'Example College' --timezone Asia/Kolkata --country IN --subdivision AP"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("code", help="short, part of every user name: 22cse001@code")
        parser.add_argument("name")
        parser.add_argument("--timezone", default="Asia/Kolkata", help="default: %(default)s")
        parser.add_argument(
            "--country", default="IN", help="of its public holidays, ISO 3166; default: %(default)s"
        )
        parser.add_argument(
            "--subdivision", default="", help="state or province of its public holidays, such as AP"
        )
        parser.add_argument("--language", default="en", choices=[code for code, _name in settings.LANGUAGES])

    def run(self, **options: Any) -> bool:
        school = schools.create_school(
            name=options["name"],
            code=options["code"],
            timezone=options["timezone"],
            country=options["country"].upper(),
            subdivision=options["subdivision"].upper(),
            default_language=options["language"],
            by=None,
            now=clock.now(),
        )
        if options["json"]:
            self.print_json(
                {"id": school.pk, "code": school.code, "name": school.name, "timezone": school.timezone}
            )
        else:
            self.stdout.write(
                f"{school.name} ({school.code}) is there. Next: a term (in the admin, or bin/manage create_term), an "
                f"administrator (bin/manage create_admin), people (bin/manage import_roster)."
            )
        return True
