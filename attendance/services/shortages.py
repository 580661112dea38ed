"""Once a week: whoever is below the threshold hears in which courses, and the head of their department how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from academics.models import Department
from accounts.models import School
from attendance import notices as kinds
from attendance.enums import Band
from attendance.models import AttendanceConfiguration
from attendance.selectors.figures import term_for
from attendance.selectors.shortage import Below, below
from attendance.services.notices import BATCH
from notifications.services.telling import Notice, notify, once


@transaction.atomic
def tell(*, school: School, now: datetime) -> int:
    """Tell a school's students and heads of department, once a week of its calendar; how many people were told.

    Harmless to repeat, also by two at once. Nothing outside a term, or where the school does not want it.
    """
    rules = AttendanceConfiguration.objects.filter(school=school).first()
    today = school.local_date(now)
    term = term_for(school=school, on=today)
    if rules is None or not rules.send_attendance_notifications:
        return 0
    if term is None or not term.starts_on <= today <= term.ends_on:
        return 0
    year, week, _day = today.isocalendar()
    key = f"{year}-W{week:02}"
    if not once(school=school, key=f"shortage:{key}", now=now):
        return 0
    students = below(school=school, term=term, today=today)
    told = 0
    for start in range(0, len(students), BATCH):
        told += notify(
            kind=kinds.SHORTAGE,
            key=f"shortage:{key}",
            notices=[
                Notice(
                    one.user_id,
                    {"threshold": rules.attendance_threshold_percent, "courses": one.courses},
                )
                for one in students[start : start + BATCH]
            ],
            school=school,
            now=now,
        )
    return told + _tell_heads(students, school, rules, key, now)


def _tell_heads(
    students: Iterable[Below], school: School, rules: AttendanceConfiguration, key: str, now: datetime
) -> int:
    """One notice for each department, to its head."""
    number: Counter[int] = Counter()
    severe: Counter[int] = Counter()
    for one in students:
        if one.department_id is not None:
            number[one.department_id] += 1
            severe[one.department_id] += any(course["band"] == Band.SHORTAGE for course in one.courses)
    told = 0
    headed = Department.objects.filter(pk__in=number, head__isnull=False)
    for department, head in [(one, one.head) for one in headed.select_related("head").order_by("pk")]:
        if head is None:
            continue
        facts = {
            "department": department.name,
            "students": number[department.pk],
            "severe": severe[department.pk],
            "threshold": rules.attendance_threshold_percent,
            "floor": rules.condonation_floor_percent,
        }
        told += notify(
            kind=kinds.SHORTAGE_SUMMARY,
            key=f"shortage:{key}:{department.pk}",
            notices=[Notice(head.user_id, facts)],
            school=school,
            now=now,
        )
    return told
