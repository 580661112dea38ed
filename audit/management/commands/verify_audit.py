from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, ClassVar

from audit.services import chain, verification
from core import clock
from core.management.base import CampusCommand


class Command(CampusCommand):
    help = "Check the audit trail against its seals and name the first bad entry. Exit status 1 when there is one."
    example: ClassVar[str] = "--head 'a6f0c41d22b09e37 …'   (a head that was noted from the log)"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--head", metavar="MAC", help="a head of the chain that was kept elsewhere")

    def run(self, **options: Any) -> bool:
        answer = verification.verify(now=clock.now(), head=options["head"])
        if options["json"]:
            self.print_json(answer.as_dict())
        else:
            self._tell(answer)
        return answer.ok

    def _tell(self, answer: verification.Verification) -> None:
        head = chain.readable(answer.head) or "–"
        self.stdout.write(f"{answer.seals} seals, {answer.entries} sealed entries checked. Head: {head}")
        if answer.oldest_unsealed is not None:
            age = int(answer.oldest_unsealed.total_seconds())
            self.stdout.write(f"{answer.unsealed} entries wait for a seal, the oldest for {age} s.")
        for year in answer.retired:
            self.stdout.write(f"The entries of {year} have been retired.")
        if answer.first_bad is not None:
            self.stderr.write(f"The trail is broken: {answer.first_bad}.")
        else:
            self.stdout.write("The trail is intact.")
