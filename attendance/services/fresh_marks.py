"""The marks of a class of whom nobody has one yet, made by one of its teachers: one statement, one commit.

This is what happens at the beginning of every class that is not scanned. `services.marking` decides the same and much
more (other people, closed classes, marks that change or go, refusals that say why) in a dozen statements; here
everything must be plain, or nothing is written and the caller goes there. The tests hold both equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from attendance.selectors.in_charge import TEACHER
from core import context, live
from core.db import prepared
from core.ids import uuid7

# Whoever closes the class meanwhile is waited for, and then it is not open any more: PostgreSQL looks again.
_STATEMENT = f"""
WITH class AS MATERIALIZED (
    SELECT s.id, s.held_on, s.school_id
      FROM attendance_session s {TEACHER.format(user="%(actor)s")}
     WHERE s.id = %(session)s AND s.status IN ('open', 'unconfirmed')
       FOR SHARE OF s
), placed AS MATERIALIZED (
    SELECT i.record_id, i.entry_id, i.status, c.id AS session_id, c.held_on, c.school_id, st.id AS student_id,
           st.current_snapshot_id AS snapshot_id, place.section_id
      FROM class c
     CROSS JOIN unnest(%(number)s::text[], %(status)s::text[], %(record)s::uuid[], %(entry)s::uuid[])
           AS i (number, status, record_id, entry_id)
      JOIN academics_student st ON st.school_id = c.school_id AND st.enrollment_no = upper(i.number)
      JOIN LATERAL (
            SELECT e.section_id FROM attendance_session_sections ss
              JOIN academics_enrollment e ON e.section_id = ss.section_id AND e.student_id = st.id
                   AND e.joined_on <= c.held_on AND (e.left_on IS NULL OR e.left_on > c.held_on)
             WHERE ss.session_id = c.id ORDER BY e.section_id LIMIT 1) place ON true
), made AS (
    INSERT INTO attendance_record (id, held_on, session_id, school_id, section_id, student_id, snapshot_id, status,
                                   source, marked_at, marked_by_id)
    SELECT record_id, held_on, session_id, school_id, section_id, student_id, snapshot_id, status, 'manual',
           %(now)s, %(actor)s::bigint
      FROM placed ORDER BY student_id
    ON CONFLICT DO NOTHING
    RETURNING id
), told AS (
    INSERT INTO attendance_audit_log (id, at, school_id, operation_id, actor_id, actor_kind, action, object_type,
                                      object_id, after, reason, ip, request_id)
    SELECT p.entry_id, %(now)s, p.school_id, %(operation)s, %(actor)s::bigint, 'user', 'record.create',
           'attendancerecord', p.record_id::text,
           jsonb_build_object('status', p.status, 'source', 'manual', 'session', p.session_id),
           '', %(ip)s::inet, %(request)s
      FROM placed p JOIN made m ON m.id = p.record_id
)
SELECT count(*) FROM made
"""


class _NotPlain(Exception):
    """Undo it: somebody had a mark, or does not belong to the class, or may not mark in it."""


def save(
    *, session_id: UUID, numbers: Sequence[str], statuses: Sequence[str], user_id: int, now: datetime
) -> bool:
    """Make these marks, all or none; whether they were made. `numbers` are enrollment numbers, each once.

    Raises DatabaseError.
    """
    here = context.current()
    try:
        with transaction.atomic():
            with prepared() as cursor:
                cursor.execute(
                    _STATEMENT,
                    {
                        "session": session_id,
                        "actor": user_id,
                        "number": list(numbers),
                        "status": list(statuses),
                        "record": [uuid7() for _number in numbers],
                        "entry": [uuid7() for _number in numbers],
                        "operation": uuid7(),
                        "now": now,
                        "ip": here.ip,
                        "request": here.request_id,
                    },
                )
                (made,) = cursor.fetchone() or (0,)
            if made != len(numbers):
                raise _NotPlain
    except _NotPlain:
        return False
    live.announcer.tell([session_id])
    return True
