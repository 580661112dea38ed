"""What hangs on expired marks: classes, and what students asked for. It lies in ordinary tables and goes in batches.

In the order in which rows refer to each other. Figures, timetable and people are not of a year and stay.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import ExtractYear

from academics.models import Enrollment
from attendance.models import (
    AttendanceRecord,
    CondonationRequest,
    CorrectionRequest,
    DeviceEvent,
    HeldRecord,
    LeaveApplication,
    LeaveSession,
    LegalHold,
    RefusedScan,
    Session,
    SyncBatch,
    SyncConflict,
    SyncEntry,
)
from attendance.models.requests import Evidence
from attendance.services import retention_evidence as evidence
from attendance.services.retention_evidence import Summary, Writer
from attendance.services.retention_rules import Part, Rules
from audit.models import RetentionRun

#: Rows of one transaction.
BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Kind:
    """A table: the days that a row is about, the last of which decides; and whose it is (null: a whole class's)."""

    model: type[models.Model]
    first: str
    last: str
    student: str | None = "student_id"

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def rows(self, school_id: int | None) -> models.QuerySet[Any]:
        """All of a school."""
        return self.model._default_manager.filter(school_id=school_id)

    def under_hold(self) -> Exists:
        """Whether a hold keeps the row. A class is kept for each of those who were enrolled in it."""
        holds = LegalHold.objects.covering(OuterRef("school_id"), OuterRef(self.first), OuterRef(self.last))
        if self.student is not None:
            return Exists(holds.filter(Q(student=None) | Q(student_id=OuterRef(self.student))))
        enrolled = Enrollment.objects.filter(
            student_id=OuterRef("student_id"), section__sessions=OuterRef(OuterRef("pk"))
        )
        return Exists(holds.filter(Q(student=None) | Exists(enrolled)))


KINDS = [
    # Of lifted holds; those that stand keep their rows.
    Kind(HeldRecord, "held_on", "held_on"),
    # By the day on which they came: what found no class has no other that can be trusted.
    Kind(DeviceEvent, "received_at", "received_at"),
    Kind(RefusedScan, "session__held_on", "session__held_on"),
    # Of marks made without network likewise: what they were about need not exist.
    Kind(SyncConflict, "raised_at", "raised_at"),
    Kind(SyncEntry, "received_at", "received_at"),
    Kind(SyncBatch, "received_at", "received_at", student=None),
    Kind(CorrectionRequest, "session__held_on", "session__held_on"),
    Kind(LeaveApplication, "from_date", "to_date"),
    Kind(CondonationRequest, "term__starts_on", "term__ends_on"),
    Kind(Session, "held_on", "held_on", student=None),
]


#: What refers to those and has gone by the time when it is their turn.
_BEFORE = (
    AttendanceRecord,
    HeldRecord,
    DeviceEvent,
    RefusedScan,
    SyncConflict,
    SyncEntry,
    CorrectionRequest,
    LeaveSession,
)


def plan(rules: Rules) -> list[Part]:
    """What has expired, by table, school and year."""
    return [
        part
        for kind in KINDS
        for school, last in sorted(rules.last.items())
        for part in _of(kind, school, last)
    ]


def _of(kind: Kind, school_id: int, last: int) -> list[Part]:
    free = kind.rows(school_id).filter(*_unreferenced(kind.model, but=_BEFORE))
    expired = free.annotate(of_year=ExtractYear(kind.last)).filter(of_year__lte=last)
    going = _by_year(expired.filter(~kind.under_hold()))
    held = _by_year(expired.filter(kind.under_hold()))
    return [
        Part(kind.table, year, school_id, rows, held.get(year, 0)) for year, rows in sorted(going.items())
    ]


def _by_year(rows: models.QuerySet[Any]) -> dict[int, int]:
    return dict(rows.order_by().values("of_year").annotate(n=Count("pk")).values_list("of_year", "n"))


def remove(part: Part, *, writer: Writer) -> list[RetentionRun]:
    """Take away what the part names, some at a time, files included."""
    (kind,) = (kind for kind in KINDS if kind.table == part.table)
    made: list[RetentionRun] = []
    while (run := _remove_some(kind, part, 0 if made else part.held, writer=writer)) is not None:
        made.append(run)
    return made


@transaction.atomic(durable=True)
def _remove_some(kind: Kind, part: Part, held: int, *, writer: Writer) -> RetentionRun | None:
    begun = time.monotonic()
    evidence.no_new_holds()
    of_year = {f"{kind.last}__year": part.year}
    going = kind.rows(part.school_id).filter(~kind.under_hold(), *_unreferenced(kind.model), **of_year)
    ids = list(going.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True)[:BATCH])
    if not ids:
        return None
    rows = kind.model._default_manager.filter(pk__in=ids)
    summary = Summary(part.school_id, len(ids), held, evidence.of_rows(kind.table, ids))
    run = evidence.write(kind.table, part.year, summary, writer=writer, begun=begun)
    if issubclass(kind.model, Evidence):
        # Before the rows: should this be cut short, the next run finds the row and asks again for its file to go.
        storage = kind.model._meta.get_field("file").storage
        for name in rows.exclude(file="").values_list("file", flat=True):
            storage.delete(name)
    rows.delete()
    return run


def _unreferenced(model: type[models.Model], *, but: Collection[type[models.Model]] = ()) -> list[Q]:
    """Rows that something else still needs stay: a key that protects says so. `but` for rows of these tables."""
    return [
        ~Q(Exists(field.related_model._base_manager.filter(**{field.field.name: OuterRef("pk")})))
        for field in model._meta.get_fields(include_hidden=True)
        if isinstance(field, models.ManyToOneRel)
        and field.on_delete is models.PROTECT
        and field.related_model not in but
    ]
