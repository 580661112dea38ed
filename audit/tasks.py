"""Sealing the trail every minute, and checking all of it every night."""

from __future__ import annotations

from datetime import timedelta

from audit import jobs
from audit.services import seals, verification
from core import clock
from core.tasks import scheduled


class TrailBroken(Exception):
    """The trail is not what was sealed; the message names the first bad entry."""


@scheduled(jobs.SEAL, every=timedelta(minutes=1))
def seal() -> dict[str, int]:
    """Seal what was written since the last run."""
    made = seals.seal(now=clock.now())
    return {"seals": len(made), "entries": sum(item.entries for item in made)}


@scheduled(jobs.VERIFY, every=timedelta(days=1), nightly=True)
def verify() -> dict[str, int]:
    """Check every seal and entry. Raises TrailBroken, so that the health page shows it until it is looked into."""
    answer = verification.verify(now=clock.now())
    if answer.first_bad is not None:
        raise TrailBroken(str(answer.first_bad))
    return {"seals": answer.seals, "entries": answer.entries, "unsealed": answer.unsealed}
