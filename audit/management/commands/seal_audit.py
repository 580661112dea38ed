from __future__ import annotations

from typing import Any, ClassVar

from audit.services import chain, seals
from core import clock
from core.management.base import CampusCommand


class Command(CampusCommand):
    help = "Seal the audit entries written since the last seals. Happens every minute by itself; harmless to repeat."
    example: ClassVar[str] = "--json"

    def run(self, **options: Any) -> bool:
        made = seals.seal(now=clock.now())
        entries = sum(seal.entries for seal in made)
        if options["json"]:
            listed = [
                {"id": seal.pk, "year": seal.year, "entries": seal.entries, "mac": seal.mac} for seal in made
            ]
            self.print_json({"entries": entries, "seals": listed})
        elif made:
            self.stdout.write(f"Sealed {entries} entries. Head of the chain: {chain.readable(made[-1].mac)}")
        else:
            self.stdout.write("Nothing to seal.")
        return True
