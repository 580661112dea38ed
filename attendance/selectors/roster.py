"""Who belongs to a class, and what each of them is marked as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from attendance.models import Session
from core.db import prepared


@dataclass(frozen=True, slots=True)
class RosterMark:
    """The record of a student in the class; `marked_at` in the school's time."""

    id: UUID
    status: str
    source: str
    marked_at: datetime
    remarks: str


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One student of the class: `student` is the enrollment number, `section` the id of the one they sit in.

    `percentage` is of the course and term so far, None when nothing counts yet; `at_risk` says that it lies
    below the school's threshold.
    """

    student: str
    name: str
    section: UUID
    record: RosterMark | None
    percentage: Decimal | None
    at_risk: bool


# The roster of the day, and whoever has a record all the same: the grid and the live counts must agree.
_ROSTER = """
WITH who AS (
    SELECT e.student_id, e.section_id
      FROM attendance_session_sections ss
      JOIN academics_enrollment e ON e.section_id = ss.section_id
           AND e.joined_on <= %(held_on)s AND (e.left_on IS NULL OR e.left_on > %(held_on)s)
     WHERE ss.session_id = %(session)s
    UNION ALL
    SELECT r.student_id, r.section_id FROM attendance_record r
     WHERE r.session_id = %(session)s AND r.held_on = %(held_on)s
), one AS (
    SELECT DISTINCT ON (student_id) student_id, section_id FROM who ORDER BY student_id, section_id
)
SELECT st.enrollment_no, u.full_name, coalesce(r.section_id, one.section_id), r.id, r.status, r.source, r.marked_at,
       r.remarks, f.percentage, coalesce(f.band <> 'clear', false)
  FROM one
  JOIN academics_student st ON st.id = one.student_id
  JOIN accounts_user u ON u.id = st.user_id
  JOIN academics_section sec ON sec.id = one.section_id
  JOIN attendance_configuration c ON c.school_id = st.school_id
  LEFT JOIN attendance_record r
         ON r.session_id = %(session)s AND r.held_on = %(held_on)s AND r.student_id = one.student_id
  LEFT JOIN attendance_statistics t
         ON t.student_id = one.student_id AND t.term_id = %(term)s AND t.course_id = sec.course_id
  LEFT JOIN LATERAL attendance_figures(t.present, t.late, t.absent, t.excused, c.late_weight,
       c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) f
         ON t.id IS NOT NULL
 ORDER BY st.enrollment_no
"""


def roster(session: Session) -> list[RosterEntry]:
    """Every student of the class in the order of enrollment numbers. One query."""
    zone = session.school.tz
    with prepared() as cursor:
        cursor.execute(_ROSTER, {"session": session.pk, "held_on": session.held_on, "term": session.term_id})
        return [_entry(row, zone) for row in cursor.fetchall()]


def _entry(row: tuple[Any, ...], zone: Any) -> RosterEntry:
    student, name, section, ident, status, source, marked_at, remarks, percentage, at_risk = row
    record = None
    if ident is not None:
        record = RosterMark(ident, status, source, marked_at.astimezone(zone), remarks)
    return RosterEntry(student, name, section, record, percentage, at_risk)
