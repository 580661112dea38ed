from __future__ import annotations

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.management.base import CommandError

from accounts.enums import Role
from accounts.management.base import SchoolCommand
from accounts.models import User
from accounts.services import codes
from core import clock
from core.sheets.cells import neutral


class Command(SchoolCommand):
    help = (
        "Give people their first password, as a table (CSV) to print and cut. Only those who have none yet,\n"
        "unless they are named: then what they had stops working."
    )
    example: ClassVar[str] = "--school DEMO --students --output codes.csv"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--students", action="store_true")
        parser.add_argument("--faculty", action="store_true")
        parser.add_argument("--numbers", nargs="+", metavar="NO", help="enrollment or employee numbers")
        parser.add_argument("--output", type=Path, metavar="FILE", help="a new file, readable for you alone")

    def run(self, **options: Any) -> bool:
        users = self._users(options)
        if not users:
            self.stderr.write("Nobody to give a password to: those who were asked for have one.")
            return True
        self.progress(f"Making {len(users)} passwords")
        if options["json"]:
            issued = list(codes.issue(users=users, by=None, now=clock.now()))
            self.print_json(
                [{"username": one.username, "name": one.full_name, "code": one.code} for one in issued]
            )
        elif options["output"] is not None:
            with _new_file(options["output"]) as file:
                self._write(file, users)
        else:
            self._write(self.stdout, users)
        self.stderr.write(f"{len(users)} can sign in now.", style_func=str)
        return True

    def _users(self, options: dict[str, Any]) -> list[User]:
        school = self.school(options)
        roles = [
            role for role in (Role.STUDENT, Role.FACULTY) if options[{"student": "students"}.get(role, role)]
        ]
        people = User.objects.filter(
            school=school, is_active=True, role__in=roles or [Role.STUDENT, Role.FACULTY]
        )
        if not options["numbers"]:
            if not roles:
                raise CommandError("Say for whom: --students, --faculty or --numbers.")
            return list(people.filter(password__startswith=UNUSABLE_PASSWORD_PREFIX).order_by("username"))
        wanted = [f"{number}@{school.code}".lower() for number in options["numbers"]]
        found = list(people.filter(username__in=wanted).order_by("username"))
        missing = sorted(set(wanted) - {user.username for user in found})
        if missing:
            raise CommandError(f"Nobody signs in as {missing[0]}.")
        return found

    def _write(self, file: Any, users: list[User]) -> None:
        writer = csv.writer(file)
        writer.writerow(["user name", "name", "password"])
        for number, one in enumerate(codes.issue(users=users, by=None, now=clock.now()), start=1):
            writer.writerow([neutral(text) for text in (one.username, one.full_name, one.code)])
            if number % 500 == 0:
                self.progress(f"{number} of {len(users)}")


def _new_file(path: Path) -> Any:
    """Never somebody else's file: what is in it lets people in."""
    try:
        path.touch(mode=0o600, exist_ok=False)
        return path.open("w", encoding="utf-8-sig", newline="")
    except OSError as error:
        raise CommandError(f"{path} cannot be made: {error.strerror}.") from error
