"""Sealing the trail: a chain of HMACs over everything that can no longer change.

A transaction below ``pg_snapshot_xmin`` has ended: whatever it wrote is visible, and nothing is added to it. So
each run seals the entries of all transactions between the last run's horizon and its own; those in flight wait
for the next. Nothing is ever updated. Checking is in `audit.services.verification`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

import structlog
from django.db import transaction

from audit.models import AuditSeal
from audit.services import chain, ledger
from core import locks

#: A run with more entries makes several seals, cut between two transactions: 240 kB of manifest each.
ENTRIES_PER_SEAL = 10_000

log = structlog.get_logger(__name__)


@transaction.atomic
def seal(*, now: datetime) -> list[AuditSeal]:
    """Append seals for what was written since the last ones, one per year of the entries; returns the new ones.

    Two sealers at once chain once: the second waits for the first and goes on from there. Where a dump was
    restored into another cluster, what it brought along unsealed is sealed first, then a new segment begins.
    """
    locks.lock("audit.seal")
    here = ledger.horizon()
    last = AuditSeal.objects.defer("manifest").order_by("-pk").first()
    made: list[AuditSeal] = []
    if last is None:
        made += _seal_range(0, here.settled, cluster=here.cluster, previous=chain.GENESIS, now=now)
    elif last.system_identifier == here.cluster:
        made += _seal_range(last.upto_xid, here.settled, cluster=here.cluster, previous=last.mac, now=now)
    else:
        first = max(last.upto_xid, here.unborn)
        made += _seal_range(
            first, ledger.END_OF_TIME, cluster=last.system_identifier, previous=last.mac, now=now
        )
        previous = made[-1].mac if made else last.mac
        made += _seal_range(0, here.settled, cluster=here.cluster, previous=previous, now=now)
    if made:
        # Kept elsewhere, this line shows that nobody cut off the end of the chain.
        log.info(
            "audit_sealed",
            head=chain.readable(made[-1].mac),
            seal=made[-1].pk,
            entries=sum(item.entries for item in made),
        )
    return made


def _seal_range(first: int, end: int, *, cluster: str, previous: str, now: datetime) -> list[AuditSeal]:
    """Seal the unsealed entries of transactions from `first` to below `end`; a seal never spans two years."""
    made: list[AuditSeal] = []
    start = first
    for upto, rows in _portions(_new_rows(first, end, cluster), end):
        for year, entries in sorted(rows.items()):
            made.append(
                _append(year, entries, window=(start, upto), cluster=cluster, previous=previous, now=now)
            )
            previous = made[-1].mac
        start = upto
    return made


def _new_rows(first: int, end: int, cluster: str) -> Iterator[ledger.Row]:
    """Entries of these transactions that no earlier cluster has sealed under the same numbers."""
    earlier = ledger.earlier_segments(cluster).filter(from_xid__lt=end, upto_xid__gt=first)
    known = ledger.Ledger(earlier)
    for row in ledger.rows(first, end):
        known.advance(row.xid)
        if known.owner(row.id) is None:
            yield row


def _portions(
    rows: Iterable[ledger.Row], end: int
) -> Iterator[tuple[int, dict[int, list[tuple[bytes, bytes]]]]]:
    """``(end of the window, entries by year)``, cut between two transactions when there are many."""
    by_year: dict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
    count, xid = 0, -1
    for row in rows:
        if count >= ENTRIES_PER_SEAL and row.xid != xid:
            yield row.xid, by_year
            by_year, count = defaultdict(list), 0
        by_year[row.at.year].append((row.id, row.digest))
        count, xid = count + 1, row.xid
    if count:
        yield min(end, xid + 1) if end == ledger.END_OF_TIME else end, by_year


def _append(
    year: int,
    entries: list[tuple[bytes, bytes]],
    *,
    window: tuple[int, int],
    cluster: str,
    previous: str,
    now: datetime,
) -> AuditSeal:
    seal = AuditSeal(
        year=year,
        system_identifier=cluster,
        from_xid=window[0],
        upto_xid=window[1],
        entries=len(entries),
        previous=previous,
        sealed_at=now,
        manifest=chain.manifest(previous, entries),
    )
    seal.mac = chain.sign(seal)
    seal.save(force_insert=True)
    return seal
