"""Checking the trail against its seals, and naming the first entry that is not what it was.

What is found: an entry changed, removed (also of the newest sealed) or put among sealed ones; a seal changed or
taken out of the chain. Cutting off the end of the chain together with its entries leaves no trace in the database:
compare with a head that was noted elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Max

from audit.models import AuditEntry, AuditSeal, RetentionRun
from audit.services import chain, ledger

log = structlog.get_logger(__name__)


class Damage(StrEnum):
    """What can be wrong."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    SEAL = "seal"
    HEAD = "head"


@dataclass(frozen=True, slots=True)
class Break:
    """The first thing that is wrong: `entry` is null when it is a seal alone, `seal` for an entry between seals."""

    damage: Damage
    entry: UUID | None = None
    seal: int | None = None

    def __str__(self) -> str:
        where = f"seal #{self.seal}" if self.seal else "the sealed range"
        return {
            Damage.EDITED: f"entry {self.entry} was edited after it was sealed ({where})",
            Damage.DELETED: f"entry {self.entry} is missing from {where}",
            Damage.INSERTED: f"entry {self.entry} was put into {where} afterwards",
            Damage.SEAL: f"{where} was changed or does not follow the one before it"
            + (f"; the first entry that does not fit is {self.entry}" if self.entry else ""),
            Damage.HEAD: "the chain does not contain the given head: its end was cut off",
        }[self.damage]


@dataclass(slots=True)
class Verification:
    """The answer: `ok`, or what is wrong first. `oldest_unsealed` is an age; `retired` lists years without entries."""

    seals: int = 0
    entries: int = 0
    unsealed: int = 0
    oldest_unsealed: timedelta | None = None
    head: str = ""
    retired: list[int] = field(default_factory=list)
    first_bad: Break | None = None

    @property
    def ok(self) -> bool:
        return self.first_bad is None

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``; ages in seconds."""
        bad, age = self.first_bad, self.oldest_unsealed
        return {
            "ok": self.ok,
            "seals": self.seals,
            "entries": self.entries,
            "unsealed": self.unsealed,
            "oldest_unsealed_seconds": None if age is None else age.total_seconds(),
            "head": self.head,
            "retired": self.retired,
            "first_bad": None
            if bad is None
            else {
                "damage": bad.damage.value,
                "entry": str(bad.entry) if bad.entry else None,
                "seal": bad.seal,
                "detail": str(bad),
            },
        }


@transaction.atomic
def verify(*, now: datetime, head: str | None = None) -> Verification:
    """Check every seal and every sealed entry. `head` is the MAC of a seal that was noted elsewhere.

    Memory stays flat whatever the number of entries. Entries of years that retention took away, and left evidence
    of, are gone on purpose; their seals are still checked.
    """
    last = AuditSeal.objects.defer("manifest").order_by("-pk").first()
    answer = Verification(head=last.mac if last else "")
    walk = _Walk(last, now)
    bad_seal = _first_bad_seal(last.pk, answer) if last else None
    answer.first_bad = _first_of(bad_seal, walk.run())
    answer.entries, answer.unsealed, answer.oldest_unsealed = (
        walk.entries,
        walk.unsealed,
        walk.oldest_unsealed,
    )
    if answer.ok and head and not AuditSeal.objects.filter(mac="".join(head.split())).exists():
        answer.first_bad = Break(Damage.HEAD)
    log.info(
        "audit_verified",
        ok=answer.ok,
        head=chain.readable(answer.head),
        entries=answer.entries,
        unsealed=answer.unsealed,
    )
    return answer


def _first_bad_seal(last: int, answer: Verification) -> Break | None:
    """Each seal by itself, and that it follows the one before; counts seals and names retired years."""
    gone = _retired()
    retired: set[int] = set()
    previous = chain.GENESIS
    bad: Break | None = None
    for seal in AuditSeal.objects.filter(pk__lte=last).order_by("pk").iterator(chunk_size=50):
        answer.seals += 1
        if seal.year in gone and seal.sealed_at <= gone[seal.year]:
            retired.add(seal.year)
        if bad is None and not (seal.previous == previous and chain.is_whole(seal)):
            bad = Break(Damage.SEAL, seal=seal.pk)
        previous = seal.mac
    answer.retired = sorted(retired)
    return bad


def _retired() -> dict[int, datetime]:
    """The years whose entries retention took away, and when; without that evidence they are missing.

    A partition that is not there proves nothing, and one that somebody made again takes nothing back.
    """
    runs = RetentionRun.objects.filter(table=AuditEntry._meta.db_table).values_list("year")
    return dict(runs.annotate(at=Max("at")).order_by("year"))


class _Walk:
    """Every entry in order, beside the manifest that must list it."""

    def __init__(self, last: AuditSeal | None, now: datetime) -> None:
        sealed = AuditSeal.objects.none()
        if last is not None:
            sealed = AuditSeal.objects.filter(pk__lte=last.pk)
            for year, at in _retired().items():
                sealed = sealed.exclude(year=year, sealed_at__lte=at)
        self._ledger = ledger.Ledger(sealed)
        #: Below it stands nothing unsealed that was written here.
        self._frontier = last.upto_xid if last else 0
        #: Above it no seal of any cluster reaches.
        self._end = max(sealed.values_list("upto_xid", flat=True).order_by("-upto_xid")[:1], default=0)
        # In a restored dump that was not sealed here yet, numbers alone cannot tell new entries from foreign ones.
        self._at_home = last is None or ledger.horizon().cluster == last.system_identifier
        self._now = now
        self.entries = self.unsealed = 0
        self.oldest_unsealed: timedelta | None = None

    def run(self) -> Break | None:
        """The first bad entry; counts the others on the way."""
        self._count_the_rest()
        for row in ledger.rows(0, self._end):
            bad = _left_behind(self._ledger.advance(row.xid)) or self._judge(row)
            if bad is not None:
                return bad
        return _left_behind(self._ledger.advance(ledger.END_OF_TIME)) or self._from_the_future()

    def _judge(self, row: ledger.Row) -> Break | None:
        owner = self._ledger.owner(row.id)
        if owner is None:
            # The horizon is asked for after the rows, so whatever they show had begun by then.
            if self._at_home and not self._frontier <= row.xid < ledger.horizon().unborn:
                return Break(Damage.INSERTED, UUID(bytes=row.id), self._ledger.covering)
            self._wait(1, row.at)
            return None
        if owner.missing != row.id:
            return _out_of_order(owner, row)
        if not owner.meet(row):
            return Break(Damage.EDITED, UUID(bytes=row.id), owner.seal.pk)
        self.entries += 1
        return None

    def _wait(self, count: int, at: datetime) -> None:
        self.unsealed += count
        self.oldest_unsealed = max(self._now - at, self.oldest_unsealed or self._now - at)

    def _count_the_rest(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), min(at) FROM attendance_audit_log WHERE xid >= %s::text::xid8",
                [str(self._end)],
            )
            count, oldest = cursor.fetchone() or (0, None)
        if oldest is not None:
            self._wait(count, oldest)

    def _from_the_future(self) -> Break | None:
        """An entry that claims a transaction which does not exist yet would never be sealed."""
        if not self._at_home:
            return None
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM attendance_audit_log WHERE xid >= %s::text::xid8 "
                "AND xid >= pg_snapshot_xmax(pg_current_snapshot()) ORDER BY xid, id LIMIT 1",
                [str(self._end)],
            )
            row = cursor.fetchone()
        return Break(Damage.INSERTED, row[0]) if row else None


def _left_behind(seals: list[ledger.OpenSeal]) -> Break | None:
    for item in seals:
        if item.missing is not None:
            return Break(Damage.DELETED, UUID(bytes=item.missing), item.seal.pk)
    return None


def _out_of_order(owner: ledger.OpenSeal, row: ledger.Row) -> Break:
    """A listed entry that does not come next: what should have come is missing, or this one stands there twice."""
    if owner.missing is None or owner.was_met(row.id):
        return Break(Damage.INSERTED, UUID(bytes=row.id), owner.seal.pk)
    return Break(Damage.DELETED, UUID(bytes=owner.missing), owner.seal.pk)


def _first_of(seal: Break | None, entry: Break | None) -> Break | None:
    """Whichever comes first in the chain; a changed seal names the first of its entries that does not fit."""
    if seal is None or entry is None:
        return seal or entry
    if entry.seal is not None and seal.seal is not None and entry.seal < seal.seal:
        return entry
    # Between seals stand the entries of a seal that was taken out.
    fits_not = entry.seal in {None, seal.seal}
    return Break(Damage.SEAL, entry.entry if fits_not else None, seal.seal)
