"""Marks made without network in Django admin: looked at, and conflicts decided by actions."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from attendance.models import AttendanceRecord, Session, SyncBatch, SyncConflict, SyncEntry
from tests.admin.pages import act, url
from tests.attendance.scans import students_of
from tests.attendance.uploads import conflict_of
from tests.colleges import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def conflict(begun: Session, now: datetime) -> SyncConflict:
    return conflict_of(begun, students_of(begun)[1], now=now)


def test_uploads_and_what_became_of_them_are_listed_and_nobody_edits_them(
    office: Client, conflict: SyncConflict
) -> None:
    uploads = office.get(url(SyncBatch, "changelist")).content.decode()
    marks = office.get(url(SyncEntry, "changelist"), {"outcome__exact": "conflict"}).content.decode()

    assert "tablet-7" in uploads
    assert "phone-1" in uploads
    assert conflict.student.enrollment_no in marks
    for obj in (conflict.entry.batch, conflict.entry, conflict):
        page = office.get(url(type(obj), "change", obj.pk)).content.decode()
        assert 'name="_save"' not in page


@pytest.mark.parametrize(
    ("action", "kept", "status"),
    [("keep_existing", "existing", "late"), ("take_incoming", "incoming", "absent")],
)
def test_a_conflict_is_decided_by_an_action(
    conflict: SyncConflict, begun: Session, action: str, kept: str, status: str
) -> None:
    teacher = signed_in(begun.faculty.get().user)

    assert act(teacher, SyncConflict, action, conflict) == ["Done for 1."]
    assert SyncConflict.objects.get().kept == kept
    assert AttendanceRecord.objects.get(student=conflict.student).status == status


def test_a_conflict_of_a_locked_class_needs_the_offices_reason(
    office: Client, conflict: SyncConflict, begun: Session
) -> None:
    Session.objects.filter(pk=begun.pk).update(status="locked")

    (refused,) = act(office, SyncConflict, "take_incoming", conflict)
    assert "Say why" in refused
    assert act(office, SyncConflict, "take_incoming", conflict, reason="Asked both") == ["Done for 1."]
