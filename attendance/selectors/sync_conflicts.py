"""Conflicts of marks made without network as people look at them, and what was refused of such marks."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import School, User
from attendance.enums import SyncOutcome
from attendance.models import AttendanceRecord, Session, SyncConflict, SyncEntry
from attendance.selectors.days import ClassView
from attendance.selectors.days import describe as describe_class
from attendance.selectors.sessions import with_details


@dataclass(frozen=True, slots=True)
class MarkView:
    """A mark: what, how, when by our clock, by whom and on which device; `by` and `device` may be empty."""

    status: str
    source: str
    at: datetime
    by: str
    device: str


@dataclass(frozen=True, slots=True)
class ConflictView:
    """A conflict with both marks, and `stands`, the mark that stands now (None: there is none any more).

    `changed`: it is not the one that stood when the conflict arose. `version` names what stands now: who decides says
    by it what they have seen.
    """

    conflict: SyncConflict
    existing: MarkView
    incoming: MarkView
    stands: MarkView | None
    changed: bool
    version: str


def waiting_for(user: User) -> int:
    """How many conflicts wait for a decision that is this person's."""
    return SyncConflict.objects.visible_to(user).open().count()


def open_in(session: Session) -> int:
    """How many conflicts of a class nobody has decided."""
    return SyncConflict.objects.open().filter(session=session).count()


def with_people(conflicts: QuerySet[SyncConflict]) -> QuerySet[SyncConflict]:
    """Loads along what a list shows, but for its classes."""
    return conflicts.select_related(
        "school", "session", "student__user", "existing_by", "resolved_by", "entry__by", "entry__batch"
    )


def classes(ids: Collection[UUID]) -> dict[UUID, ClassView]:
    """These classes in words, by their ids."""
    return {
        session.pk: describe_class(session) for session in with_details(Session.objects.filter(pk__in=ids))
    }


def refused(user: User, school: School) -> QuerySet[SyncEntry]:
    """Marks made without network that were not taken, of the classes that the person runs or that they uploaded."""
    found = SyncEntry.objects.visible_to(user).filter(school=school, outcome=SyncOutcome.REJECTED)
    return found.select_related("student__user", "by").order_by("-received_at", "-id")


def describe(conflicts: Sequence[SyncConflict]) -> list[ConflictView]:
    """Conflicts loaded by `with_people`, with what stands now: one query."""
    standing = _standing(conflicts)
    return [
        _view(conflict, standing.get((conflict.session_id, conflict.student_id))) for conflict in conflicts
    ]


def version_of(record: AttendanceRecord | None) -> str:
    """Names a mark as it is: another one, or the same after any change, has another name."""
    told = "none" if record is None else f"{record.status} {record.source} {record.marked_at.isoformat()}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def is_as_it_was(conflict: SyncConflict, record: AttendanceRecord | None) -> bool:
    """Whether the mark is the one that stood when the conflict arose."""
    return record is not None and (record.status, record.source, record.marked_at) == (
        conflict.existing_status,
        conflict.existing_source,
        conflict.existing_at,
    )


def _standing(conflicts: Sequence[SyncConflict]) -> dict[tuple[UUID, int], AttendanceRecord]:
    records = AttendanceRecord.objects.filter(
        session__in={conflict.session_id for conflict in conflicts},
        held_on__in={conflict.session.held_on for conflict in conflicts},
        student__in={conflict.student_id for conflict in conflicts},
    )
    return {(record.session_id, record.student_id): record for record in records.select_related("marked_by")}


def _view(conflict: SyncConflict, record: AttendanceRecord | None) -> ConflictView:
    entry = conflict.entry
    return ConflictView(
        conflict=conflict,
        existing=MarkView(
            conflict.existing_status,
            conflict.existing_source,
            conflict.existing_at,
            conflict.existing_by.full_name if conflict.existing_by else "",
            conflict.existing_device,
        ),
        incoming=MarkView(
            entry.status, entry.source, entry.captured_at, entry.by.full_name, entry.batch.device_id
        ),
        stands=None
        if record is None
        else MarkView(
            record.status,
            record.source,
            record.marked_at,
            record.marked_by.full_name if record.marked_by else "",
            record.metadata.get("device", ""),
        ),
        changed=not is_as_it_was(conflict, record),
        version=version_of(record),
    )
