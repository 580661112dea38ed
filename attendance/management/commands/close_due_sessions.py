from __future__ import annotations

from typing import ClassVar

from attendance.management.sweeping import SweepCommand
from attendance.services import scheduler
from core import clock


class Command(SweepCommand):
    help = (
        "Close the classes of all schools that are over, as the scheduler does every half minute. What nobody opened\n"
        "and nobody was captured in is left unconfirmed. Harmless to repeat, and while the scheduler runs."
    )
    example: ClassVar[str] = "--json"
    done = "closed"

    def sweep(self) -> scheduler.Sweep:
        return scheduler.close_due(now=clock.now())
