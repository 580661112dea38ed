"""Actions on classes and marks in Django admin: services do them, each row gets its own answer."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, Session
from attendance.services import sessions
from attendance.services.marking import Mark, bulk_mark
from audit.models import AuditEntry
from tests.admin.pages import act, choose, entry, url
from tests.attendance.scans import students_of
from tests.colleges import signed_in
from tests.factories import FacultyFactory, SectionFactory, SessionFactory

pytestmark = pytest.mark.django_db


class TestClasses:
    def test_the_office_leads_a_class_through_its_life(self, office: Client, session: Session) -> None:
        for action, status in (
            ("open_classes", SessionStatus.OPEN),
            ("close_classes", SessionStatus.CLOSED),
            ("lock_classes", SessionStatus.LOCKED),
        ):
            assert act(office, Session, action, session) == ["Done for 1."]
            session.refresh_from_db()
            assert session.status == status

    def test_a_teacher_closes_their_class_by_an_action(self, begun: Session) -> None:
        client = signed_in(begun.faculty.get().user)
        act(client, Session, "close_classes", begun)
        begun.refresh_from_db()
        assert begun.status == SessionStatus.CLOSED

    def test_an_unconfirmed_class_was_held(self, office: Client, session: Session) -> None:
        Session.objects.filter(pk=session.pk).update(status=SessionStatus.UNCONFIRMED)
        assert act(office, Session, "confirm_held", session) == ["Done for 1."]
        session.refresh_from_db()
        assert session.status == SessionStatus.CLOSED

    def test_cancelling_needs_a_reason(self, office: Client, session: Session) -> None:
        (refused,) = act(office, Session, "cancel_classes", session)
        assert "reason" in refused.lower()
        assert act(office, Session, "cancel_classes", session, reason="strike") == ["Done for 1."]
        session.refresh_from_db()
        assert session.status == SessionStatus.CANCELLED
        assert entry("session.cancel").reason == "strike"

    def test_each_class_gets_its_own_answer(self, office: Client, session: Session) -> None:
        """One that cannot be opened does not keep the others from it."""
        later = SessionFactory(
            section=SectionFactory(school=session.school), starts_at=session.starts_at + timedelta(days=9)
        )
        said = act(office, Session, "open_classes", session, later)
        assert "Done for 1." in said
        assert [line for line in said if line.startswith(str(later))]
        later.refresh_from_db()
        assert later.status == SessionStatus.SCHEDULED

    def test_voiding_is_not_for_teachers_and_needs_a_reason(
        self, begun: Session, office: Client, now: datetime
    ) -> None:
        sessions.close_session(session=begun, by=None, now=now)
        act(signed_in(begun.faculty.get().user), Session, "void_classes", begun, reason="because")
        act(office, Session, "void_classes", begun)
        begun.refresh_from_db()
        assert begun.status == SessionStatus.CLOSED
        act(office, Session, "void_classes", begun, reason="fire drill")
        begun.refresh_from_db()
        assert begun.status == SessionStatus.VOID

    @pytest.mark.parametrize("action", ["lock_classes", "void_classes"])
    def test_a_teacher_is_told_that_they_may_not(self, session: Session, now: datetime, action: str) -> None:
        sessions.open_session(session=session, by=None, now=now)
        sessions.close_session(session=session, by=None, now=now)
        said = act(signed_in(session.faculty.get().user), Session, action, session, reason="because")
        assert said == [f"{session}: you may not do that."]
        session.refresh_from_db()
        assert session.status == SessionStatus.CLOSED

    def test_the_list_tells_who_stands_in(self, office: Client, session: Session) -> None:
        Session.objects.filter(pk=session.pk).update(substitute=FacultyFactory(school=session.school))
        session.refresh_from_db()
        page = office.get(url(Session, "changelist")).content.decode()
        assert str(session.substitute) in page
        assert str(session.sections.get()) in page
        assert "09:00" in page


class TestMarks:
    @pytest.fixture
    def record(self, session: Session, now: datetime) -> AttendanceRecord:
        """The one mark of an open class: excused."""
        sessions.open_session(session=session, by=None, now=now)
        number = students_of(session)[0].enrollment_no
        bulk_mark(session=session, marks=[Mark(number, "excused")], by=session.faculty.get().user, now=now)
        return AttendanceRecord.objects.get()

    @pytest.mark.parametrize("status", ["present", "late", "absent"])
    def test_a_mark_is_changed_by_the_marking_service(
        self, office: Client, record: AttendanceRecord, status: str
    ) -> None:
        assert act(office, AttendanceRecord, f"mark_{status}", record) == ["Done for 1."]
        record.refresh_from_db()
        assert record.status == status
        assert entry("record.update").after == {"status": status}

    def test_marks_are_changed_by_the_marking_service(
        self, begun: Session, office: Client, now: datetime
    ) -> None:
        sessions.close_session(session=begun, by=None, now=now)
        record = AttendanceRecord.objects.get(status="present")
        act(office, AttendanceRecord, "mark_excused", record)
        record.refresh_from_db()
        assert record.status == "present"
        act(office, AttendanceRecord, "mark_excused", record, reason="medical slip")
        record.refresh_from_db()
        assert record.status == "excused"
        assert AuditEntry.objects.filter(action="record.update", reason="medical slip").count() == 1

    @pytest.mark.usefixtures("begun")
    def test_a_record_cannot_be_edited_or_deleted_by_hand(self, office: Client) -> None:
        record = AttendanceRecord.objects.get()
        assert (
            office.post(url(AttendanceRecord, "change", record.pk), {"status": "absent"}).status_code == 403
        )
        assert office.post(url(AttendanceRecord, "delete", record.pk), {"post": "yes"}).status_code == 403
        assert choose(office, AttendanceRecord, "delete_selected", record).status_code in {200, 403}
        assert AttendanceRecord.objects.get().status == "present"

    def test_a_teacher_of_another_class_does_not_find_it(
        self, session: Session, record: AttendanceRecord
    ) -> None:
        stranger = signed_in(FacultyFactory(school=session.school).user)
        act(stranger, AttendanceRecord, "mark_present", record)
        record.refresh_from_db()
        assert record.status == "excused"
