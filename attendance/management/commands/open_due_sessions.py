from __future__ import annotations

from typing import ClassVar

from attendance.management.sweeping import SweepCommand
from attendance.services import scheduler
from core import clock


class Command(SweepCommand):
    help = (
        "Open the classes of all schools whose time has come, as the scheduler does every half minute. For a site\n"
        "without beat, and after one that stood still. Harmless to repeat, and while the scheduler runs."
    )
    example: ClassVar[str] = "--json"
    done = "opened"

    def sweep(self) -> scheduler.Sweep:
        return scheduler.open_due(now=clock.now())
