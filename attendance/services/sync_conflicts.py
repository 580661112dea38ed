"""Deciding between two marks of one student by hand, of which the older one came later, from a device without network.

A decision holds the conflict's row first and the session's after it, so that two people decide once and the class
does not lock in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from attendance import errors
from attendance.enums import Keep, SessionStatus
from attendance.models import AttendanceRecord, SyncConflict
from attendance.selectors.sync_conflicts import is_as_it_was, version_of
from attendance.services import marking, sessions
from audit.services.entries import operation
from core.db import still_there
from core.errors import DomainError, InvalidTransition, ReasonRequired, Stale
from core.ids import uuid7
from core.many import one_by_one


@transaction.atomic
def resolve(
    *,
    conflict: SyncConflict,
    keep: str,
    version: str = "",
    reason: str = "",
    by: User,
    now: datetime,
    operation_id: UUID | None = None,
) -> SyncConflict:
    """Leave what stands (`Keep.EXISTING`), or mark the student as the device said (`Keep.INCOMING`), as by hand now.

    Harmless to repeat; the other decision is refused then (InvalidTransition). `version` names the mark that the person
    has seen (`ConflictView.version`): when another stands now, nothing happens (Stale). Without it, what the device
    said is only taken while the mark stands that stood when the conflict arose.

    Conflicts of a locked class are the office's, which then gives a `reason` for changing the mark. Raises Stale,
    InvalidTransition, SessionLocked, ReasonRequired, NotMarkable, DatabaseBusy.
    """
    conflict = _locked(conflict)
    if conflict.resolved_at is not None:
        if conflict.kept == keep:
            return conflict
        raise _no_way(conflict, keep)
    session = sessions.locked(conflict.session)
    if session.status == SessionStatus.LOCKED:
        if not by.is_office:
            raise errors.SessionLocked
        if keep == Keep.INCOMING and not reason.strip():
            raise ReasonRequired
    _check_seen(conflict, keep, version)
    with operation(by=by, at=now, ident=operation_id) as op:
        if keep == Keep.INCOMING:
            marking.mark(
                session=session,
                student=conflict.student.enrollment_no,
                status=conflict.entry.status,
                reason=reason.strip() or f"offline conflict {conflict.pk}",
                by=by,
                now=now,
            )
        conflict.resolved_at, conflict.resolved_by, conflict.kept = now, by, keep
        conflict.save(update_fields=["resolved_at", "resolved_by", "kept"])
        op.record(
            "sync_conflict.resolve",
            conflict,
            school_id=conflict.school_id,
            after={"kept": keep, "session": conflict.session_id, "student": conflict.student.enrollment_no},
            reason=reason,
        )
    return conflict


def resolve_many(
    *, conflicts: Iterable[tuple[SyncConflict, str]], keep: str, by: User, now: datetime
) -> list[SyncConflict | DomainError]:
    """Decide several in one way, all under one operation_id; in the order given, each or why not.

    Each comes with the version of the mark that was seen, and is decided in a transaction of its own.
    """
    ident = uuid7()
    return one_by_one(
        lambda one: resolve(conflict=one[0], keep=keep, version=one[1], by=by, now=now, operation_id=ident),
        conflicts,
    )


def _locked(conflict: SyncConflict) -> SyncConflict:
    """The conflict as it is now, held until the transaction ends."""
    found = SyncConflict.objects.select_for_update(of=("self",)).select_related("session", "student", "entry")
    return still_there(found, conflict.pk)


def _check_seen(conflict: SyncConflict, keep: str, version: str) -> None:
    """Nobody decides about a mark that they have not seen. Raises Stale."""
    record = AttendanceRecord.objects.filter(
        session=conflict.session_id, held_on=conflict.session.held_on, student=conflict.student_id
    ).first()
    if version:
        seen = version == version_of(record)
    else:
        seen = keep == Keep.EXISTING or is_as_it_was(conflict, record)
    if not seen:
        raise Stale(meta={"status": record.status if record else None, "version": version_of(record)})


def _no_way(conflict: SyncConflict, keep: str) -> InvalidTransition:
    return InvalidTransition(
        current=conflict.get_kept_display(),
        target=Keep(keep).label,
        meta={"current": conflict.kept, "target": keep},
    )
