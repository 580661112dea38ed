"""Every page of attendance for every role: who sees it, what it says, what it costs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from academics.models import Student
from accounts.enums import Role
from accounts.models import User
from attendance.enums import SessionStatus, Status
from attendance.models import AttendanceConfiguration, AttendanceRecord, Session
from attendance.services import sessions
from attendance.services.marking import Mark, bulk_mark
from tests.attendance.scans import students_of
from tests.colleges import signed_in
from tests.factories import SectionFactory, SessionFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_minutes_in")]


@pytest.fixture
def session() -> Session:
    return SessionFactory(section=SectionFactory(students=3), open=True)


@pytest.fixture
def teacher(session: Session) -> User:
    return session.faculty.get().user


def typed(form: Any) -> dict[str, Any]:
    """What a browser would send of the form as it is shown."""
    shown = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in shown.items() if value is not None and value is not False}


class TestStudentHome:
    def test_shows_the_open_class_and_no_percentage_before_the_first(self, session: Session) -> None:
        student = students_of(session)[0]
        page = signed_in(student.user).get("/")
        assert page.status_code == 200
        assert page.context["current"].course == session.sections.get().course.title
        assert "no class held yet" in page.content.decode()

    def test_shows_the_percentage_once_the_class_is_closed(
        self, session: Session, teacher: User, now: datetime
    ) -> None:
        student = students_of(session)[0]
        bulk_mark(session=session, marks=[Mark(student.enrollment_no, "late")], by=teacher, now=now)
        sessions.close_session(session=session, by=teacher, now=now)
        page = signed_in(student.user).get("/")
        assert "100.00" in page.content.decode()
        (course,) = page.context["courses"]
        assert (course["summary"].attended, course["summary"].counted) == (1, 1)

    def test_without_any_course_says_what_to_do(self) -> None:
        from tests.factories import StudentFactory

        page = signed_in(StudentFactory().user).get("/")
        assert page.status_code == 200
        assert "Not enrolled in a course yet" in page.content.decode()


class TestHistory:
    def test_lists_every_class_with_its_mark(self, session: Session, teacher: User, now: datetime) -> None:
        sessions.close_session(session=session, by=teacher, now=now)
        student = students_of(session)[0]
        page = signed_in(student.user).get(reverse("attendance:history"))
        (row,) = page.context["page"]
        assert (row["status"], row["source"], row["counted"]) == ("absent", "system", True)

    def test_shows_one_course_when_asked(self, session: Session) -> None:
        student = students_of(session)[0]
        code = session.sections.get().course.code
        page = signed_in(student.user).get(reverse("attendance:history"), {"course": code})
        assert page.context["course"].code == code

    def test_is_for_students(self, teacher: User) -> None:
        assert signed_in(teacher).get(reverse("attendance:history")).status_code == 403


class TestTeaching:
    def test_today_lists_my_classes(self, session: Session, teacher: User) -> None:
        page = signed_in(teacher).get("/")
        (row,) = page.context["classes"]
        assert (row["id"], row["total"], row["status"]) == (session.pk, 3, "open")

    def test_start_opens_the_class_and_leads_to_its_screen(self) -> None:
        session = SessionFactory(section=SectionFactory(students=1))
        client = signed_in(session.faculty.get().user)
        answer = client.post(reverse("attendance:open", args=[session.pk]))
        assert answer["Location"] == reverse("attendance:screen", args=[session.pk])
        session.refresh_from_db()
        assert session.status == SessionStatus.OPEN

    def test_the_screen_names_who_came(self, session: Session, teacher: User, now: datetime) -> None:
        first = students_of(session)[0]
        bulk_mark(session=session, marks=[Mark(first.enrollment_no, "present")], by=teacher, now=now)
        page = signed_in(teacher).get(reverse("attendance:screen", args=[session.pk]))
        assert page.status_code == 200
        assert first.user.full_name in page.content.decode()
        assert page.context["total"] == 3

    def test_the_screen_of_a_class_that_is_not_open_is_its_roster(
        self, teacher: User, session: Session
    ) -> None:
        sessions.close_session(session=session, by=teacher, now=session.ends_at)
        page = signed_in(teacher).get(reverse("attendance:screen", args=[session.pk]))
        assert page["Location"] == reverse("attendance:roster", args=[session.pk])

    def test_the_roster_marks_by_form(self, session: Session, teacher: User) -> None:
        first, second, _third = students_of(session)
        client = signed_in(teacher)
        url = reverse("attendance:mark", args=[session.pk])
        client.post(url, {"mark": f"{first.enrollment_no}:late"})
        client.post(url, {"all": "present"})
        kept = dict(AttendanceRecord.objects.values_list("student", "status"))
        assert (kept[first.pk], kept[second.pk], len(kept)) == (Status.LATE, Status.PRESENT, 3)

    def test_a_bad_mark_is_said_and_changes_nothing(self, session: Session, teacher: User) -> None:
        page = signed_in(teacher).post(
            reverse("attendance:mark", args=[session.pk]), {"mark": "nobody:present"}, follow=True
        )
        assert [message.level_tag for message in page.context["messages"]] == ["error"]
        assert not AttendanceRecord.objects.exists()

    def test_closing_and_reopening_with_a_reason(self, session: Session, teacher: User) -> None:
        client = signed_in(teacher)
        page = client.post(reverse("attendance:close", args=[session.pk]), follow=True)
        assert page.context["needs_reason"] is True
        client.post(reverse("attendance:reopen", args=[session.pk]), {"reason": ""})
        session.refresh_from_db()
        assert session.status == SessionStatus.CLOSED
        client.post(reverse("attendance:reopen", args=[session.pk]), {"reason": "projector failed"})
        session.refresh_from_db()
        assert session.status == SessionStatus.OPEN

    @pytest.mark.parametrize("held", ["true", "false"])
    def test_an_unconfirmed_class_is_asked_about(self, held: str) -> None:
        session = SessionFactory(section=SectionFactory(students=1), status=SessionStatus.UNCONFIRMED)
        client = signed_in(session.faculty.get().user)
        assert [row.id for row in client.get("/").context["unconfirmed"]] == [session.pk]
        client.post(reverse("attendance:confirm", args=[session.pk]), {"held": held})
        session.refresh_from_db()
        assert session.status == (SessionStatus.CLOSED if held == "true" else SessionStatus.CANCELLED)

    @pytest.mark.parametrize("name", ["screen", "roster"])
    def test_another_teachers_class_is_forbidden_and_another_schools_is_not_there(
        self, session: Session, name: str
    ) -> None:
        colleague = (
            SessionFactory(section=SectionFactory(school=session.school, students=1)).faculty.get().user
        )
        stranger = SessionFactory().faculty.get().user
        url = reverse(f"attendance:{name}", args=[session.pk])
        assert signed_in(colleague).get(url).status_code == 403
        assert signed_in(stranger).get(url).status_code == 404

    @pytest.mark.parametrize("name", ["open", "close", "reopen", "confirm", "mark"])
    def test_students_change_nothing(self, session: Session, name: str) -> None:
        student = students_of(session)[0]
        url = reverse(f"attendance:{name}", args=[session.pk])
        assert (
            signed_in(student.user).post(url, {"mark": f"{student.enrollment_no}:present"}).status_code == 403
        )
        assert not AttendanceRecord.objects.exists()


class TestOffice:
    def test_overview_counts_from_rows(
        self, session: Session, office: User, teacher: User, now: datetime
    ) -> None:
        first = students_of(session)[0]
        bulk_mark(session=session, marks=[Mark(first.enrollment_no, "present")], by=teacher, now=now)
        sessions.close_session(session=session, by=teacher, now=now)
        page = signed_in(office).get("/")
        assert page.status_code == 200
        values = [stat["value"] for stat in page.context["stats"]]
        assert values[:4] == [1, 0, 1, 1]
        assert str(values[4]) == "33.33"
        (section,) = page.context["sections"]
        assert (str(section["percentage"]), section["below"], section["students"]) == ("33.33", 2, 3)

    def test_overview_of_an_empty_school(self) -> None:
        assert signed_in(UserFactory()).get("/").status_code == 200

    def test_configuration_is_saved_and_a_late_comer_is_told(self, office: User, session: Session) -> None:
        client = signed_in(office)
        url = reverse("attendance:configuration")
        page = client.get(url)
        form = page.context["form"]
        values = typed(form)
        saved = client.post(url, {**values, "grace_period_minutes": 12})
        assert saved.status_code == 302, saved.context["form"].errors
        row = AttendanceConfiguration.objects.get(school=session.school)
        assert (row.grace_period_minutes, row.version) == (12, 2)

        late = client.post(url, {**values, "grace_period_minutes": 3})
        assert late.status_code == 409
        assert late.context["form"]["grace_period_minutes"].value() == "3"

    def test_configuration_out_of_range_is_refused(self, office: User) -> None:
        client = signed_in(office)
        url = reverse("attendance:configuration")
        form = client.get(url).context["form"]
        values = typed(form)
        answer = client.post(url, {**values, "attendance_threshold_percent": 100})
        assert answer.status_code == 400
        assert "attendance_threshold_percent" in answer.context["form"].errors

    def test_configuration_is_for_the_office(self, teacher: User) -> None:
        assert signed_in(teacher).get(reverse("attendance:configuration")).status_code == 403

    def test_an_operator_of_several_schools_sees_one(self) -> None:
        operator = UserFactory(school=None, role=Role.SUPERUSER)
        SessionFactory()
        assert signed_in(operator).get("/").status_code == 200

    def test_a_program_that_signs_in_is_shown_the_documentation(self) -> None:
        page = signed_in(UserFactory(role=Role.INTEGRATOR)).get("/")
        assert reverse("api-docs") in page.content.decode()


@pytest.mark.parametrize("name", ["home", "scan", "history", "configuration", "shortage", "department"])
def test_strangers_are_asked_to_sign_in(name: str) -> None:
    answer = Client().get(reverse(f"attendance:{name}"))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("accounts:login"))


def _pages(session: Session, student: Student, office: User) -> list[tuple[str, User, str]]:
    teacher = session.faculty.get().user
    return [
        ("home", student.user, "/"),
        ("history", student.user, reverse("attendance:history")),
        ("scan", student.user, reverse("attendance:scan")),
        ("today", teacher, "/"),
        ("screen", teacher, reverse("attendance:screen", args=[session.pk])),
        ("roster", teacher, reverse("attendance:roster", args=[session.pk])),
        ("overview", office, "/"),
        ("configuration", office, reverse("attendance:configuration")),
    ]


def test_every_page_costs_the_same_for_one_row_as_for_three() -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    costs: list[dict[str, int]] = []
    for rows in (1, 3):
        section = SectionFactory(students=rows)
        found = [SessionFactory(section=section, open=True)]
        teacher = found[0].faculty.get()
        for extra in range(1, rows):
            starts = found[0].starts_at + timedelta(hours=extra)
            found.append(SessionFactory(section=section, teacher=teacher, open=True, starts_at=starts))
        for session in found:
            for student in students_of(session):
                bulk_mark(
                    session=session,
                    marks=[Mark(student.enrollment_no, "present")],
                    by=teacher.user,
                    now=session.starts_at,
                )
        office = UserFactory(school=section.school)
        cost = {}
        for name, user, url in _pages(found[0], students_of(found[0])[0], office):
            client = signed_in(user)
            client.get(url)
            with CaptureQueriesContext(connection) as captured:
                assert client.get(url).status_code == 200, name
            cost[name] = len(captured)
        costs.append(cost)

    assert costs[0] == costs[1]
    assert max(costs[1].values()) <= 12, costs[1]
