"""A department in figures, section by section."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from academics.models import Department, Term
from attendance.selectors.course_summary import BandCounts
from attendance.selectors.figures import day_of, rows_of
from attendance.selectors.trends import Trend, weekly_trend


@dataclass(frozen=True, slots=True)
class SectionStanding:
    """A section: its `students`, the classes held, their pooled percentage, and how many students are in each band."""

    bands: BandCounts
    section: UUID
    code: str
    title: str
    cohort: str | None
    name: str
    faculty: str
    students: int
    sessions: int
    percentage: Decimal | None
    band: str | None

    @property
    def group(self) -> str:
        return self.cohort or self.name


@dataclass(frozen=True, slots=True)
class DepartmentSummary:
    """The sections of a department's courses in a term, by course code and group, and its weeks."""

    department: Department
    term: Term | None
    sections: list[SectionStanding]
    trend: Trend


# Each student's own band first, then the section's over pooled counts.
_SECTIONS = """
WITH mine AS (
    SELECT sec.id, sec.course_id, sec.cohort_id, sec.faculty_id, sec.name
      FROM academics_section sec JOIN academics_course course ON course.id = sec.course_id
     WHERE course.department_id = %(department)s AND sec.term_id = %(term)s
), pooled AS (
    SELECT mine.id, count(e.student_id) AS students,
           coalesce(sum(t.present), 0)::bigint AS present, coalesce(sum(t.late), 0)::bigint AS late,
           coalesce(sum(t.absent), 0)::bigint AS absent, coalesce(sum(t.excused), 0)::bigint AS excused,
           count(*) FILTER (WHERE own.band = 'clear') AS clear,
           count(*) FILTER (WHERE own.band = 'condonable') AS condonable,
           count(*) FILTER (WHERE own.band = 'shortage') AS shortage
      FROM mine
      JOIN attendance_configuration c ON c.school_id = %(school)s
      LEFT JOIN academics_enrollment e ON e.section_id = mine.id
             AND e.joined_on <= %(on)s AND (e.left_on IS NULL OR e.left_on > %(on)s)
      LEFT JOIN attendance_statistics t
             ON t.student_id = e.student_id AND t.term_id = %(term)s AND t.course_id = mine.course_id
      LEFT JOIN LATERAL attendance_figures(t.present, t.late, t.absent, t.excused, c.late_weight,
           c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) own
             ON t.id IS NOT NULL
     GROUP BY mine.id
), held AS (
    SELECT ss.section_id, count(*) AS sessions
      FROM attendance_session_sections ss JOIN attendance_session s ON s.id = ss.session_id
     WHERE ss.section_id IN (SELECT id FROM mine) AND s.term_id = %(term)s AND s.status IN ('closed', 'locked')
     GROUP BY 1
)
SELECT p.clear, p.condonable, p.shortage, p.students - p.clear - p.condonable - p.shortage,
       mine.id, course.code, course.title, cohort.code, mine.name, coalesce(u.full_name, ''),
       p.students, coalesce(held.sessions, 0), f.percentage, f.band
  FROM mine
  JOIN pooled p ON p.id = mine.id
  JOIN academics_course course ON course.id = mine.course_id
  JOIN attendance_configuration c ON c.school_id = %(school)s
  LEFT JOIN held ON held.section_id = mine.id
  LEFT JOIN academics_cohort cohort ON cohort.id = mine.cohort_id
  LEFT JOIN academics_faculty fac ON fac.id = mine.faculty_id
  LEFT JOIN accounts_user u ON u.id = fac.user_id
 CROSS JOIN LATERAL attendance_figures(p.present, p.late, p.absent, p.excused, c.late_weight,
       c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) f
 ORDER BY course.code, coalesce(cohort.code, mine.name)
"""


def department_summary(*, department: Department, term: Term | None, today: date) -> DepartmentSummary:
    """Every section of the department's courses in a term, three queries; none in a school without terms.

    `today` is the school's date, which says who sits in a section.
    """
    if term is None:
        return DepartmentSummary(department, None, [], Trend([], None))
    rows = rows_of(
        _SECTIONS,
        {
            "department": department.pk,
            "term": term.pk,
            "school": department.school_id,
            "on": day_of(term, today=today),
        },
    )
    sections = [
        SectionStanding(BandCounts(clear, condonable, shortage, none), *section)
        for clear, condonable, shortage, none, *section in rows
    ]
    trend = weekly_trend(sections=[one.section for one in sections], term_id=term.pk)
    return DepartmentSummary(department, term, sections, trend)
