"""Leave in Django admin: whoever may decide decides, each application by itself."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from academics.models import Section
from attendance.models import LeaveApplication, Session
from attendance.services import leaves
from tests.admin.pages import act, url
from tests.attendance.scans import students_of
from tests.colleges import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def leave(session: Session, now: datetime) -> LeaveApplication:
    student = students_of(session)[0]
    return leaves.apply_for(
        student=student, kind="medical", from_date=session.held_on, to_date=session.held_on,
        reason="chicken pox", by=student.user, now=now,
    )  # fmt: skip


def status_of(leave: LeaveApplication) -> str:
    leave.refresh_from_db()
    return leave.status


def test_the_office_approves_and_revokes(office: Client, leave: LeaveApplication) -> None:
    assert act(office, LeaveApplication, "approve", leave) == ["Done for 1."]
    assert status_of(leave) == "approved"
    (refused,) = act(office, LeaveApplication, "revoke", leave)
    assert "why" in refused
    assert act(office, LeaveApplication, "revoke", leave, reason="forged") == ["Done for 1."]
    assert (status_of(leave), leave.remarks) == ("revoked", "forged")


def test_the_office_rejects_with_a_reason(office: Client, leave: LeaveApplication) -> None:
    assert act(office, LeaveApplication, "reject", leave, reason="no note") == ["Done for 1."]
    assert (status_of(leave), leave.remarks) == ("rejected", "no note")


def test_whoever_only_teaches_the_student_sees_it_without_the_reason(
    session: Session, leave: LeaveApplication
) -> None:
    teacher = signed_in(session.faculty.get().user)
    page = teacher.get(url(LeaveApplication, "change", leave.pk)).content.decode()
    assert "Medical" in page
    assert "chicken pox" not in page
    act(teacher, LeaveApplication, "approve", leave)
    assert status_of(leave) == "pending"


def test_whoever_is_in_charge_of_the_section_reads_the_reason_and_decides(
    session: Session, leave: LeaveApplication
) -> None:
    Section.objects.filter(sessions=session).update(faculty=session.faculty.get())
    teacher = signed_in(session.faculty.get().user)
    assert "chicken pox" in teacher.get(url(LeaveApplication, "change", leave.pk)).content.decode()
    assert act(teacher, LeaveApplication, "approve", leave) == ["Done for 1."]
    assert status_of(leave) == "approved"
