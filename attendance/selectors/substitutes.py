"""Classes of a department by day, and who could stand in for whoever teaches one."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db.models import CharField, Count, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat
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
    """Whoever could stand in, free or not: of a department, or of the whole school.

    Each knows `classes_that_day`: before how many classes they stand on the day of the session.
    """
    school = session.school
    midnight = datetime.combine(school.local_date(session.starts_at), time(0), school.tz)
    theirs = (
        SessionOccupancy.objects.filter(
            resource=Concat(Value("faculty:"), Cast(OuterRef("pk"), CharField())),
            during__overlap=Range(midnight, midnight + timedelta(days=1)),
        )
        .order_by()
        .values("resource")
        .annotate(n=Count("pk"))
        .values("n")
    )
    found: QuerySet[Faculty] = (
        Faculty.objects.filter(school=session.school_id, user__is_active=True)
        .exclude(pk__in=session.faculty.values("pk"))
        .select_related("user", "department")
        .annotate(classes_that_day=Coalesce(Subquery(theirs), 0))
        .order_by("user__full_name", "pk")
    )
    return found if department is None else found.filter(department=department)
