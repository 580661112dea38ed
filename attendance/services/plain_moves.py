"""Opening a planned class and closing an open one, by a teacher of it: the least that has to be sent.

`services.sessions` decides the same and every other move; its rows travel through models, which for these two, the
most frequent by far, costs more than the rows themselves. Here a class that is not exactly as it should be is left
alone, and the caller goes there. What is absent and what counts is written by the very statements of `sessions` and
`statistics`. The tests hold both equal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from attendance.models import Session
from attendance.models.sessions import OPEN_EARLY
from attendance.selectors.in_charge import TEACHER
from attendance.services import sessions, statistics
from core import context, live
from core.db import prepared
from core.ids import uuid7

_ENTRY = """
    INSERT INTO attendance_audit_log (id, at, school_id, operation_id, actor_id, actor_kind, action, object_type,
                                      object_id, before, after, reason, ip, request_id)
    SELECT %(entry)s, %(now)s, m.school_id, %(operation)s, %(actor)s::bigint, 'user', {action}, 'session', m.id::text,
           {before}, {after}, '', %(ip)s::inet, %(request)s
      FROM moved m
"""
_OPEN = f"""
WITH class AS MATERIALIZED (
    SELECT s.id FROM attendance_session s {TEACHER.format(user="%(actor)s")}
     WHERE s.id = %(session)s AND s.status = 'scheduled' AND s.starts_at - %(early)s::interval <= %(now)s
       AND s.ends_at > %(now)s
       FOR UPDATE OF s
), moved AS (
    UPDATE attendance_session s
       SET status = 'open', status_reason = '', opened_at = %(now)s, opened_by_id = %(actor)s::bigint,
           qr_started_at = %(now)s, opened_by_human_at = %(now)s
      FROM class WHERE s.id = class.id
    RETURNING s.id, s.school_id
), told AS ({
    _ENTRY.format(
        action="'session.open'",
        before="jsonb_build_object('status', 'scheduled')",
        after="jsonb_build_object('status', 'open')",
    )
})
SELECT count(*) FROM moved
"""
_HOLD_OPEN = f"""
SELECT s.held_on, s.school_id, c.auto_mark_absent, c.send_attendance_notifications
  FROM attendance_session s {TEACHER.format(user="%(actor)s")}
  JOIN attendance_configuration c ON c.school_id = s.school_id
 WHERE s.id = %(session)s AND s.status = 'open'
   FOR UPDATE OF s
"""
_CLOSE = f"""
WITH moved AS (
    UPDATE attendance_session s
       SET status = 'closed', status_reason = '', closed_at = %(now)s, closed_by_id = %(actor)s::bigint,
           absences_untold = %(tell)s
     WHERE s.id = %(session)s
    RETURNING s.id, s.school_id
), told AS ({
    _ENTRY.format(
        action="'session.close'",
        before="jsonb_build_object('status', 'open')",
        after='''jsonb_build_object('status', 'closed', 'absent', %(absent)s::int)
           || CASE WHEN %(on_leave)s::int > 0 THEN jsonb_build_object('on_leave', %(on_leave)s::int) ELSE '{}' END''',
    )
})
SELECT count(*) FROM moved
"""


def open_planned(*, session_id: UUID, user_id: int, now: datetime) -> bool:
    """Open it as `sessions.open_session` does; whether it was opened."""
    known = {**_known(session_id, user_id, now), "early": OPEN_EARLY}
    with transaction.atomic(), prepared() as cursor:
        cursor.execute(_OPEN, known)
        (opened,) = cursor.fetchone() or (0,)
    if opened:
        live.announcer.tell([session_id])
    return bool(opened)


def close_open(*, session_id: UUID, user_id: int, now: datetime) -> bool:
    """Close it as `sessions.close_session` does; whether it was closed."""
    known = _known(session_id, user_id, now)
    with transaction.atomic():
        with prepared() as cursor:
            cursor.execute(_HOLD_OPEN, known)
            found = cursor.fetchone()
        if found is None:
            return False
        held_on, school_id, mark_absent, tell = found
        session = Session(pk=session_id, held_on=held_on, school_id=school_id)
        absent, on_leave = sessions.mark_absentees(session, mark_absent=mark_absent, now=now)
        with prepared() as cursor:
            cursor.execute(_CLOSE, {**known, "absent": absent, "on_leave": on_leave, "tell": tell})
        statistics.add(session, now=now)
    live.announcer.tell([session_id])
    return True


def _known(session_id: UUID, user_id: int, now: datetime) -> dict[str, Any]:
    here = context.current()
    return {
        "session": session_id,
        "actor": user_id,
        "now": now,
        "entry": uuid7(),
        "operation": uuid7(),
        "ip": here.ip,
        "request": here.request_id,
    }
