"""Marks of one class as rows: what stands of its students, and the statements that write other marks.

For marks made here and now (`marking`) and for those that a device without network brings later (`offline`): both
look, judge, and write what changes together with its entries in the trail, in a few statements whatever their number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from academics.models import Student
from accounts.models import User
from attendance.enums import Source, Status
from attendance.models import Session
from attendance.services import notices
from audit.services.entries import operation, plain
from core import context
from core.ids import uuid7

#: How often to look and write again after `Overtaken`. The second try meets another one only where the record was taken
#: away and made again meanwhile.
TRIES = 5
ABSENT = Status.ABSENT.value


@dataclass(frozen=True, slots=True)
class Place:
    """A student of a class, and the record that is there (`old_*`), if any. Without a section: not of the class."""

    student_id: int | None
    section_id: UUID | None
    snapshot_id: int | None
    old_id: UUID | None
    old_status: str | None
    old_source: str | None
    old_remarks: str | None
    old_marked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Capture:
    """How and when a mark was made, where that was not here and now: on a device without network."""

    source: str
    at: datetime
    device: str


@dataclass(frozen=True, slots=True)
class Row:
    """What is to stand of a student: a status, or None to take the mark away.

    `remarks` None leaves what stands there. Without a `capture` it is a mark by hand of this moment.
    """

    place: Place
    status: str | None
    remarks: str | None = None
    capture: Capture | None = None


class Overtaken(Exception):
    """Somebody, or a scan, made a record between our look and our writing."""


# Whoever has a record belongs to the class, also if a transfer entered later took them off its roster. A record that
# is there is kept as it is seen, so that the trail tells what the mark really replaced.
_LOOK_UP = """
WITH old AS MATERIALIZED (
    SELECT r.id, r.student_id, r.section_id, r.status, r.source, r.remarks, r.marked_at
      FROM attendance_record r
     WHERE r.session_id = %(session)s AND r.held_on = %(held_on)s
       AND r.student_id IN (SELECT st.id FROM academics_student st
                             WHERE st.school_id = %(school)s
                               AND st.enrollment_no IN (SELECT upper(number) FROM unnest(%(number)s::text[]) number))
     ORDER BY r.student_id FOR UPDATE
)
SELECT st.id, coalesce(place.section_id, r.section_id), st.current_snapshot_id, r.id, r.status, r.source, r.remarks,
       r.marked_at
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


def _write_statement(*, unnest: str, names: str, source: str, at: str, offline: str, metadata: str) -> str:
    """What is written over a record is all that stands: where it once came from is in the trail."""
    return f"""
WITH input AS (
    SELECT * FROM unnest(%(record)s::uuid[], %(student)s::bigint[], %(section)s::uuid[], %(snapshot)s::bigint[],
                         %(status)s::text[], %(remarks)s::text[], %(told_before)s::jsonb[], %(told_after)s::jsonb[],
                         %(audit)s::uuid[]{unnest})
        AS t (record_id, student_id, section_id, snapshot_id, status, remarks, told_before, told_after, audit_id{
        names
    })
), written AS (
    INSERT INTO attendance_record AS r (id, held_on, session_id, school_id, section_id, student_id, snapshot_id,
                                        status, source, marked_at, marked_by_id, remarks, offline, metadata)
    SELECT record_id, %(held_on)s, %(session)s, %(school)s, section_id, student_id, snapshot_id, status, {
        source
    },
           {at}, %(actor)s, coalesce(remarks, ''), {offline}, {metadata}
      FROM input ORDER BY student_id
    ON CONFLICT (session_id, student_id, held_on) DO UPDATE
       SET status = excluded.status, source = excluded.source, marked_at = excluded.marked_at,
           marked_by_id = excluded.marked_by_id, leave_id = NULL, offline = excluded.offline,
           metadata = (r.metadata - 'device') || excluded.metadata,
           remarks = coalesce((SELECT remarks FROM input i WHERE i.student_id = excluded.student_id), r.remarks)
    RETURNING r.id, r.student_id
), told AS (
    {
        _AUDIT.format(
            action="CASE WHEN i.told_before IS NULL THEN 'record.create' ELSE 'record.update' END",
            record="w.id",
        )
    }
      FROM input i JOIN written w ON w.student_id = i.student_id
)
SELECT count(*) FROM input i JOIN written w ON w.student_id = i.student_id
 WHERE i.told_before IS NULL AND w.id <> i.record_id
"""


_WRITE = _write_statement(
    unnest="", names="", source="'manual'", at="%(now)s", offline="false", metadata="'{}'::jsonb"
)
_WRITE_CAPTURED = _write_statement(
    unnest=", %(source)s::text[], %(at)s::timestamptz[], %(device)s::text[]",
    names=", source, at, device",
    source="source",
    at="at",
    offline="true",
    metadata="jsonb_build_object('device', device)",
)

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


def look_up(session: Session, numbers: Sequence[str]) -> list[Place]:
    """A place for each enrollment number, in their order. Records that are there are held from now on."""
    with connection.cursor() as cursor:
        cursor.execute(
            _LOOK_UP,
            {
                "ord": list(range(len(numbers))),
                "number": list(numbers),
                "school": session.school_id,
                "session": session.pk,
                "held_on": session.held_on,
            },
        )
        return [Place(*row) for row in cursor.fetchall()]


def write(session: Session, rows: Sequence[Row], *, by: User, reason: str, now: datetime) -> None:
    """Let these be the marks of their students, one row for each: all of them captures, or none.

    Figures are the caller's: they are taken before and added after. Raises Overtaken.
    """
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
    with operation(by=by, at=now) as op, connection.cursor() as cursor:
        common["operation"] = op.id
        kept = [row for row in rows if row.status is not None]
        if kept:
            captures = [row.capture for row in kept if row.capture is not None]
            statement = _WRITE_CAPTURED if captures else _WRITE
            cursor.execute(statement, {**common, **_columns(session, kept), **_captured(captures)})
            if cursor.fetchone() != (0,):
                raise Overtaken
        removed = [row for row in rows if row.status is None and row.place.old_id is not None]
        if removed:
            cursor.execute(_REMOVE, {**common, **_columns(session, removed)})
    back = [
        row.place.student_id
        for row in rows
        if row.place.student_id is not None and row.place.old_status == ABSENT and row.status != ABSENT
    ]
    if back and session.is_counted:
        users = Student.objects.filter(pk__in=back).values("user")
        notices.no_longer_absent(session.school_id, [session.pk], users)


def _columns(session: Session, rows: Sequence[Row]) -> dict[str, list[Any]]:
    told = [_told(session, row) for row in rows]
    return {
        "record": [uuid7() for _row in rows],
        "audit": [uuid7() for _row in rows],
        "student": [row.place.student_id for row in rows],
        "section": [row.place.section_id for row in rows],
        "snapshot": [row.place.snapshot_id for row in rows],
        "status": [row.status for row in rows],
        "remarks": [row.remarks for row in rows],
        "told_before": [_json(before) for before, _after in told],
        "told_after": [_json(after) for _before, after in told],
    }


def _captured(captures: Sequence[Capture]) -> dict[str, list[Any]]:
    return {
        "source": [capture.source for capture in captures],
        "at": [capture.at for capture in captures],
        "device": [capture.device for capture in captures],
    }


def _told(session: Session, row: Row) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What the trail says of a mark: (before, after), of a record that is there only what changes.

    Of a capture also when it was made: the entry itself tells when it came.
    """
    place, capture = row.place, row.capture
    old = {"status": place.old_status, "source": place.old_source, "remarks": place.old_remarks}
    if row.status is None:
        return {name: value for name, value in old.items() if value}, None
    source = Source.MANUAL.value if capture is None else capture.source
    new = {"status": row.status, "source": source, "remarks": row.remarks}
    made = {} if capture is None else {"offline": True, "marked_at": capture.at}
    if place.old_id is None:
        return None, {**{name: value for name, value in new.items() if value}, **made, "session": session.pk}
    changed = [name for name, value in new.items() if value is not None and value != old[name]]
    return {name: old[name] for name in changed}, {**{name: new[name] for name in changed}, **made}


def _json(values: dict[str, Any] | None) -> str | None:
    return None if values is None else json.dumps(plain(values))
