"""The page of anomalies: what it shows, to whom, and looking into a case."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.urls import reverse

from accounts.models import User
from attendance.models import AnomalyDismissal, Session
from core import clock
from tests.attendance.anomaly_world import a_class, scan
from tests.attendance.scans import students_of
from tests.colleges import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_minutes_in")]

PAGE = "/anomalies/"


@pytest.fixture
def session() -> Session:
    return a_class(students=6)


@pytest.fixture
def teacher(session: Session) -> User:
    return session.faculty.get().user


def from_outside(session: Session, now: datetime, *, students: int = 1) -> None:
    for student in students_of(session)[:students]:
        scan(session, student, at=now, north=900)


class TestList:
    def test_says_what_was_seen_who_where_why_and_what_to_do(
        self, session: Session, teacher: User, now: datetime
    ) -> None:
        from_outside(session, now)
        page = signed_in(teacher).get(PAGE)
        (row,) = page.context["rows"]
        student = students_of(session)[0]
        text = page.content.decode()
        for said in (
            "1 student, up to 900 m from the room (allowed: 100 m).",
            "The code may have been sent to somebody who was not in the room.",
            "They were not marked. Ask how they came by the code.",
            student.enrollment_no,
            reverse("attendance:roster", args=[session.pk]),
        ):
            assert said in text
        assert [one.name for one in row["case"].students] == [student.user.full_name]

    def test_an_empty_list_says_what_would_be_in_it(self, teacher: User) -> None:
        assert "Nothing stands out" in signed_in(teacher).get(PAGE).content.decode()

    def test_is_narrowed_by_kind_class_and_days(self, session: Session, teacher: User, now: datetime) -> None:
        from_outside(session, now)
        scan(session, students_of(session)[1], at=now, north=130, accuracy=40.0)
        client = signed_in(teacher)

        def kinds(query: str) -> list[str]:
            return [row["case"].kind for row in client.get(PAGE + query).context["rows"]]

        section = session.sections.get().pk
        assert kinds("") == ["outside", "edge"]
        assert kinds("?kind=edge") == ["edge"]
        assert kinds(f"?session={session.pk}") == ["outside", "edge"]
        assert kinds(f"?section={section}") == ["outside", "edge"]
        assert kinds("?first=2026-10-10&until=2026-11-02") == []
        assert client.get(PAGE + "?first=2026-01-01&until=2026-11-02").status_code == 400

    @pytest.mark.parametrize("students", [1, 3])
    def test_costs_the_same_for_one_and_for_three(
        self, session: Session, teacher: User, now: datetime, students: int, django_assert_num_queries: object
    ) -> None:
        from_outside(session, now, students=students)
        client = signed_in(teacher)
        with django_assert_num_queries(11):  # type: ignore[operator] # a fixture
            client.get(PAGE)


class TestLookingAt:
    def test_a_case_is_dismissed_with_a_remark_and_taken_back(
        self, session: Session, teacher: User, now: datetime
    ) -> None:
        from_outside(session, now)
        client = signed_in(teacher)
        sent = {"kind": "outside", "subject": str(session.pk), "remark": "Sports day"}

        answer = client.post(f"{PAGE}dismiss/?kind=outside", sent)

        assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}?kind=outside")
        assert client.get(PAGE).context["rows"] == []
        assert "Sports day" in client.get(f"{PAGE}?show=dismissed").content.decode()
        made = AnomalyDismissal.objects.get()
        client.post(reverse("attendance:anomaly_undo", args=[made.pk]))
        assert len(client.get(PAGE).context["rows"]) == 1

    def test_what_is_not_there_cannot_be_dismissed(self, session: Session, teacher: User) -> None:
        sent = {"kind": "outside", "subject": str(session.pk)}
        answer = signed_in(teacher).post(f"{PAGE}dismiss/", sent, follow=True)
        assert [str(message) for message in answer.context["messages"]] == ["There is no such anomaly."]
        assert not AnomalyDismissal.objects.exists()


def test_the_roster_and_the_section_lead_to_the_cases_of_a_class(
    session: Session, teacher: User, office: User, now: datetime
) -> None:
    roster = reverse("attendance:roster", args=[session.pk])
    section = reverse("attendance:section", args=[session.sections.get().pk])
    client = signed_in(teacher)
    assert (client.get(roster).context["anomalies"], client.get(section).context["anomalies"]) == (0, 0)

    from_outside(session, now)

    for page, query in ((roster, "session="), (section, "section=")):
        text = client.get(page).content.decode()
        assert "1 thing to look at" in text
        assert f"{PAGE}?{query}" in text
    # The office alone reads the trail.
    assert "/audit/?" not in client.get(roster).content.decode()
    assert (
        f"/audit/?object_type=session&amp;object_id={session.pk}"
        in signed_in(office).get(roster).content.decode()
    )


def test_the_days_are_the_schools_own(session: Session, teacher: User) -> None:
    """At 22:00 UTC it is the next day in India."""
    with clock.frozen(datetime.fromisoformat("2026-11-03T22:00:00+00:00")):
        assert signed_in(teacher).get(PAGE).context["last"].isoformat() == "2026-11-04"
