"""Throwing the demo away: nothing of it is left, and nothing of anybody else is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction

from accounts.models import School, User
from accounts.services import tokens
from attendance.demo import today
from attendance.demo.erase import erase
from attendance.models import Session
from attendance.services import holidays, marking, scanning, screen, sessions, timetable
from audit.models import AuditEntry
from core import doctor, idempotency
from tests.attendance.planning import Plan
from tests.attendance.scans import request_of, students_of
from tests.demo.loading import NOW, seed
from tests.factories import RecordFactory, SessionFactory

#: Other connections have to see what was loaded: the owner's erases it.
pytestmark = pytest.mark.django_db(transaction=True)

CODES = ["demo", "demo-b"]
#: The trail stays, and so do the kinds of objects that exist, and when the counts of all schools were last made.
STAYS = {
    "attendance_audit_log", "audit_seal", "django_content_type", "auth_permission", "django_migrations",
    "attendance_summary_refresh",
}  # fmt: skip


def tables() -> Iterator[type[models.Model]]:
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and model._meta.db_table not in STAYS:
            yield model


def everything() -> dict[str, str]:
    """By table, a digest of all its rows."""
    found: dict[str, str] = {}
    with connection.cursor() as cursor:
        for model in tables():
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) FROM {table} t"
            )
            (found[model._meta.label],) = cursor.fetchone()
    return found


def another_school() -> None:
    """With a timetable, a holiday, a class that was held, a sign-in and a kept answer."""
    plan = Plan.new()
    slot = plan.slot()
    plan.generate()
    holidays.add_holiday(
        school=plan.school, day=plan.at("2026-11-10 09:00").date(), name="x", by=None, now=NOW
    )
    timetable.skip_date(slot=slot, day=plan.at("2026-11-17 09:00").date(), by=None, now=NOW)
    RecordFactory(session=SessionFactory())
    used(plan.office)


def used(user: User) -> None:
    """Rows that lead to a person, with and without a foreign key."""
    tokens.issue(user=user, now=NOW)
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=user.full_name,
        action_flag=ADDITION,
    )
    AccessAttempt.objects.create(
        username=user.username, ip_address="10.0.0.1", failures_since_start=1, user_agent="", http_accept=""
    )
    with transaction.atomic():
        idempotency.begin(user_id=user.pk, route="POST /x", key="k", body=b"{}", now=NOW)


def lived_in() -> Session:
    """Somebody opens the demo's class, scans, marks, takes a new code, closes and reopens it."""
    session = today.ensure(now=NOW)
    assert session is not None
    teacher = User.objects.get(username="faculty")
    session = sessions.open_session(session=session, by=teacher, now=NOW)
    screen.new_code(session=session, by=teacher, now=NOW)
    session.refresh_from_db()
    here, marked, *_others = students_of(session)
    (answer,) = scanning.scan([request_of(session, here, at=NOW)], now=NOW)
    assert answer.code == "recorded"
    marking.mark(session=session, student=marked.enrollment_no, status="late", by=teacher, now=NOW)
    sessions.close_session(session=session, by=teacher, now=NOW)
    used(teacher)
    return session


def test_nothing_of_the_demo_is_left_and_other_schools_are_as_they_were() -> None:
    another_school()
    before = everything()
    seed(students=40, weeks=2)
    lived_in()
    told = AuditEntry.objects.count()

    assert erase(CODES) == 2

    # The demo's operator belongs to no school and stays.
    User.objects.filter(username="superuser", school=None).delete()
    assert {label for label, rows in everything().items() if before[label] != rows} == set()
    assert AuditEntry.objects.count() == told
    assert [finding.state for finding in doctor.crossing_schools()] == ["ok"]


def test_one_school_can_go_alone_and_what_is_not_there_is_no_matter() -> None:
    seed(students=40, weeks=1)

    assert erase(["demo-b"]) == 1
    assert erase(["demo-b", "nowhere"]) == 0

    assert list(School.objects.values_list("code", flat=True)) == ["demo"]
    assert User.objects.filter(username="student").exists()
    assert not User.objects.filter(username="student.b").exists()


def test_an_erasure_that_fails_leaves_everything_as_it_was(as_owner: Any) -> None:
    seed(students=40, weeks=1)
    # Something that erasing knows nothing of, such as the table of an extension.
    as_owner("CREATE TABLE stray (school_id bigint REFERENCES accounts_school (id))")
    as_owner("INSERT INTO stray SELECT id FROM accounts_school WHERE code = 'demo'")
    before = everything()
    try:
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="stray"):
            erase(CODES)
    finally:
        as_owner("DROP TABLE stray")

    assert everything() == before
    assert as_owner("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'erasing%'") == [(0,)]
