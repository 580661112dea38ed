from __future__ import annotations

from typing import Any, ClassVar

from attendance.services import summaries
from core import clock
from core.management.base import CampusCommand


class Command(CampusCommand):
    help = (
        "Count anew what the weekly trends of all schools are drawn from, as the scheduler does every hour. For a\n"
        "site without beat, and after a large import. Readers are not disturbed; harmless to repeat."
    )
    example: ClassVar[str] = "--json"

    def run(self, **options: Any) -> bool:
        now = clock.now()
        self.progress("Counting the classes and marks of every day")
        summaries.refresh(now=now)
        if options["json"]:
            self.print_json({"as_of": now})
        else:
            self.stdout.write(f"The trends hold what was known at {now:%Y-%m-%d %H:%M} UTC.")
        return True
