"""What every command of ours has in common: an example in its help, ``--json``, and refusals as one sentence."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from core.errors import DomainError


class CampusCommand(BaseCommand):
    """A command that parses, makes one domain call in `run`, and prints.

    Exit status 0 when it did what was asked, 1 when not. Progress goes to standard error, so that what ``--json``
    prints on standard output is JSON and nothing else.
    """

    #: Shown at the end of ``--help``, after ``manage.py <command>``.
    example: ClassVar[str] = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        kwargs.setdefault("epilog", f"Example:  bin/manage {subcommand} {self.example}")
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            good = self.run(**options)
        except DomainError as refusal:
            raise CommandError(f"{refusal} ({refusal.code})") from refusal
        if not good:
            raise SystemExit(1)

    def run(self, **options: Any) -> bool:
        """Do it; whether that went well. Raises DomainError or CommandError for a refusal."""
        raise NotImplementedError

    def progress(self, stage: str) -> None:
        """Say how far it got."""
        self.stderr.write(f"{stage} …", style_func=str)

    def print_json(self, answer: Any) -> None:
        self.stdout.write(json.dumps(answer, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))
