"""The school at a glance, every number counted from rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import connection

from accounts.models import School


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day of the school: classes by state, and how many students were seen in them."""

    planned: int
    running: int
    held: int
    unconfirmed: int
    cancelled: int
    students_seen: int


_DAY = """
SELECT count(*) FILTER (WHERE s.status <> 'cancelled'), count(*) FILTER (WHERE s.status = 'open'),
       count(*) FILTER (WHERE s.status IN ('closed', 'locked')), count(*) FILTER (WHERE s.status = 'unconfirmed'),
       count(*) FILTER (WHERE s.status = 'cancelled'),
       (SELECT count(DISTINCT r.student_id) FROM attendance_record r
          JOIN attendance_session seen ON seen.id = r.session_id AND seen.held_on = r.held_on
         WHERE r.held_on = %(day)s AND seen.school_id = %(school)s AND seen.held_on = %(day)s
           AND seen.status IN ('open', 'closed', 'locked') AND r.status IN ('present', 'late'))
  FROM attendance_session s WHERE s.school_id = %(school)s AND s.held_on = %(day)s
"""

_TREND = """
SELECT d.held_on, f.percentage, d.held
  FROM (SELECT s.held_on, count(DISTINCT s.id) AS held,
               count(*) FILTER (WHERE r.status = 'present') AS present,
               count(*) FILTER (WHERE r.status = 'late') AS late,
               count(*) FILTER (WHERE r.status = 'absent') AS absent,
               count(*) FILTER (WHERE r.status = 'excused') AS excused
          FROM attendance_session s
          JOIN attendance_record r ON r.session_id = s.id AND r.held_on = s.held_on
         WHERE s.school_id = %(school)s AND s.held_on BETWEEN %(first)s AND %(last)s
           AND r.held_on BETWEEN %(first)s AND %(last)s AND s.status IN ('closed', 'locked')
         GROUP BY s.held_on) d
  JOIN attendance_configuration c ON c.school_id = %(school)s
  CROSS JOIN LATERAL attendance_figures(d.present, d.late, d.absent, d.excused, c.late_weight,
       c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) f
 ORDER BY d.held_on
"""


@dataclass(frozen=True, slots=True)
class TrendDay:
    day: date
    percentage: Decimal | None
    held: int


@dataclass(frozen=True, slots=True)
class SectionFigures:
    """A section's pooled percentage; `below` of its `students` are under the threshold."""

    section_id: UUID
    course: str
    group: str
    faculty: str
    percentage: Decimal | None
    band: str | None
    below: int
    students: int


# A student's figures count for the section in which they sit now, pooled over the course as everywhere.
_SECTIONS = """
SELECT sec.id, course.title, coalesce(cohort.code, sec.name), coalesce(u.full_name, ''),
       f.percentage, f.band, p.below, p.students
  FROM (SELECT e.section_id, count(*) AS students, sum(t.present)::bigint AS present, sum(t.late)::bigint AS late,
               sum(t.absent)::bigint AS absent, sum(t.excused)::bigint AS excused,
               count(*) FILTER (WHERE own.band <> 'clear') AS below
          FROM academics_enrollment e
          JOIN academics_section sec ON sec.id = e.section_id AND sec.school_id = %(school)s AND sec.term_id = %(term)s
          JOIN attendance_statistics t
                 ON t.student_id = e.student_id AND t.course_id = sec.course_id AND t.term_id = sec.term_id
          JOIN attendance_configuration c ON c.school_id = %(school)s
          CROSS JOIN LATERAL attendance_figures(t.present, t.late, t.absent, t.excused, c.late_weight,
               c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) own
         WHERE e.joined_on <= %(day)s AND (e.left_on IS NULL OR e.left_on > %(day)s) AND t.held > 0
         GROUP BY e.section_id) p
  JOIN academics_section sec ON sec.id = p.section_id
  JOIN academics_course course ON course.id = sec.course_id
  LEFT JOIN academics_cohort cohort ON cohort.id = sec.cohort_id
  LEFT JOIN academics_faculty fac ON fac.id = sec.faculty_id
  LEFT JOIN accounts_user u ON u.id = fac.user_id
  JOIN attendance_configuration c ON c.school_id = %(school)s
  CROSS JOIN LATERAL attendance_figures(p.present, p.late, p.absent, p.excused, c.late_weight,
       c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) f
 ORDER BY f.percentage NULLS LAST, course.title, 3 LIMIT %(limit)s
"""


def trend(school: School, first: date, last: date) -> list[TrendDay]:
    """The pooled percentage of each day on which a class was held, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_TREND, {"school": school.pk, "first": first, "last": last})
        return [TrendDay(*row) for row in cursor.fetchall()]


def lowest_sections(
    school: School, term_id: int | None, day: date, *, limit: int = 15
) -> list[SectionFigures]:
    """Sections of a term that have held a class, lowest percentage first."""
    if term_id is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SECTIONS, {"school": school.pk, "term": term_id, "day": day, "limit": limit})
        return [SectionFigures(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Attention:
    """Classes that wait for a word: never opened, or held on a holiday of the whole school."""

    unconfirmed: int
    held_on_holidays: int


_ATTENTION = """
SELECT count(*) FILTER (WHERE s.status = 'unconfirmed'),
       count(*) FILTER (WHERE s.status = 'closed' AND EXISTS (
            SELECT 1 FROM attendance_holiday h
             WHERE h.school_id = s.school_id AND h.date = s.held_on AND h.department_id IS NULL))
  FROM attendance_session s WHERE s.school_id = %(school)s AND s.status IN ('unconfirmed', 'closed')
"""


def at_a_glance(school: School, day: date) -> tuple[DayFigures, Attention]:
    """The day in figures, and what waits from any day. One query: the page that shows both asks for much else."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT day.*, waiting.* FROM ({_DAY}) AS day CROSS JOIN ({_ATTENTION}) AS waiting",
            {"school": school.pk, "day": day},
        )
        figures = cursor.fetchone() or (0,) * 8
    return DayFigures(*figures[:6]), Attention(*figures[6:])
