"""The registrar's list of condonation requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from attendance.models import CondonationRequest
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
