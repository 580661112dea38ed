"""What becomes of marks when a leave is granted or withdrawn: set-based, whatever the number of classes.

Each function locks the classes that the leave covers, in the order of their ids, before it looks at their marks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from attendance.enums import SessionStatus
from attendance.models import LeaveApplication
from attendance.selectors.leaves import COVERS, OUT_OF_REACH, THEIRS
from attendance.services import leave_effect, notices, statistics
from audit.services.entries import Operation
from core import live

_COVERED = f"""
SELECT s.id FROM attendance_session s JOIN attendance_leave_application l ON l.id = %(leave)s
 WHERE {THEIRS} AND {COVERS.format(held_on="s.held_on", session="s.id")}
 ORDER BY s.id FOR UPDATE OF s
"""

_MARKS = """
SELECT r.id, r.held_on, r.session_id, s.status, r.status, {status}
  FROM attendance_record r
  JOIN attendance_session s ON s.id = r.session_id
  JOIN attendance_leave_application l ON l.id = %(leave)s
 WHERE r.student_id = %(student)s AND r.held_on BETWEEN %(first)s AND %(last)s
   AND r.session_id = ANY (%(sessions)s::uuid[]) AND {which}
 ORDER BY r.session_id FOR UPDATE OF r
"""

_CHANGE = """
UPDATE attendance_record r SET status = i.status, leave_id = %(leave)s
  FROM unnest(%(ids)s::uuid[], %(days)s::date[], %(statuses)s::text[]) AS i (id, held_on, status)
 WHERE r.id = i.id AND r.held_on = i.held_on
"""


@dataclass(frozen=True, slots=True)
class Changed:
    """How many marks were changed, and how many stay as they are because their class is locked."""

    changed: int
    locked: int


@dataclass(frozen=True, slots=True)
class _Mark:
    id: UUID
    held_on: date
    session_id: UUID
    session_status: str
    status: str
    becomes: str


def grant(leave: LeaveApplication, op: Operation, *, locked_too: bool, now: datetime) -> Changed:
    """Turn what the leave covers and is absent into what the leave says. `locked_too`: also in locked classes."""
    marks = _found(leave, which="r.status = 'absent'", status=leave_effect.STATUS)
    return _change(leave, marks, op, made_by=leave.pk, locked_too=locked_too, now=now)


def withdraw(leave: LeaveApplication, op: Operation, *, locked_too: bool, now: datetime) -> Changed:
    """Turn what the leave made, and nobody changed since, back into absent."""
    marks = _found(leave, which="r.leave_id = l.id", status="'absent'")
    return _change(leave, marks, op, made_by=None, locked_too=locked_too, now=now)


def _found(leave: LeaveApplication, *, which: str, status: str) -> list[_Mark]:
    """The marks in question, with their classes locked: none of these closes or changes meanwhile."""
    known: dict[str, Any] = {
        "leave": leave.pk,
        "school": leave.school_id,
        "student": leave.student_id,
        "first": leave.from_date,
        "last": leave.to_date,
        "gone": OUT_OF_REACH,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COVERED, known)
        sessions = [ident for (ident,) in cursor.fetchall()]
        # A statement of its own: it sees what those wrote for whom the locks waited.
        cursor.execute(_MARKS.format(which=which, status=status), {**known, "sessions": sessions})
        return [_Mark(*row) for row in cursor.fetchall()]


def _change(
    leave: LeaveApplication,
    marks: list[_Mark],
    op: Operation,
    *,
    made_by: UUID | None,
    locked_too: bool,
    now: datetime,
) -> Changed:
    free = [mark for mark in marks if locked_too or mark.session_status != SessionStatus.LOCKED]
    if free:
        changed = sorted({mark.session_id for mark in free})
        counted = {
            mark.session_id: mark.held_on for mark in free if mark.session_status in SessionStatus.counted()
        }
        statistics.take_student(leave.student_id, counted, now=now)
        with connection.cursor() as cursor:
            cursor.execute(
                _CHANGE,
                {
                    "leave": made_by,
                    "ids": [mark.id for mark in free],
                    "days": [mark.held_on for mark in free],
                    "statuses": [mark.becomes for mark in free],
                },
            )
        statistics.add_student(leave.student_id, counted, now=now)
        if made_by is not None:
            notices.no_longer_absent(leave.school_id, changed, [leave.student.user_id])
        for mark in free:
            _tell(leave, mark, op, made_by)
        transaction.on_commit(lambda: live.announce(changed))
    return Changed(len(free), len(marks) - len(free))


def _tell(leave: LeaveApplication, mark: _Mark, op: Operation, made_by: UUID | None) -> None:
    op.record(
        "record.update",
        school_id=leave.school_id,
        object_type="attendancerecord",
        object_id=mark.id,
        before={"status": mark.status, "leave": None if made_by else leave.pk},
        after={"status": mark.becomes, "leave": made_by},
    )
