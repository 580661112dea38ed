"""A student's figures. Every percentage, band, need and margin is computed by the SQL function
``attendance_figures`` (see `attendance.sql`), the only place that knows the formula."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from academics.models import Student, Term
from accounts.models import School


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of classes and what follows from them.

    `percentage` has two decimals, 0–100, and is None when nothing counts; `band` is one of `enums.Band`, or None
    with it. `attended` (weighted) of `counted` classes is what the percentage is made of. `need`: how many classes
    in a row bring the student to the threshold; `can_miss`: how many may be missed without falling below it.
    """

    held: int
    present: int
    late: int
    absent: int
    excused: int
    percentage: Decimal | None
    band: str | None
    need: int
    can_miss: int
    attended: Decimal
    counted: int


@dataclass(frozen=True, slots=True)
class CourseFigures:
    """One course of a student in a term, all its sections pooled."""

    course_id: int
    code: str
    title: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class StudentSummary:
    """All courses of a student in a term, by course code, and the same over their pooled counts.

    `threshold` and `floor` are the school's, in per cent. `term` is None in a school without terms.
    """

    student: Student
    term: Term | None
    threshold: int
    floor: int
    courses: list[CourseFigures]
    overall: Figures


# What a student has in a term, also courses of which no class was held yet; GROUPING SETS adds the pooled row.
SUMMARY = """mine AS (
    SELECT course_id, held, present, late, absent, excused FROM attendance_statistics
     WHERE student_id = {student} AND term_id = {term} AND held > 0
    UNION ALL
    SELECT sec.course_id, 0, 0, 0, 0, 0 FROM academics_enrollment e
      JOIN academics_section sec ON sec.id = e.section_id
     WHERE e.student_id = {student} AND sec.term_id = {term}
       AND (e.left_on IS NULL OR e.left_on > {on})
), pooled AS (
    SELECT course_id, coalesce(sum(held), 0)::bigint AS held, coalesce(sum(present), 0)::bigint AS present,
           coalesce(sum(late), 0)::bigint AS late, coalesce(sum(absent), 0)::bigint AS absent,
           coalesce(sum(excused), 0)::bigint AS excused
      FROM mine GROUP BY GROUPING SETS ((course_id), ())
)
SELECT {also}c.attendance_threshold_percent, c.condonation_floor_percent,
       p.course_id, course.code, course.title, p.held, p.present, p.late, p.absent, p.excused,
       f.percentage, f.band, f.need, f.can_miss, f.attended, f.counted
  FROM pooled p{which}
  JOIN attendance_configuration c ON c.school_id = {school}
  LEFT JOIN academics_course course ON course.id = p.course_id
 CROSS JOIN LATERAL attendance_figures(p.present, p.late, p.absent, p.excused, c.late_weight,
       c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) f
 ORDER BY course.code NULLS LAST
"""
_SUMMARY = "WITH " + SUMMARY.format(
    also="", which="", **{name: f"%({name})s" for name in ("student", "school", "term", "on")}
)


def student_summary(*, student: Student, term: Term | None, on: date) -> StudentSummary:
    """The figures of one student in one term; one query. `on` is the school's date, which says who is enrolled."""
    rows = rows_of(
        _SUMMARY,
        {
            "student": student.pk,
            "school": student.school_id,
            "term": term.pk if term else None,
            "on": on,
        },
    )
    threshold, floor, _course, _code, _title, *overall = rows[-1]
    courses = [
        CourseFigures(course_id, code, title, Figures(*figures))
        for _threshold, _floor, course_id, code, title, *figures in rows[:-1]
    ]
    return StudentSummary(student, term, threshold, floor, courses, Figures(*overall))


_BY_STUDENT = """
SELECT t.student_id, t.held, t.present, t.late, t.absent, t.excused,
       f.percentage, f.band, f.need, f.can_miss, f.attended, f.counted
  FROM attendance_statistics t
  JOIN attendance_configuration c ON c.school_id = t.school_id
 CROSS JOIN LATERAL attendance_figures(t.present, t.late, t.absent, t.excused, c.late_weight,
       c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) f
 WHERE t.student_id = ANY (%(students)s) AND t.course_id = %(course)s AND t.term_id = %(term)s AND t.held > 0
"""


def course_figures(*, students: Collection[int], course_id: int, term_id: int) -> dict[int, Figures]:
    """Figures of many students (ids) in one course and term, by student id; who has none is left out. One query."""
    rows = rows_of(_BY_STUDENT, {"students": sorted(students), "course": course_id, "term": term_id})
    return {student_id: Figures(*figures) for student_id, *figures in rows}


def term_for(*, school: School, on: date) -> Term | None:
    """The term of a date: the one it lies in, else the last one before it, else the first one after it."""
    terms = Term.objects.filter(school=school)
    return (
        terms.filter(starts_on__lte=on).order_by("-starts_on").first() or terms.order_by("starts_on").first()
    )


def day_of(term: Term, *, today: date) -> date:
    """The day on which the members of a class are looked at: today, or the day of the term nearest to it."""
    return min(max(today, term.starts_on), term.ends_on)


def rows_of(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """All rows of one query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
