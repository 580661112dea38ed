"""The registrar's list of condonation requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import User
from attendance.models import CondonationRequest

COLUMNS = (
    "enrollment_no", "name", "department", "course", "course_title", "term", "percentage", "fee_reference",
    "status", "requested_at", "recommended_by", "recommended_at", "decided_by", "decided_at", "remarks",
)  # fmt: skip


def table(condonations: QuerySet[CondonationRequest]) -> Iterator[tuple[str, ...]]:
    """One row of texts by `COLUMNS` for each request, in the given order.

    They come with student, user, department, course, term and people loaded along. Instants have the school's
    offset.
    """
    for one in condonations:
        student, course = one.student, one.course
        yield (
            student.enrollment_no,
            student.user.full_name,
            student.department.code if student.department else "",
            course.code,
            course.title,
            one.term.name,
            str(one.percentage),
            one.fee_reference,
            one.status,
            _local(one, one.requested_at),
            _name(one.recommended_by),
            _local(one, one.recommended_at),
            _name(one.reviewer),
            _local(one, one.reviewed_at),
            one.remarks,
        )


def _name(user: User | None) -> str:
    return user.full_name if user else ""


def _local(one: CondonationRequest, instant: datetime | None) -> str:
    return one.school.local(instant).isoformat(timespec="seconds") if instant else ""
