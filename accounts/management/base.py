"""Commands that work in one school."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.models import School
from core.management.base import CampusCommand


class SchoolCommand(CampusCommand):
    """Takes ``--school CODE``, which is needless where there is only one."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--school", metavar="CODE", help="code of the school; needless with only one")

    def school(self, options: dict[str, Any]) -> School:
        """The school that is meant. Raises CommandError when that is not clear, naming the possible ones."""
        schools = list(School.objects.order_by("code"))
        if code := options["school"]:
            schools = [school for school in schools if school.code.lower() == code.strip().lower()]
            if not schools:
                raise CommandError(f"There is no school “{code}”. {_known()}")
        if not schools:
            raise CommandError("There is no school yet: bin/manage create_school --help shows how to begin.")
        if len(schools) > 1:
            raise CommandError(f"Which school? Give --school CODE. {_known()}")
        return schools[0]


def _known() -> str:
    codes = list(School.objects.order_by("code").values_list("code", flat=True)[:20])
    return f"Known: {', '.join(codes) or 'none'}."
