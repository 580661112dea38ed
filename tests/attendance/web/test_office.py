"""The office's pages where something needs attention, for operators of several schools, and on whose clock."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.urls import reverse

from accounts.enums import Role
from accounts.models import User
from attendance.enums import SessionStatus
from attendance.models import AttendanceConfiguration, AttendanceRecord, Session
from attendance.services import arrangement, holidays, sessions
from attendance.services.marking import Mark, bulk_mark
from core import clock
from tests.attendance.scans import students_of
from tests.colleges import signed_in
from tests.factories import FacultyFactory, SchoolFactory, SectionFactory, SessionFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_minutes_in")]


@pytest.fixture
def session() -> Session:
    return SessionFactory(section=SectionFactory(students=2), open=True)


@pytest.fixture
def operator() -> User:
    return UserFactory(school=None, role=Role.SUPERUSER)


def marked(session: Session, now: datetime) -> AttendanceRecord:
    """The session with one student present since 09:00 in the school's zone."""
    number = students_of(session)[0].enrollment_no
    bulk_mark(session=session, marks=[Mark(number, "present")], by=session.faculty.get().user, now=now)
    return AttendanceRecord.objects.get()


class TestOverview:
    def test_says_how_many_classes_are_cancelled(self, session: Session, office: User, now: datetime) -> None:
        later = SessionFactory(
            section=session.sections.get(),
            teacher=session.faculty.get(),
            starts_at=session.starts_at + timedelta(hours=2),
        )
        first = signed_in(office).get("/").context["stats"][0]
        assert (first["value"], first["hint"]) == (2, "")
        sessions.cancel_session(session=later, reason="strike", by=office, now=now)

        assert signed_in(office).get("/").context["stats"][0]["hint"] == "1 cancelled"

    def test_asks_about_classes_that_nobody_opened(self, session: Session, office: User) -> None:
        SessionFactory(
            section=session.sections.get(),
            starts_at=session.starts_at - timedelta(days=1),
            status=SessionStatus.UNCONFIRMED,
        )
        client = signed_in(office)

        (item,) = client.get("/").context["attention"]

        assert (item["count"], item["text"]) == (1, "class was never opened: was it held?")
        assert client.get(item["url"]).context["cl"].result_count == 1

    def test_names_classes_that_were_held_on_what_became_a_holiday(
        self, session: Session, office: User, now: datetime
    ) -> None:
        sessions.close_session(session=session, by=office, now=now)
        holidays.add_holiday(
            school=session.school,
            day=session.held_on,
            name="Mourning",
            by=office,
            now=now + timedelta(days=1),
        )
        client = signed_in(office)

        (item,) = client.get("/").context["attention"]

        assert (item["count"], item["text"]) == (1, "class was held on a holiday")
        assert client.get(item["url"]).context["cl"].result_count == 1

    def test_tells_an_operator_of_the_school_they_name_else_of_the_first(
        self, session: Session, operator: User
    ) -> None:
        empty = SchoolFactory(code="vitam")
        client = signed_in(operator)
        for query, planned in (("", 1), ("?school=VITAM", 0), ("?school=none", 1)):
            assert client.get(f"/{query}").context["stats"][0]["value"] == planned
        empty.is_active = False
        empty.save()
        assert client.get("/?school=vitam").context["stats"][0]["value"] == 1

    def test_is_forbidden_to_an_operator_while_there_is_no_school(self, operator: User) -> None:
        assert signed_in(operator).get("/").status_code == 403


class TestConfiguration:
    def test_an_operator_sets_the_rules_of_the_school_they_name(
        self, session: Session, operator: User
    ) -> None:
        other = SchoolFactory(code="vitam")
        client = signed_in(operator)
        url = reverse("attendance:configuration") + "?school=vitam"
        form = client.get(url).context["form"]
        values = {name: form[name].value() for name in form.fields}
        values = {name: value for name, value in values.items() if value is not None and value is not False}

        answer = client.post(url, {**values, "grace_period_minutes": 14})

        assert answer.status_code == 302
        minutes = AttendanceConfiguration.objects.values_list("grace_period_minutes", flat=True)
        assert minutes.get(school=other) == 14
        assert minutes.get(school=session.school) != 14


class TestWhoseClock:
    def test_the_admin_shows_the_times_of_ones_school(
        self, session: Session, office: User, now: datetime
    ) -> None:
        record = marked(session, now)
        page = signed_in(office).get(reverse("admin:attendance_attendancerecord_change", args=[record.pk]))
        assert "Nov. 3, 2026, 9 a.m." in page.content.decode()

    def test_nobody_gets_the_clock_of_whoever_asked_before(
        self, session: Session, office: User, operator: User, now: datetime
    ) -> None:
        record = marked(session, now)
        signed_in(office).get("/")

        page = signed_in(operator).get(reverse("admin:attendance_attendancerecord_change", args=[record.pk]))

        assert "Nov. 3, 2026, 3:30 a.m." in page.content.decode()


class TestToday:
    def test_of_a_substituted_class_both_are_told_who_stands_in(
        self, office: User, session: Session, now: datetime
    ) -> None:
        teacher = session.faculty.get()
        other = FacultyFactory(school=session.school)
        arrangement.substitute(session=session, faculty=other, by=office, now=now)

        (theirs,) = signed_in(other.user).get("/").context["classes"]
        (mine,) = signed_in(teacher.user).get("/").context["classes"]

        assert theirs["note"] == f"for {teacher.user.full_name}"
        assert mine["note"] == f"taken by {other.user.full_name}"

    def test_opening_a_class_without_codes_leads_to_its_roster(self, session: Session, now: datetime) -> None:
        plain = SessionFactory(
            section=session.sections.get(),
            teacher=session.faculty.get(),
            starts_at=session.starts_at + timedelta(minutes=55),
            capture_modes=["manual"],
        )
        answer = signed_in(session.faculty.get().user).post(reverse("attendance:open", args=[plain.pk]))
        assert answer["Location"] == reverse("attendance:roster", args=[plain.pk])

    def test_a_class_that_cannot_be_opened_yet_leads_home_with_the_reason(self, session: Session) -> None:
        later = SessionFactory(
            section=session.sections.get(),
            teacher=session.faculty.get(),
            starts_at=session.starts_at + timedelta(hours=5),
        )
        answer = signed_in(session.faculty.get().user).post(
            reverse("attendance:open", args=[later.pk]), follow=True
        )
        assert answer.redirect_chain[-1][0] == "/"
        assert "2026-11-03" in str(next(iter(answer.context["messages"])))

    def test_a_locked_class_is_marked_by_the_office_alone(
        self, session: Session, office: User, now: datetime
    ) -> None:
        sessions.close_session(session=session, by=office, now=now)
        sessions.lock_session(session=session, by=office, now=now)
        url = reverse("attendance:roster", args=[session.pk])
        assert signed_in(office).get(url).context["can_mark"] is True
        assert signed_in(session.faculty.get().user).get(url).context["can_mark"] is False


def test_dates_of_pages_are_the_schools_own(session: Session) -> None:
    """At 22:00 UTC it is the next day in India."""
    with clock.frozen(datetime.fromisoformat("2026-11-03T22:00:00+00:00")):
        page = signed_in(session.faculty.get().user).get("/")
    assert page.context["today"] == date(2026, 11, 4)
