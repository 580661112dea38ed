"""Classes of a department by day, and who could stand in for whoever teaches one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta

from django.db.models import Count, QuerySet
from psycopg.types.range import Range

from academics.models import Department, Faculty
from attendance.enums import SessionStatus
from attendance.models import Session, SessionOccupancy
from attendance.selectors.days import ClassView, describe
from attendance.selectors.sessions import with_details


def classes_of(department: Department, day: date) -> list[ClassView]:
    """The classes of the department's courses on that day, by time; what does not count is left out. Three queries."""
    mine = Session.objects.filter(
        school=department.school_id, held_on=day, sections__course__department=department
    )
    found = with_details(Session.objects.filter(pk__in=mine.values("pk"))).exclude(status=SessionStatus.VOID)
    return [describe(session) for session in found.order_by("starts_at", "pk")]


def candidates(session: Session, *, department: Department | None) -> QuerySet[Faculty]:
    """Whoever could stand in, free or not: of a department, or of the whole school."""
    own = session.faculty.values("pk")
    found: QuerySet[Faculty] = (
        Faculty.objects.filter(school=session.school_id, user__is_active=True)
        .exclude(pk__in=own)
        .select_related("user", "department")
        .order_by("user__full_name", "pk")
    )
    return found if department is None else found.filter(department=department)


def classes_that_day(session: Session, faculty: Collection[int]) -> dict[int, int]:
    """How many classes each of these faculty (ids) stands in front of on the day of the session."""
    school = session.school
    midnight = datetime.combine(school.local_date(session.starts_at), time(0), school.tz)
    rows = (
        SessionOccupancy.objects.filter(
            resource__in=[f"faculty:{pk}" for pk in faculty],
            during__overlap=Range(midnight, midnight + timedelta(days=1)),
        )
        .values_list("resource")
        .annotate(n=Count("pk"))
    )
    return {int(resource.removeprefix("faculty:")): number for resource, number in rows}
