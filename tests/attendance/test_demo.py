"""The demo campus: consistent, repeatable, refused where it would be dangerous."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from academics.models import Student
from accounts.models import School, User
from attendance.models import AttendanceRecord, Session
from attendance.selectors.trends import weekly_trend
from attendance.services import statistics
from core import clock

pytestmark = pytest.mark.django_db


def seed(*arguments: str) -> str:
    said = StringIO()
    call_command("seed_demo", *arguments, stdout=said)
    return said.getvalue()


def test_the_demo_is_whole_and_its_lecturer_can_open_a_class_now(now: datetime) -> None:
    with clock.frozen(now):
        seed("--students", "60", "--weeks", "2")
        seed("--ensure-today")

    assert School.objects.count() == 2
    assert Student.objects.count() >= 60
    assert AttendanceRecord.objects.exists()
    assert statistics.check() == []
    some = AttendanceRecord.objects.filter(session__status="closed").earliest("held_on")
    trend = weekly_trend(sections=[some.section_id], term_id=some.session.term_id)
    assert (trend.as_of, trend.weeks[0].sessions > 0) == (now, True)
    mine = Session.objects.filter(
        faculty__user__username="faculty",
        sections__enrollments__student__user__username="student",
        status__in=["scheduled", "open"],
        starts_at__lte=now + timedelta(minutes=60),
        ends_at__gt=now,
    )
    assert mine.exists()
    for name in ("superuser", "admin", "hod", "faculty", "student", "integrator", "admin.b", "student.b"):
        assert User.objects.get(username=name).check_password("demo-campus")


def test_a_second_demo_changes_nothing(now: datetime) -> None:
    with clock.frozen(now):
        seed("--students", "60", "--weeks", "1")
        before = (Student.objects.count(), AttendanceRecord.objects.count(), Session.objects.count())
        seed("--students", "60", "--weeks", "1")
    assert (Student.objects.count(), AttendanceRecord.objects.count(), Session.objects.count()) == before


def test_production_refuses_known_passwords(settings: object, now: datetime) -> None:
    settings.PRODUCTION = True  # type: ignore[attr-defined] # pytest-django's settings
    with pytest.raises(CommandError):
        seed()
    assert not School.objects.exists()
