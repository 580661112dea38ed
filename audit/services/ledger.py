"""Reading the trail in the order in which it was written, beside the seals that cover it.

Numbers of transactions belong to one database cluster. Where a dump was restored into another one they begin
anew, so seals of several clusters may cover the same numbers; which entry belongs to which seal then stands in
the manifests alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Max, Min, QuerySet

from audit.models import AuditSeal
from audit.services import chain

#: Above every transaction id there can be (the largest 64-bit one).
END_OF_TIME = 2**64 - 1
_CHUNK = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# A row's text quotes its parts, tells NULL from '' and, with the time as a number, depends on no setting. Bytes and
# numbers cost Python far less than UUID and datetime objects.
_ROWS = """
SELECT uuid_send(id), xid::text, (extract(epoch FROM at) * 1000000)::bigint,
       sha256(convert_to(ROW(
           id, (extract(epoch FROM at) * 1000000)::bigint, xid, school_id, operation_id, actor_id, actor_kind,
           action, object_type, object_id, before, after, reason, ip, request_id
       )::text, 'UTF8'))
  FROM attendance_audit_log entry
 WHERE entry.xid >= %s::text::xid8 AND entry.xid < %s::text::xid8
 ORDER BY entry.xid, entry.id  -- a bare xid would be the text in the list above, where 10 comes before 9
"""


class Row(NamedTuple):
    """An entry as the chain sees it: its id as 16 bytes, its time in microseconds since 1970."""

    id: bytes
    xid: int
    micros: int
    digest: bytes

    @property
    def at(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.micros)


class Horizon(NamedTuple):
    """Of this cluster: its identifier; every transaction below `settled` has ended, none from `unborn` on exists."""

    cluster: str
    settled: int
    unborn: int


def horizon() -> Horizon:
    """Where the cluster stands at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT system_identifier::text, pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text "
            "FROM pg_control_system(), pg_current_snapshot() s"
        )
        cluster, settled, unborn = cursor.fetchone() or ("", "0", "0")
    return Horizon(cluster, int(settled), int(unborn))


def rows(first: int, end: int) -> Iterator[Row]:
    """The entries of transactions from `first` to below `end`, by (transaction, id), a few thousand at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_ROWS, [str(first), str(end)])
        while found := cursor.fetchmany(_CHUNK):
            for ident, xid, micros, digest in found:
                yield Row(bytes(ident), int(xid), micros, bytes(digest))


def earlier_segments(cluster: str) -> QuerySet[AuditSeal]:
    """The seals from before this cluster took over; none where no dump was ever restored."""
    known = AuditSeal.objects.aggregate(least=Min("system_identifier"), greatest=Max("system_identifier"))
    if {known["least"], known["greatest"]} <= {cluster, None}:
        return AuditSeal.objects.none()
    boundary = AuditSeal.objects.exclude(system_identifier=cluster).order_by("-pk").values("pk")[:1]
    return AuditSeal.objects.filter(pk__lte=boundary)


class OpenSeal:
    """A seal whose entries are being met, one after the other."""

    def __init__(self, seal: AuditSeal) -> None:
        self.seal = seal
        self._items = chain.items_of(bytes(seal.manifest))
        self._places = {ident: place for place, (ident, _mark) in enumerate(self._items)}
        self._state = chain.start(seal.previous)
        self._met = 0

    def __contains__(self, ident: bytes) -> bool:
        return ident in self._places

    @property
    def missing(self) -> bytes | None:
        """The entry that should come next."""
        return self._items[self._met][0] if self._met < len(self._items) else None

    def was_met(self, ident: bytes) -> bool:
        """Whether this entry came already."""
        return self._places[ident] < self._met

    def meet(self, row: Row) -> bool:
        """Take the entry that should come next; whether it says what it said when it was sealed."""
        self._state = chain.step(self._state, row.id, row.digest)
        _ident, mark = self._items[self._met]
        self._met += 1
        return chain.mark(self._state) == mark


class Ledger:
    """Which seals cover a transaction, asked in ascending order; only their manifests are in memory."""

    def __init__(self, seals: QuerySet[AuditSeal]) -> None:
        self._waiting = seals.order_by("from_xid", "pk").iterator(chunk_size=50)
        self._next = next(self._waiting, None)
        self._open: list[OpenSeal] = []

    def advance(self, xid: int) -> list[OpenSeal]:
        """Move on to `xid`; the seals left behind."""
        while self._next is not None and self._next.from_xid <= xid:
            self._open.append(OpenSeal(self._next))
            self._next = next(self._waiting, None)
        left = [item for item in self._open if item.seal.upto_xid <= xid]
        if left:
            self._open = [item for item in self._open if item.seal.upto_xid > xid]
        return left

    @property
    def covering(self) -> int | None:
        """The first seal that covers the present transaction, whatever it lists."""
        return self._open[0].seal.pk if self._open else None

    def owner(self, ident: bytes) -> OpenSeal | None:
        """The seal, of those that cover the present transaction, that lists this entry."""
        return next((item for item in self._open if ident in item), None)
