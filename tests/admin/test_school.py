"""A school, its terms, holidays and rules in Django admin: each is saved by its service."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client

from academics.models import Term
from accounts.models import School
from attendance.enums import SessionStatus
from attendance.models import AttendanceConfiguration, Holiday, Session
from audit.models import AuditEntry
from tests.admin.pages import change, entry, saved, url
from tests.factories import SessionFactory

pytestmark = pytest.mark.django_db


def test_the_office_changes_its_school_but_not_its_code(office: Client, school: School) -> None:
    code = school.code
    assert saved(change(office, school, name="New Name", code="other"))
    school.refresh_from_db()
    assert (school.name, school.code) == ("New Name", code)
    assert entry("school.update").school_id == school.pk
    assert office.get(url(School, "add")).status_code == 403
    assert office.post(url(School, "delete", school.pk), {"post": "yes"}).status_code == 403


def test_a_term_is_saved_by_its_service_and_a_refusal_comes_back_in_the_form(
    office: Client, session: Session
) -> None:
    answer = office.post(
        url(Term, "add"), {"name": "Clash", "starts_on": "2026-09-01", "ends_on": "2026-10-01"}
    )
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors
    assert Term.objects.count() == 1
    answer = office.post(
        url(Term, "add"), {"name": "Next", "starts_on": "2027-06-01", "ends_on": "2027-10-01"}
    )
    assert answer.status_code == 302
    assert Term.objects.get(name="Next").school == session.school
    assert AuditEntry.objects.filter(object_type="term").exists()


def test_a_term_is_changed_by_its_service(office: Client, session: Session) -> None:
    assert saved(change(office, session.term, name="Renamed"))
    session.term.refresh_from_db()
    assert session.term.name == "Renamed"
    assert Term.objects.count() == 1
    assert AuditEntry.objects.filter(action__startswith="term.").count() == 1


def test_a_holiday_added_here_cancels_classes(office: Client, session: Session) -> None:
    later = SessionFactory(
        section=session.sections.get(),
        teacher=session.faculty.get(),
        starts_at=session.starts_at + timedelta(days=7),
    )
    answer = office.post(
        url(Holiday, "add"), {"date": "2026-11-10", "name": "Founders' day", "kind": "academic"}
    )
    assert saved(answer)
    later.refresh_from_db()
    assert later.status == SessionStatus.CANCELLED
    office.post(url(Holiday, "delete", Holiday.objects.get().pk), {"post": "yes"})
    later.refresh_from_db()
    assert later.status == SessionStatus.SCHEDULED


def test_a_holiday_is_moved_by_its_service(office: Client, session: Session) -> None:
    values = {"date": "2026-11-04", "name": "Founders' day", "kind": "academic"}
    assert saved(office.post(url(Holiday, "add"), values))
    holiday = Holiday.objects.get()

    assert saved(change(office, holiday, date="2026-11-03", name="Founders"))

    session.refresh_from_db()
    holiday.refresh_from_db()
    assert (holiday.date, holiday.name) == (date(2026, 11, 3), "Founders")
    assert session.status == SessionStatus.CANCELLED


def test_configuration_is_changed_by_its_service(office: Client, school: School) -> None:
    row = AttendanceConfiguration.objects.get(school=school)

    assert saved(change(office, row, grace_period_minutes=11))

    row.refresh_from_db()
    assert (row.grace_period_minutes, row.version) == (11, 2)
    assert entry("configuration.update").after == {"grace_period_minutes": 11}


def test_a_rule_that_cannot_be_is_told_in_the_form(office: Client, school: School) -> None:
    row = AttendanceConfiguration.objects.get(school=school)
    answer = change(office, row, condonation_floor_percent=90)
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors
    row.refresh_from_db()
    assert row.version == 1
