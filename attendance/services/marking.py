"""Marks by hand: one, many, and taking them back. The same few statements whatever the size of the class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import User
from attendance import errors
from attendance.enums import SessionStatus, Source, Status
from attendance.models import AttendanceRecord, Session
from attendance.services import mark_rows, sessions, statistics
from attendance.services.mark_rows import Overtaken, Row
from core.db import DatabaseBusy, prepared, still_there
from core.errors import DomainError, Invalid, ReasonRequired


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person wants of one student: a status, or None to take the mark away again.

    `remarks` None leaves what stands there.
    """

    student: str
    status: str | None
    remarks: str | None = None


@dataclass(frozen=True, slots=True)
class BadMark:
    """A mark that cannot be made, by its position in the request."""

    index: int
    student: str
    code: str
    detail: str


@dataclass(slots=True)
class BulkOutcome:
    saved: int = 0
    unchanged: int = 0
    failed: list[BadMark] = field(default_factory=list)


def mark(
    *,
    session: Session,
    student: str,
    status: str | None,
    remarks: str | None = None,
    reason: str = "",
    by: User,
    now: datetime,
) -> AttendanceRecord | None:
    """Mark one student (by enrollment number); returns the record, or None when the mark was taken away.

    Raises what `bulk_mark` raises, and StudentNotOnRoster for a student who does not belong to the class.
    """
    outcome = bulk_mark(
        session=session,
        marks=[Mark(student, status, remarks)],
        atomic=False,
        reason=reason,
        by=by,
        now=now,
    )
    for bad in outcome.failed:
        raise _SINGLE.get(bad.code, errors.StudentNotOnRoster)(student=student)
    return AttendanceRecord.objects.filter(
        session=session, held_on=session.held_on, student__enrollment_no=student.upper()
    ).first()


@transaction.atomic
def change(
    *,
    record: AttendanceRecord,
    status: str | None = None,
    remarks: str | None = None,
    reason: str = "",
    by: User,
    now: datetime,
) -> AttendanceRecord | None:
    """Give a mark another status or other remarks; what is None stays as it is when this is its turn.

    Raises what `mark` raises, and NotFound when somebody took the mark away meanwhile.
    """
    # Held before the status is read: a change of the remarks alone must not bring an older mark back.
    session = sessions.locked(record.session)
    stands = still_there(AttendanceRecord.objects.filter(held_on=session.held_on), record.pk)
    return mark(
        session=session,
        student=record.student.enrollment_no,
        status=status or stands.status,
        remarks=remarks,
        reason=reason,
        by=by,
        now=now,
    )


@transaction.atomic
def bulk_mark(
    *,
    session: Session,
    marks: Sequence[Mark],
    atomic: bool = True,
    reason: str = "",
    by: User,
    now: datetime,
) -> BulkOutcome:
    """Mark many students of one class.

    `atomic` saves all or nothing; otherwise the good ones are saved and the rest listed. A closed class needs a
    `reason`, a locked one an administrator besides. Raises BulkRefused, NotMarkable, SessionLocked,
    ReasonRequired, DatabaseBusy.
    """
    session = _lock_for_marking(session, by=by, reason=reason)
    for _try in range(mark_rows.TRIES):
        try:
            with transaction.atomic():
                outcome = _mark(session, marks, atomic=atomic, by=by, reason=reason, now=now)
        except Overtaken:
            # What was no record a moment ago is one now: the next look finds it, and keeps it.
            continue
        if outcome.saved:
            sessions.announce(session)
        return outcome
    raise DatabaseBusy


def _mark(
    session: Session, marks: Sequence[Mark], *, atomic: bool, by: User, reason: str, now: datetime
) -> BulkOutcome:
    rows, failed = _judge(session, marks)
    if failed and atomic:
        raise errors.BulkRefused(
            count=len(failed),
            meta={
                "failed": [
                    {"index": b.index, "student": b.student, "code": b.code, "detail": b.detail}
                    for b in failed
                ]
            },
        )
    changed = [row for row in rows if _changes(row)]
    _write(session, changed, by=by, reason=reason, now=now)
    return BulkOutcome(saved=len(changed), unchanged=len(rows) - len(changed), failed=failed)


def _changes(row: Row) -> bool:
    """Whether anything is to be written. Confirming what a machine captured leaves its source as it is,
    confirming what the system assumed makes it a person's word."""
    place = row.place
    if row.status is None:
        return place.old_id is not None
    return (
        place.old_id is None
        or place.old_status != row.status
        or place.old_source == Source.SYSTEM
        or (row.remarks is not None and row.remarks != place.old_remarks)
    )


#: Marks in such a class may run side by side; those in a closed one change figures, one after another.
_UNCOUNTED = {SessionStatus.OPEN, SessionStatus.UNCONFIRMED}


class _Counted(Exception):
    """It was closed since the caller read it."""


def _lock_for_marking(session: Session, *, by: User, reason: str) -> Session:
    """The session as it is, held so that it neither closes nor reopens before this transaction ends."""
    if session.status in _UNCOUNTED and _keep_uncounted(session):
        return session
    session = sessions.locked(session)
    if session.status in _UNCOUNTED:
        return session
    if session.status not in SessionStatus.counted():
        raise errors.NotMarkable(state=session.get_status_display(), meta={"status": session.status})
    if session.status == SessionStatus.LOCKED and not by.is_office:
        raise errors.SessionLocked
    if not reason.strip():
        raise ReasonRequired
    return session


def _keep_uncounted(session: Session) -> bool:
    """Keep the session from closing, together with others who mark in it; False when it is closed already.

    Then its lock is given back: of two who keep it and both want it for themselves each would wait for the other.
    """
    try:
        with transaction.atomic(), prepared() as cursor:
            cursor.execute("SELECT status FROM attendance_session WHERE id = %s FOR SHARE", [session.pk])
            (status,) = cursor.fetchone() or (None,)
            if status not in _UNCOUNTED:
                raise _Counted
    except _Counted:
        return False
    session.status = status
    return True


def _judge(session: Session, marks: Sequence[Mark]) -> tuple[list[Row], list[BadMark]]:
    rows: list[Row] = []
    failed: list[BadMark] = []
    seen: set[int] = set()
    places = mark_rows.look_up(session, [mark.student for mark in marks])
    for index, (mark_, place) in enumerate(zip(marks, places, strict=True)):
        if mark_.status is not None and mark_.status not in Status.values:
            failed.append(_bad(index, mark_, "invalid_choice", _("There is no such status.")))
        elif place.student_id is None or place.section_id is None:
            refusal = errors.StudentNotOnRoster(student=mark_.student)
            failed.append(_bad(index, mark_, refusal.code, str(refusal)))
        elif place.student_id in seen:
            twice = errors.DuplicateMark(student=mark_.student)
            failed.append(_bad(index, mark_, twice.code, str(twice)))
        else:
            seen.add(place.student_id)
            rows.append(Row(place, mark_.status, mark_.remarks))
    return rows, failed


def _bad(index: int, mark_: Mark, code: str, detail: str | Promise) -> BadMark:
    return BadMark(index, mark_.student, code, str(detail))


def _write(session: Session, rows: list[Row], *, by: User, reason: str, now: datetime) -> None:
    if not rows:
        return
    students = [row.place.student_id for row in rows if row.place.student_id is not None]
    if session.is_counted:
        if any(row.status is None for row in rows):
            # A counted class has a mark for everybody; change it instead.
            raise errors.NotMarkable(state=session.get_status_display(), meta={"status": session.status})
        statistics.take(session, now=now, students=students)
    mark_rows.write(session, rows, by=by, reason=reason, now=now)
    if session.is_counted:
        statistics.add(session, now=now, students=students)


class UnknownStatus(Invalid):
    code = "invalid_choice"

    def __init__(self, **context: Any) -> None:
        super().__init__(attr="status", detail=_("There is no such status."))


_SINGLE: dict[str, type[DomainError]] = {
    "student_not_on_roster": errors.StudentNotOnRoster,
    "invalid_choice": UnknownStatus,
}
