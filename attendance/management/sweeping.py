"""What the scheduler's two commands have in common."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from attendance.services.scheduler import Sweep
from core.management.base import CampusCommand


class SweepCommand(CampusCommand):
    """Does by hand what beat has done every half minute, and says what became of each class."""

    #: What was done to a class, for people: "opened".
    done: str

    def sweep(self) -> Sweep:
        """Make the one call."""
        raise NotImplementedError

    def run(self, **options: Any) -> bool:
        sweep = self.sweep()
        if options["json"]:
            self.print_json(asdict(sweep))
            return not sweep.failed
        left = f", left unconfirmed: {sweep.unconfirmed}" if sweep.unconfirmed else ""
        self.stdout.write(f"Classes {self.done}: {sweep.done}{left}, failed: {len(sweep.failed)}.")
        for session in sweep.failed:
            self.stdout.write(f"  {session}: the log says why; the next run tries it again")
        return not sweep.failed
