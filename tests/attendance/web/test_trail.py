"""The audit trail as a page: operations, search, the state of the seals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from attendance.models import AttendanceRecord, Session
from attendance.selectors import trail
from attendance.services import sessions
from attendance.services.marking import Mark, bulk_mark
from audit import jobs
from audit.models import AuditEntry
from audit.services.seals import seal
from core.models import TaskHealth
from tests.attendance.scans import students_of
from tests.colleges import signed_in
from tests.factories import SectionFactory, SessionFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_minutes_in")]

PAGE = "/audit/"


@pytest.fixture
def session() -> Session:
    session: Session = SessionFactory(section=SectionFactory(students=3), open=True)
    return session


@pytest.fixture
def client(office: User) -> Client:
    return signed_in(office)


def mark(session: Session, status: str, now: datetime, *, students: int = 3, **more: Any) -> None:
    marks = [Mark(student.enrollment_no, status) for student in students_of(session)[:students]]
    bulk_mark(session=session, marks=marks, by=session.faculty.get().user, now=now, **more)


def shown(client: Client, query: str = "") -> list[trail.Operation]:
    operations: list[trail.Operation] = client.get(PAGE + query).context["operations"]
    return operations


class TestOperations:
    def test_what_was_done_in_one_go_stands_together_latest_first(
        self, client: Client, session: Session, now: datetime
    ) -> None:
        mark(session, "present", now)
        mark(session, "late", now + timedelta(minutes=1), students=2)

        late, present = shown(client)

        teacher = session.faculty.get().user
        assert [(one.entries, one.actor) for one in (late, present)] == [
            (2, teacher.full_name),
            (3, teacher.full_name),
        ]
        assert {(c.name, c.before, c.after) for told in late.told for c in told.changes} == {
            ("status", "present", "late")
        }
        first = students_of(session)[0]
        assert late.told[0].label.startswith(f"{first.user.full_name} ({first.enrollment_no})")

    def test_a_large_operation_is_counted_and_shown_whole_when_asked(
        self, client: Client, session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(trail, "_READ", 2)
        mark(session, "present", now)
        sessions.close_session(session=session, by=None, now=now + timedelta(minutes=50))

        (closed,) = shown(client)[:1]
        page = client.get(PAGE)
        after = client.get(f"{PAGE}?cursor={page.context['cursor']}")

        assert closed.told[0].entry.action == "session.close"
        pages = [one.entries for one in page.context["operations"]]
        pages += [one.entries for one in after.context["operations"]]
        assert sum(pages) == AuditEntry.objects.filter(school_id=session.school_id).count()
        assert len(pages) == 2
        operation = page.context["operations"][-1].id
        (whole,) = shown(client, f"?operation={operation}")
        assert whole.id == operation

    def test_pages_follow_each_other_without_a_gap(
        self, client: Client, session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(trail, "OPERATIONS", 2)
        for minute, status in enumerate(["present", "late", "absent", "present", "late"]):
            mark(session, status, now + timedelta(minutes=minute), students=1)
        found, cursor = [], ""
        for _page in range(3):
            page = client.get(f"{PAGE}?cursor={cursor}")
            found += [one.id for one in page.context["operations"]]
            cursor = page.context["cursor"]
        entries = AuditEntry.objects.filter(school_id=session.school_id).order_by("-at", "-id")
        assert found == list(entries.values_list("operation_id", flat=True))
        assert cursor == ""

    def test_a_cursor_of_somebody_else_is_refused(self, client: Client) -> None:
        for cursor in ("x", "W10", "e30", "bnVsbA", "é"):
            assert client.get(PAGE, {"cursor": cursor}).status_code == 400


class TestSearch:
    def test_by_object_person_action_and_day(
        self, client: Client, office: User, session: Session, now: datetime
    ) -> None:
        mark(session, "present", now, students=1)
        sessions.close_session(session=session, by=office, now=now + timedelta(days=1))
        record = AttendanceRecord.objects.get(status="present")

        def actions(query: str) -> list[str]:
            return [told.entry.action for one in shown(client, query) for told in one.told]

        assert actions(f"?object_type=attendancerecord&object_id={record.pk}") == ["record.create"]
        assert "session.close" in actions(f"?actor={office.username}")
        assert actions(f"?actor={office.username}&action=record.") == []
        assert actions("?action=session.") == ["session.close"]
        assert "session.close" not in actions("?until=2026-11-03")
        assert "record.create" not in actions("?first=2026-11-04")
        assert actions("?actor=system") == []

    def test_a_student_is_named_by_the_enrollment_number(
        self, client: Client, office: User, session: Session, now: datetime
    ) -> None:
        from academics.services import people

        student = students_of(session)[0]
        people.update_student(student=student, changes={"phone": "+91 90000 1"}, by=office, now=now)
        (one,) = shown(client, f"?object_type=student&object_id={student.enrollment_no.lower()}")
        (change,) = one.told[0].changes
        assert (change.name, change.personal) == ("phone", True)
        assert change.after.startswith("fp:")
        assert "90000" not in client.get(PAGE).content.decode()

    def test_nothing_found_says_so(self, client: Client) -> None:
        assert "Nothing fits" in client.get(f"{PAGE}?action=none").content.decode()


class TestSeals:
    def test_the_last_seal_and_the_last_check_stand_on_top(
        self, client: Client, session: Session, now: datetime
    ) -> None:
        mark(session, "present", now)
        before = client.get(PAGE).context["seals"]
        assert (before.last, before.verified_at, before.broken) == (None, None, "")
        assert before.unsealed >= 3
        TaskHealth.objects.create(name=jobs.VERIFY, period_seconds=86400, started_at=now, succeeded_at=now)
        assert "intact" in client.get(PAGE).content.decode()
        TaskHealth.objects.update(failed_at=now + timedelta(days=1), error="TrailBroken: entry 7 was edited")
        page = client.get(PAGE)
        assert page.context["seals"].broken == "TrailBroken: entry 7 was edited"
        assert "The trail is not what was sealed." in page.content.decode()

    def test_sealed_entries_are_not_counted_as_waiting(self, client: Client, now: datetime) -> None:
        made = seal(now=now)
        found = client.get(PAGE).context["seals"]
        assert found.last == (made[-1] if made else None)


@pytest.mark.parametrize("students", [1, 3])
def test_costs_the_same_for_one_entry_and_for_three(
    client: Client, session: Session, now: datetime, students: int, django_assert_max_num_queries: Any
) -> None:
    mark(session, "present", now, students=students)
    with django_assert_max_num_queries(12) as counted:
        client.get(PAGE)
    assert len(counted) == 9


def test_another_schools_entries_are_nobodys_business_here(session: Session, now: datetime) -> None:
    mark(session, "present", now)
    assert shown(signed_in(UserFactory())) == []


def test_a_marks_history_is_one_click_from_the_roster(
    client: Client, session: Session, now: datetime
) -> None:
    mark(session, "present", now, students=1)
    record = AttendanceRecord.objects.get()
    link = f"{PAGE}?object_type=attendancerecord&amp;object_id={record.pk}"
    assert link in client.get(reverse("attendance:roster", args=[session.pk])).content.decode()
