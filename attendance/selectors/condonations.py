"""Condonation requests as people look at them, and the registrar's list of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from academics.models import Student, Term
from accounts.models import User
from attendance.enums import CondonationStatus
from attendance.models import CondonationRequest
from attendance.selectors.figures import Figures, rows_of
from core.sheets.columns import Column, Kind

COLUMNS = tuple(
    Column(name, name, kind)
    for name, kind in {
        "enrollment_no": Kind.TEXT,
        "name": Kind.TEXT,
        "department": Kind.TEXT,
        "course": Kind.TEXT,
        "course_title": Kind.TEXT,
        "term": Kind.TEXT,
        "percentage": Kind.NUMBER,
        "fee_reference": Kind.TEXT,
        "status": Kind.TEXT,
        "requested_at": Kind.INSTANT,
        "recommended_by": Kind.TEXT,
        "recommended_at": Kind.INSTANT,
        "decided_by": Kind.TEXT,
        "decided_at": Kind.INSTANT,
        "remarks": Kind.TEXT,
    }.items()
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The student's figures in the course as they are now (None without any), how often the student was condoned
    before, the school's floor and threshold (per cent), and whether anybody heads a department to recommend it."""

    figures: Figures | None
    earlier: int
    floor: int
    threshold: int
    has_head: bool


_STANDING = """
SELECT q.id, k.condonation_floor_percent, k.attendance_threshold_percent,
       (SELECT count(*) FROM attendance_condonation_request e
         WHERE e.student_id = q.student_id AND e.status = 'approved' AND e.id <> q.id),
       EXISTS (SELECT FROM academics_faculty h JOIN accounts_user u ON u.id = h.user_id AND u.is_active
                WHERE h.id IN (sd.head_id, cd.head_id)),
       t.held, t.present, t.late, t.absent, t.excused,
       f.percentage, f.band, f.need, f.can_miss, f.attended, f.counted
  FROM attendance_condonation_request q
  JOIN attendance_configuration k ON k.school_id = q.school_id
  JOIN academics_student st ON st.id = q.student_id
  JOIN academics_course co ON co.id = q.course_id
  LEFT JOIN academics_department sd ON sd.id = st.department_id
  LEFT JOIN academics_department cd ON cd.id = co.department_id
  LEFT JOIN attendance_statistics t ON t.student_id = q.student_id AND t.course_id = q.course_id
        AND t.term_id = q.term_id AND t.held > 0
 CROSS JOIN LATERAL attendance_figures(t.present, t.late, t.absent, t.excused, k.late_weight,
       k.excused_counts_as = 'present', k.attendance_threshold_percent, k.condonation_floor_percent) f
 WHERE q.id = ANY (%(condonations)s::uuid[])
"""


def standings(condonations: Sequence[CondonationRequest]) -> dict[UUID, Standing]:
    """What each decision is about, by request; in one query."""
    if not condonations:
        return {}
    rows = rows_of(_STANDING, {"condonations": [one.pk for one in condonations]})
    return {
        ident: Standing(
            Figures(*figures) if figures[0] is not None else None, earlier, floor, threshold, has_head
        )
        for ident, floor, threshold, earlier, has_head, *figures in rows
    }


def with_people(condonations: QuerySet[CondonationRequest]) -> QuerySet[CondonationRequest]:
    """Loads course and term, whom it is about and who had a say along."""
    return condonations.select_related(
        "school", "student__user", "student__cohort", "course", "term", "recommended_by", "reviewer"
    )


def standing_of(student: Student, term: Term) -> dict[int, CondonationRequest]:
    """What the student asked for in that term and was not refused, by course id."""
    found = CondonationRequest.objects.filter(
        student=student, term=term, status__in=CondonationStatus.standing()
    )
    return {one.course_id: one for one in found}


def table(condonations: QuerySet[CondonationRequest]) -> Iterator[tuple[Any, ...]]:
    """One row by `COLUMNS` for each request, in the given order.

    They come with student, user, department, course, term and people loaded along. Instants have the school's
    offset.
    """
    for one in condonations:
        student, course = one.student, one.course
        yield (
            student.enrollment_no,
            student.user.full_name,
            student.department.code if student.department else None,
            course.code,
            course.title,
            one.term.name,
            one.percentage,
            one.fee_reference,
            one.status,
            _local(one, one.requested_at),
            _name(one.recommended_by),
            _local(one, one.recommended_at),
            _name(one.reviewer),
            _local(one, one.reviewed_at),
            one.remarks,
        )


def _name(user: User | None) -> str | None:
    return user.full_name if user else None


def _local(one: CondonationRequest, instant: datetime | None) -> datetime | None:
    return one.school.local(instant) if instant else None
