"""Who is below the threshold, and how many classes bring them back."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, overload
from uuid import UUID

from academics.models import Section, Term
from accounts.models import School
from attendance.enums import Band
from attendance.selectors.figures import Figures, day_of, rows_of

#: Bands below the threshold.
BELOW = (Band.CONDONABLE.value, Band.SHORTAGE.value)


@dataclass(frozen=True, slots=True)
class Shortage:
    """A student below the threshold in one course; `student` is the enrollment number, `group` who the section is."""

    student: str
    name: str
    section: UUID
    cohort: str | None
    section_name: str
    code: str
    title: str
    figures: Figures

    @property
    def group(self) -> str:
        return self.cohort or self.section_name


# A student who sits in two sections of one course has one percentage there, and stands in the list once. The kept
# percentage is rounded, so that it says who may be below; who is, the formula does, asked of those few alone.
_BELOW = """
WITH below AS (
    SELECT DISTINCT ON (t.student_id, t.course_id) t.student_id, t.course_id, sec.id AS section_id,
           t.held, t.present, t.late, t.absent, t.excused, f.*
      FROM academics_section sec
      JOIN academics_enrollment e ON e.section_id = sec.id
           AND e.joined_on <= %(on)s AND (e.left_on IS NULL OR e.left_on > %(on)s)
      JOIN attendance_configuration c ON c.school_id = sec.school_id
      JOIN attendance_statistics t
        ON t.student_id = e.student_id AND t.term_id = %(term)s AND t.course_id = sec.course_id
           AND t.percentage <= c.attendance_threshold_percent
     CROSS JOIN LATERAL attendance_figures(t.present, t.late, t.absent, t.excused, c.late_weight,
           c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) f
     WHERE sec.id = ANY (%(sections)s) AND f.band = ANY (%(bands)s)
     ORDER BY t.student_id, t.course_id, sec.id
)
"""

_PAGE = f"""{_BELOW}
SELECT st.enrollment_no, u.full_name, b.section_id, cohort.code, sec.name, course.code, course.title,
       b.held, b.present, b.late, b.absent, b.excused,
       b.percentage, b.band, b.need, b.can_miss, b.attended, b.counted
  FROM below b
  JOIN academics_student st ON st.id = b.student_id
  JOIN accounts_user u ON u.id = st.user_id
  JOIN academics_section sec ON sec.id = b.section_id
  JOIN academics_course course ON course.id = b.course_id
  LEFT JOIN academics_cohort cohort ON cohort.id = sec.cohort_id
 ORDER BY b.need DESC, st.enrollment_no, course.code
 LIMIT %(limit)s OFFSET %(offset)s
"""

_COUNT = f"{_BELOW} SELECT count(*) FROM below"


# Of a whole school, by student: what each of them is told once a week.
_BY_STUDENT = f"""{_BELOW}
SELECT st.user_id, st.department_id,
       jsonb_agg(jsonb_build_object('code', course.code, 'course', course.title, 'percentage', b.percentage,
                                    'need', b.need, 'band', b.band) ORDER BY b.need DESC, course.code)
  FROM below b
  JOIN academics_student st ON st.id = b.student_id
  JOIN academics_course course ON course.id = b.course_id
 GROUP BY st.user_id, st.department_id
 ORDER BY st.user_id
"""


@dataclass(frozen=True, slots=True)
class Below:
    """A student and the courses in which they are below: ``{code, course, percentage, need, band}``, worst first."""

    user_id: int
    department_id: int | None
    courses: list[dict[str, Any]]


def below(*, school: School, term: Term, today: date) -> list[Below]:
    """Everybody of a school who is below the threshold in a course of the term; two queries."""
    sections = list(Section.objects.filter(school=school, term=term).values_list("pk", flat=True))
    asked = {"sections": sections, "term": term.pk, "on": day_of(term, today=today), "bands": list(BELOW)}
    # Django leaves JSON to its own fields.
    return [
        Below(user, department, json.loads(courses))
        for user, department, courses in rows_of(_BY_STUDENT, asked)
    ]


class Shortages(Sequence[Shortage]):
    """Students of some sections (ids) of a term below the threshold, who needs most classes first.

    Like a list, but only what a paginator asks for is read: one query to count, one for a slice. `bands` narrows it
    to condonable or shortage. `today` is the school's date.
    """

    def __init__(
        self, *, sections: Collection[UUID], term: Term, today: date, bands: Collection[str] = BELOW
    ) -> None:
        self._asked = {
            "sections": list(sections),
            "term": term.pk,
            "on": day_of(term, today=today),
            "bands": [band for band in bands if band in BELOW],
        }

    @cached_property
    def _number(self) -> int:
        ((number,),) = rows_of(_COUNT, self._asked)
        return int(number)

    def __len__(self) -> int:
        return self._number

    @overload
    def __getitem__(self, wanted: int) -> Shortage: ...
    @overload
    def __getitem__(self, wanted: slice) -> list[Shortage]: ...
    def __getitem__(self, wanted: int | slice) -> Shortage | list[Shortage]:
        places = range(self._number)[wanted]
        if isinstance(places, int):
            return self._page(places, 1)[0]
        return self._page(places.start, len(places))

    def _page(self, start: int, size: int) -> list[Shortage]:
        page: dict[str, Any] = {**self._asked, "limit": size, "offset": start}
        return [
            Shortage(number, name, section, cohort, section_name, code, title, Figures(*figures))
            for number, name, section, cohort, section_name, code, title, *figures in rows_of(_PAGE, page)
        ]
