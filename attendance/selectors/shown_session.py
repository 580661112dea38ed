"""A class as the API shows it, in one statement: for whoever opens and closes classes all day.

The plain way (`selectors.sessions.with_details`, then `SessionSerializer`) takes four statements and a serializer of
some forty fields, which costs more than opening the class. The tests hold both equal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from attendance.selectors.live import counts_of
from core.db import prepared

_STATEMENT = """
SELECT s.id,
       (SELECT coalesce(json_agg(json_build_object('id', sec.id, 'course', json_build_object('code', c.code,
                   'title', c.title), 'cohort', h.code, 'name', sec.name) ORDER BY c.code, sec.id), '[]')
          FROM attendance_session_sections ss
          JOIN academics_section sec ON sec.id = ss.section_id
          JOIN academics_course c ON c.id = sec.course_id
          LEFT JOIN academics_cohort h ON h.id = sec.cohort_id
         WHERE ss.session_id = s.id),
       (SELECT coalesce(json_agg(json_build_object('employee_no', f.employee_no, 'name', u.full_name)
                                 ORDER BY f.employee_no), '[]')
          FROM attendance_session_faculty sf
          JOIN academics_faculty f ON f.id = sf.faculty_id JOIN accounts_user u ON u.id = f.user_id
         WHERE sf.session_id = s.id),
       (SELECT json_build_object('employee_no', f.employee_no, 'name', u.full_name)
          FROM academics_faculty f JOIN accounts_user u ON u.id = f.user_id WHERE f.id = s.substitute_id),
       room.code, s.term_id, s.slot_id, s.held_on, s.starts_at, s.ends_at, s.topic, s.status, s.status_reason,
       s.capture_modes, s.opened_at, s.opened_by_human_at, s.closed_at, s.reopened_at, s.locked_at, school.timezone
  FROM attendance_session s
  JOIN accounts_school school ON school.id = s.school_id
  LEFT JOIN academics_room room ON room.id = s.room_id
 WHERE s.id = %(session)s
"""


def shown_session(ident: UUID) -> dict[str, Any] | None:
    """What `SessionSerializer` shows of the class with its counts; None when there is none. Two queries."""
    with prepared() as cursor:
        cursor.execute(_STATEMENT, {"session": ident})
        row = cursor.fetchone()
    if row is None:
        return None
    (
        _id, sections, faculty, substitute, room, term, slot, held_on, starts_at, ends_at, topic, status, reason,
        capture_modes, opened_at, opened_by_human_at, closed_at, reopened_at, locked_at, timezone,
    ) = row  # fmt: skip
    zone = ZoneInfo(timezone)
    counts = counts_of([ident]).get(ident)
    return {
        "id": str(ident),
        "sections": sections,
        "faculty": faculty,
        "substitute": substitute,
        "room": room,
        "term": term,
        "slot": str(slot) if slot else None,
        "held_on": held_on.isoformat(),
        "starts_at": _shown(starts_at, zone),
        "ends_at": _shown(ends_at, zone),
        "topic": topic,
        "status": status,
        "status_reason": reason,
        "counts": counts.as_json() if counts else None,
        "capture_modes": capture_modes,
        "opened_at": _shown(opened_at, zone),
        "opened_by_human_at": _shown(opened_by_human_at, zone),
        "closed_at": _shown(closed_at, zone),
        "reopened_at": _shown(reopened_at, zone),
        "locked_at": _shown(locked_at, zone),
        "extra": slot is None,
        "stream_url": f"{settings.LIVE_URL}/live/sessions/{ident}/",
    }


def _shown(at: datetime | None, zone: ZoneInfo) -> str | None:
    """As DRF writes an instant."""
    if at is None:
        return None
    text = at.astimezone(zone).isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text
