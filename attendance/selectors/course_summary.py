"""A class in figures: its average, how its students are spread, each of them, and the weeks.

Students are those who sit in it on a day; their figures are of the course, all sections pooled, as everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from academics.models import Course, Term
from attendance.enums import Band
from attendance.selectors.figures import Figures, day_of, rows_of
from attendance.selectors.trends import Trend, weekly_trend

#: Width of a bar of the distribution, in points of a percentage.
WIDTH = 10


@dataclass(frozen=True, slots=True)
class MemberFigures:
    """A student of the class: `student` is the enrollment number, `section` the id of the one they sit in."""

    student: str
    name: str
    section: UUID
    figures: Figures


@dataclass(frozen=True, slots=True)
class Bar:
    """`students` with a percentage from `low` to below `high`; the last bar holds 100 as well."""

    low: int
    high: int
    students: int


@dataclass(frozen=True, slots=True)
class BandCounts:
    """Students by band; `none` have no percentage, because nothing counts for them yet."""

    clear: int
    condonable: int
    shortage: int
    none: int


@dataclass(frozen=True, slots=True)
class CourseSummary:
    """Sections of one course in one term.

    `sessions` were held and count. `average` is over the pooled counts of all students, never a mean of
    percentages; its `need` and `can_miss` say nothing, for nobody attends as a class. `threshold` and `floor` are
    the school's, in per cent. `term` is None in a school without terms.
    """

    course: Course
    term: Term | None
    threshold: int
    floor: int
    sessions: int
    average: Figures
    bands: BandCounts
    histogram: list[Bar]
    students: list[MemberFigures]
    trend: Trend


# GROUPING SETS adds the pooled row, which is there also when nobody is.
_MEMBERS = """
WITH members AS (
    SELECT DISTINCT ON (e.student_id) e.student_id, e.section_id
      FROM academics_enrollment e
     WHERE e.section_id = ANY (%(sections)s)
       AND e.joined_on <= %(on)s AND (e.left_on IS NULL OR e.left_on > %(on)s)
     ORDER BY e.student_id, e.section_id
), pooled AS (
    SELECT m.student_id, m.section_id,
           coalesce(sum(t.held), 0)::bigint AS held, coalesce(sum(t.present), 0)::bigint AS present,
           coalesce(sum(t.late), 0)::bigint AS late, coalesce(sum(t.absent), 0)::bigint AS absent,
           coalesce(sum(t.excused), 0)::bigint AS excused
      FROM members m
      LEFT JOIN attendance_statistics t
             ON t.student_id = m.student_id AND t.term_id = %(term)s AND t.course_id = %(course)s
     GROUP BY GROUPING SETS ((m.student_id, m.section_id), ())
)
SELECT c.attendance_threshold_percent, c.condonation_floor_percent, st.enrollment_no, u.full_name, p.section_id,
       p.held, p.present, p.late, p.absent, p.excused, f.percentage, f.band, f.need, f.can_miss, f.attended, f.counted
  FROM pooled p
  JOIN attendance_configuration c ON c.school_id = %(school)s
  LEFT JOIN academics_student st ON st.id = p.student_id
  LEFT JOIN accounts_user u ON u.id = st.user_id
 CROSS JOIN LATERAL attendance_figures(p.present, p.late, p.absent, p.excused, c.late_weight,
       c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) f
 ORDER BY st.enrollment_no NULLS LAST
"""

_SESSIONS = """
SELECT count(DISTINCT s.id) FROM attendance_session s
  JOIN attendance_session_sections ss ON ss.session_id = s.id
 WHERE ss.section_id = ANY (%(sections)s) AND s.term_id = %(term)s AND s.status IN ('closed', 'locked')
"""


def course_summary(
    *, course: Course, term: Term | None, sections: Collection[UUID], today: date
) -> CourseSummary:
    """The figures of some sections (ids) of a course and term, whatever the number of students four queries.

    `today` is the school's date: whoever sits in a section then, or on the day of the term nearest to it, is shown.
    """
    asked: dict[str, Any] = {
        "sections": list(sections),
        "course": course.pk,
        "term": term.pk if term else None,
        "school": course.school_id,
        "on": day_of(term, today=today) if term else today,
    }
    *rows, (threshold, floor, _number, _name, _section, *average) = rows_of(_MEMBERS, asked)
    students = [
        MemberFigures(number, name, section, Figures(*figures))
        for _threshold, _floor, number, name, section, *figures in rows
    ]
    ((sessions,),) = rows_of(_SESSIONS, asked)
    return CourseSummary(
        course=course,
        term=term,
        threshold=threshold,
        floor=floor,
        sessions=sessions,
        average=Figures(*average),
        bands=_bands(students),
        histogram=_histogram([student.figures.percentage for student in students]),
        students=students,
        trend=weekly_trend(sections=sections, term_id=asked["term"]),
    )


def _bands(students: list[MemberFigures]) -> BandCounts:
    found = Counter(student.figures.band for student in students)
    return BandCounts(found[Band.CLEAR], found[Band.CONDONABLE], found[Band.SHORTAGE], found[None])


def _histogram(percentages: list[Decimal | None]) -> list[Bar]:
    """By the percentages as they are shown, so that the picture agrees with the list below it."""
    last = 100 // WIDTH - 1
    found = Counter(min(int(value) // WIDTH, last) for value in percentages if value is not None)
    return [Bar(place * WIDTH, (place + 1) * WIDTH, found[place]) for place in range(last + 1)]
