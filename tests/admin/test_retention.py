"""Legal holds in Django admin: placed by a form, lifted with a reason, never edited; what a hold kept is read."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from django.test import Client

from accounts.models import School
from attendance.models import HeldRecord, LegalHold, Session
from audit.models import RetentionRun
from tests.admin.pages import act, entry, saved, url
from tests.attendance.scans import students_of
from tests.colleges import signed_in
from tests.factories import FacultyFactory, StudentFactory

pytestmark = pytest.mark.django_db


def placed(office: Client, **values: object) -> LegalHold:
    assert saved(office.post(url(LegalHold, "add"), {"reason": "court order", **values}))
    return LegalHold.objects.get()


def test_the_office_places_one_on_a_student(office: Client, session: Session, now: datetime) -> None:
    student = students_of(session)[0]
    hold = placed(office, student=student.pk, from_date="2019-01-01", until_date="2019-12-31")

    assert (hold.school, hold.student, hold.placed_at) == (session.school, student, now)
    assert (hold.from_date, hold.until_date) == (date(2019, 1, 1), date(2019, 12, 31))
    told = entry("hold.place")
    assert (told.object_id, told.reason, told.school_id) == (str(hold.pk), "court order", session.school_id)


def test_the_office_places_one_on_the_whole_school(office: Client, school: School) -> None:
    hold = placed(office)
    assert (hold.school, hold.student, hold.from_date, hold.until_date) == (school, None, None, None)


def test_dates_in_the_wrong_order_come_back_with_what_was_typed(office: Client) -> None:
    page = office.post(
        url(LegalHold, "add"), {"reason": "x", "from_date": "2020-01-02", "until_date": "2020-01-01"}
    )
    assert "until_date" in page.context["adminform"].form.errors
    assert not LegalHold.objects.exists()


def test_a_student_of_another_school_cannot_be_chosen(office: Client) -> None:
    page = office.post(url(LegalHold, "add"), {"reason": "x", "student": StudentFactory().pk})
    assert "student" in page.context["adminform"].form.errors
    assert not LegalHold.objects.exists()


def test_it_is_lifted_with_a_reason_and_stays_to_be_read(office: Client, now: datetime) -> None:
    hold = placed(office)
    *_told, refused = act(office, LegalHold, "lift_holds", hold)
    assert "why" in refused
    hold.refresh_from_db()
    assert hold.lifted_at is None

    assert act(office, LegalHold, "lift_holds", hold, reason="settled") == ["Done for 1."]
    hold.refresh_from_db()
    assert hold.lifted_at == now
    assert entry("hold.lift").reason == "settled"
    # Lifting again changes nothing.
    act(office, LegalHold, "lift_holds", hold, reason="again")
    assert entry("hold.lift").reason == "settled"


def test_nobody_edits_or_deletes_one(office: Client) -> None:
    hold = placed(office)
    assert office.post(url(LegalHold, "change", hold.pk), {"reason": "other"}).status_code == 403
    assert office.post(url(LegalHold, "delete", hold.pk), {"post": "yes"}).status_code == 403
    assert LegalHold.objects.get().reason == "court order"


def test_faculty_neither_place_nor_see_one(session: Session) -> None:
    teacher = signed_in(FacultyFactory(school=session.school).user)
    assert teacher.get(url(LegalHold, "add")).status_code == 403
    assert teacher.get(url(LegalHold, "changelist")).status_code == 403


def test_the_office_reads_evidence_and_kept_records_of_its_school_alone(
    office: Client, begun: Session, now: datetime
) -> None:
    record = begun.records.get()
    ours, theirs = (
        RetentionRun.objects.create(
            table="attendance_record",
            year=2015,
            school_id=school,
            rows=1,
            held=1,
            digest="ab",
            at=now,
            duration_ms=1,
        )
        for school in (begun.school_id, begun.school_id + 1)
    )
    values = {field.attname: getattr(record, field.attname) for field in record._meta.concrete_fields}
    kept = HeldRecord.objects.create(**values, run=ours)

    assert list(office.get(url(RetentionRun, "changelist")).context["cl"].queryset) == [ours]
    assert office.get(url(RetentionRun, "change", theirs.pk)).status_code == 404
    assert office.get(url(RetentionRun, "change", ours.pk)).status_code == 200
    assert office.post(url(RetentionRun, "change", ours.pk), {"rows": 0}).status_code == 403
    assert office.get(url(HeldRecord, "change", kept.pk)).status_code == 200
    assert office.post(url(HeldRecord, "change", kept.pk), {"status": "absent"}).status_code == 403
