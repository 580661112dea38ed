"""Class sessions together with what every list of them shows."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from academics.models import Faculty, Section
from attendance.models import Session, TimetableSlot


def with_details(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """Loads sections, courses, faculty, substitute and room along: three queries whatever the number of rows."""
    return sessions.select_related("school", "term", "room", "substitute__user").prefetch_related(
        *_sections_and_faculty()
    )


def slots_with_details(slots: QuerySet[TimetableSlot]) -> QuerySet[TimetableSlot]:
    """The same for timetable slots."""
    return slots.select_related("school", "room").prefetch_related(*_sections_and_faculty())


def _sections_and_faculty() -> tuple[Prefetch, Prefetch]:
    return (
        Prefetch(
            "sections",
            Section.objects.select_related("course", "cohort", "term").order_by("course__code", "id"),
        ),
        Prefetch("faculty", Faculty.objects.select_related("user").order_by("employee_no")),
    )
