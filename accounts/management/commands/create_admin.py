from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any, ClassVar

from django.core.management.base import CommandError

from accounts.management.base import SchoolCommand
from accounts.services import staff
from core import clock


class Command(SchoolCommand):
    help = (
        "Make an administrator of a school, or (--superuser) an operator of all schools.\n"
        "Asks for the password; with --password-stdin it is the first line of standard input."
    )
    example: ClassVar[str] = "office --school DEMO --name 'Asha Rao' --email office@example.edu"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--superuser", action="store_true", help="operates every school, belongs to none")
        parser.add_argument("--name", default="", help="full name")
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    def run(self, **options: Any) -> bool:
        school = None if options["superuser"] else self.school(options)
        user = staff.create_admin(
            username=options["username"],
            password=_password(from_stdin=options["password_stdin"]),
            school=school,
            full_name=options["name"],
            email=options["email"],
            by=None,
            now=clock.now(),
        )
        if options["json"]:
            self.print_json(
                {"username": user.username, "role": user.role, "school": school.code if school else None}
            )
        else:
            where = f"administers {school}" if school else "operates every school"
            self.stdout.write(f"{user.username} {where} and can sign in now.")
        return True


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise CommandError("The two were not the same.")
    return first
