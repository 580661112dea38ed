"""Marks by hand: one, many, and taking them back. The same few statements whatever the size of the class."""

from __future__ import annotations

import json
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
from attendance.services import sessions, statistics
from audit.services.entries import operation, plain
from core import context
from core.db import DatabaseBusy, prepared
from core.errors import DomainError, Invalid, ReasonRequired
from core.ids import uuid7


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


@dataclass(frozen=True, slots=True)
class _Target:
    """A mark with everything the write needs; `old_*` describe the record that is there, if any."""

    mark: Mark
    student_id: int
    section_id: Any
    snapshot_id: int
    old_id: Any
    old_status: str | None
    old_source: str | None
    old_remarks: str | None

    @property
    def changes(self) -> bool:
        """Whether anything is to be written. Confirming what a machine captured leaves its source as it is,
        confirming what the system assumed makes it a person's word."""
        if self.mark.status is None:
            return self.old_id is not None
        return (
            self.old_id is None
            or self.old_status != self.mark.status
            or self.old_source == Source.SYSTEM
            or (self.mark.remarks is not None and self.mark.remarks != self.old_remarks)
        )


# Whoever has a record belongs to the class, also if a transfer entered later took them off its roster. A record that
# is there is kept as it is seen, so that the trail tells what the mark really replaced.
_LOOK_UP = """
WITH old AS MATERIALIZED (
    SELECT r.id, r.student_id, r.section_id, r.status, r.source, r.remarks FROM attendance_record r
     WHERE r.session_id = %(session)s AND r.held_on = %(held_on)s
       AND r.student_id IN (SELECT st.id FROM academics_student st
                             WHERE st.school_id = %(school)s
                               AND st.enrollment_no IN (SELECT upper(number) FROM unnest(%(number)s::text[]) number))
     ORDER BY r.student_id FOR UPDATE
)
SELECT i.ord, st.id, coalesce(place.section_id, r.section_id), st.current_snapshot_id, r.id, r.status, r.source,
       r.remarks
  FROM unnest(%(ord)s::int[], %(number)s::text[]) AS i (ord, number)
  LEFT JOIN academics_student st ON st.school_id = %(school)s AND st.enrollment_no = upper(i.number)
  LEFT JOIN LATERAL (
        SELECT e.section_id FROM attendance_session_sections ss
          JOIN academics_enrollment e ON e.section_id = ss.section_id AND e.student_id = st.id
               AND e.joined_on <= %(held_on)s AND (e.left_on IS NULL OR e.left_on > %(held_on)s)
         WHERE ss.session_id = %(session)s ORDER BY e.section_id LIMIT 1) place ON true
  LEFT JOIN old r ON r.student_id = st.id
 ORDER BY i.ord
"""

_AUDIT = """
INSERT INTO attendance_audit_log (id, at, school_id, operation_id, actor_id, actor_kind, action, object_type,
                                  object_id, before, after, reason, ip, request_id)
SELECT i.audit_id, %(now)s, %(school)s, %(operation)s, %(actor)s, 'user', {action}, 'attendancerecord',
       {record}::text, i.told_before, i.told_after, %(reason)s, %(ip)s::inet, %(request)s
"""

_WRITE = f"""
WITH input AS (
    SELECT * FROM unnest(%(record)s::uuid[], %(student)s::bigint[], %(section)s::uuid[], %(snapshot)s::bigint[],
                         %(status)s::text[], %(remarks)s::text[], %(told_before)s::jsonb[], %(told_after)s::jsonb[],
                         %(audit)s::uuid[])
        AS t (record_id, student_id, section_id, snapshot_id, status, remarks, told_before, told_after, audit_id)
), written AS (
    INSERT INTO attendance_record AS r (id, held_on, session_id, school_id, section_id, student_id, snapshot_id,
                                        status, source, marked_at, marked_by_id, remarks)
    SELECT record_id, %(held_on)s, %(session)s, %(school)s, section_id, student_id, snapshot_id, status, 'manual',
           %(now)s, %(actor)s, coalesce(remarks, '')
      FROM input ORDER BY student_id
    ON CONFLICT (session_id, student_id, held_on) DO UPDATE
       SET status = excluded.status, source = 'manual', marked_at = excluded.marked_at,
           marked_by_id = excluded.marked_by_id, leave_id = NULL,
           remarks = coalesce((SELECT remarks FROM input i WHERE i.student_id = excluded.student_id), r.remarks)
    RETURNING r.id, r.student_id
), told AS (
    {
    _AUDIT.format(
        action="CASE WHEN i.told_before IS NULL THEN 'record.create' ELSE 'record.update' END", record="w.id"
    )
}
      FROM input i JOIN written w ON w.student_id = i.student_id
)
SELECT count(*) FROM input i JOIN written w ON w.student_id = i.student_id
 WHERE i.told_before IS NULL AND w.id <> i.record_id
"""

_REMOVE = f"""
WITH input AS (
    SELECT * FROM unnest(%(student)s::bigint[], %(told_before)s::jsonb[], %(told_after)s::jsonb[],
                         %(audit)s::uuid[]) AS t (student_id, told_before, told_after, audit_id)
), removed AS (
    DELETE FROM attendance_record r USING input i
     WHERE r.session_id = %(session)s AND r.held_on = %(held_on)s AND r.student_id = i.student_id
    RETURNING r.id, r.student_id
), told AS (
    {_AUDIT.format(action="'record.remove'", record="d.id")}
      FROM input i JOIN removed d ON d.student_id = i.student_id
)
SELECT count(*) FROM removed
"""


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
    for _try in range(_TRIES):
        try:
            with transaction.atomic():
                outcome = _mark(session, marks, atomic=atomic, by=by, reason=reason, now=now)
        except _Overtaken:
            # What was no record a moment ago is one now: the next look finds it, and keeps it.
            continue
        if outcome.saved:
            sessions.announce(session)
        return outcome
    raise DatabaseBusy


#: The second try meets another one only where the record was taken away and made again meanwhile.
_TRIES = 5


class _Overtaken(Exception):
    """Somebody, or a scan, made a record between our look and our writing."""


def _mark(
    session: Session, marks: Sequence[Mark], *, atomic: bool, by: User, reason: str, now: datetime
) -> BulkOutcome:
    targets, failed = _judge(session, marks)
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
    changed = [target for target in targets if target.changes]
    _write(session, changed, by=by, reason=reason, now=now)
    return BulkOutcome(saved=len(changed), unchanged=len(targets) - len(changed), failed=failed)


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


def _judge(session: Session, marks: Sequence[Mark]) -> tuple[list[_Target], list[BadMark]]:
    targets: list[_Target] = []
    failed: list[BadMark] = []
    seen: set[int] = set()
    with prepared() as cursor:
        cursor.execute(
            _LOOK_UP,
            {
                "ord": list(range(len(marks))),
                "number": [mark.student for mark in marks],
                "school": session.school_id,
                "session": session.pk,
                "held_on": session.held_on,
            },
        )
        rows = cursor.fetchall()
    for mark_, (index, student_id, section_id, *rest) in zip(marks, rows, strict=True):
        if mark_.status is not None and mark_.status not in Status.values:
            failed.append(_bad(index, mark_, "invalid_choice", _("There is no such status.")))
        elif student_id is None or section_id is None:
            refusal = errors.StudentNotOnRoster(student=mark_.student)
            failed.append(_bad(index, mark_, refusal.code, str(refusal)))
        elif student_id in seen:
            twice = errors.DuplicateMark(student=mark_.student)
            failed.append(_bad(index, mark_, twice.code, str(twice)))
        else:
            seen.add(student_id)
            targets.append(_Target(mark_, student_id, section_id, *rest))
    return targets, failed


def _bad(index: int, mark_: Mark, code: str, detail: str | Promise) -> BadMark:
    return BadMark(index, mark_.student, code, str(detail))


def _write(session: Session, targets: list[_Target], *, by: User, reason: str, now: datetime) -> None:
    if not targets:
        return
    students = [target.student_id for target in targets]
    if session.is_counted:
        if any(target.mark.status is None for target in targets):
            # A counted class has a mark for everybody; change it instead.
            raise errors.NotMarkable(state=session.get_status_display(), meta={"status": session.status})
        statistics.take(session, now=now, students=students)
    request = context.current()
    common: dict[str, Any] = {
        "now": now,
        "school": session.school_id,
        "session": session.pk,
        "held_on": session.held_on,
        "actor": by.pk,
        "reason": reason,
        "ip": request.ip,
        "request": request.request_id,
    }
    # The statements write the entries themselves: one per mark would cost more than the marks.
    with operation(by=by, at=now) as op, prepared() as cursor:
        common["operation"] = op.id
        kept = [target for target in targets if target.mark.status is not None]
        if kept:
            cursor.execute(_WRITE, {**common, **_columns(session, kept)})
            if cursor.fetchone() != (0,):
                raise _Overtaken
        removed = [target for target in targets if target.mark.status is None]
        if removed:
            cursor.execute(_REMOVE, {**common, **_columns(session, removed)})
    if session.is_counted:
        statistics.add(session, now=now, students=students)


def _columns(session: Session, targets: list[_Target]) -> dict[str, list[Any]]:
    told = [_told(session, target) for target in targets]
    return {
        "record": [uuid7() for _target in targets],
        "audit": [uuid7() for _target in targets],
        "student": [target.student_id for target in targets],
        "section": [target.section_id for target in targets],
        "snapshot": [target.snapshot_id for target in targets],
        "status": [target.mark.status for target in targets],
        "remarks": [target.mark.remarks for target in targets],
        "told_before": [_json(before) for before, _after in told],
        "told_after": [_json(after) for _before, after in told],
    }


def _told(session: Session, target: _Target) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What the trail says of a mark: (before, after), of a record that is there only what changes."""
    old = {"status": target.old_status, "source": target.old_source, "remarks": target.old_remarks}
    if target.mark.status is None:
        return {name: value for name, value in old.items() if value}, None
    new = {"status": target.mark.status, "source": Source.MANUAL.value, "remarks": target.mark.remarks}
    if target.old_id is None:
        return None, {**{name: value for name, value in new.items() if value}, "session": session.pk}
    changed = [name for name, value in new.items() if value is not None and value != old[name]]
    return {name: old[name] for name in changed}, {name: new[name] for name in changed}


def _json(values: dict[str, Any] | None) -> str | None:
    return None if values is None else json.dumps(plain(values))


class UnknownStatus(Invalid):
    code = "invalid_choice"

    def __init__(self, **context: Any) -> None:
        super().__init__(attr="status", detail=_("There is no such status."))


_SINGLE: dict[str, type[DomainError]] = {
    "student_not_on_roster": errors.StudentNotOnRoster,
    "invalid_choice": UnknownStatus,
}
