"""The page of retention: the rules, what a run would take, legal holds and evidence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.urls import reverse

from attendance.models import AttendanceConfiguration, LegalHold, Session
from attendance.services import holds, retention
from audit.models import RetentionRun
from core import clock
from tests.attendance.retired import Old, forget_years_before
from tests.attendance.scans import students_of
from tests.colleges import signed_in
from tests.factories import SectionFactory, SessionFactory, UserFactory

PAGE = "/retention/"


@pytest.fixture
def session() -> Session:
    session: Session = SessionFactory(section=SectionFactory(students=2), open=True)
    return session


@pytest.mark.django_db
@pytest.mark.usefixtures("two_minutes_in")
class TestHolds:
    def test_a_hold_is_placed_for_a_student_and_lifted_with_a_reason(self, session: Session) -> None:
        office = UserFactory(school=session.school)
        client, student = signed_in(office), students_of(session)[0]
        client.post(
            reverse("attendance:hold_place"),
            {"student": student.enrollment_no, "from_date": "2026-07-01", "reason": "Case 12"},
        )
        hold = LegalHold.objects.get()
        assert (hold.student, hold.reason, hold.placed_by) == (student, "Case 12", office)
        assert "Classes from 1 July 2026 on" in client.get(PAGE).content.decode()

        refused = client.post(reverse("attendance:hold_lift", args=[hold.pk]))
        assert refused.status_code == 400
        assert "Say why" in refused.content.decode()
        client.post(reverse("attendance:hold_lift", args=[hold.pk]), {"reason": "settled"})
        hold.refresh_from_db()
        assert hold.lifted_by == office

    def test_a_refusal_keeps_what_was_typed(self, session: Session) -> None:
        page = signed_in(UserFactory(school=session.school)).post(
            reverse("attendance:hold_place"),
            {"from_date": "2026-07-02", "until_date": "2026-07-01", "reason": "Case 12"},
        )
        assert (page.status_code, list(page.context["form"].errors)) == (400, ["until_date"])
        assert page.context["form"]["reason"].value() == "Case 12"
        assert not LegalHold.objects.exists()

    def test_says_for_how_long_the_school_keeps_what(self, session: Session) -> None:
        AttendanceConfiguration.objects.filter(school=session.school).update(
            attendance_data_retention_years=5
        )
        page = signed_in(UserFactory(school=session.school)).get(PAGE)
        assert (page.context["expired_until"], page.context["plan"]) == (2020, None)
        assert [one.years for one in page.context["classes"]][:4] == [5, 5, 5, 6]

    @pytest.mark.parametrize("number", [1, 3])
    def test_costs_the_same_for_one_and_for_three(
        self, session: Session, now: datetime, number: int, django_assert_max_num_queries: Any
    ) -> None:
        office = UserFactory(school=session.school)
        for count in range(number):
            holds.place(school=session.school, reason=f"Case {count}", by=office, now=now)
            RetentionRun.objects.create(
                table="attendance_session", year=2018, school_id=session.school_id, rows=count, held=0,
                digest="0" * 64, actor_id=office.pk, at=now, duration_ms=1,
            )  # fmt: skip
        client = signed_in(office)
        with django_assert_max_num_queries(12) as counted:
            client.get(PAGE)
        assert len(counted) == 11


@pytest.fixture
def old_years_gone() -> Iterator[None]:
    forget_years_before(2025)
    yield
    forget_years_before(2025)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("old_years_gone")
def test_what_it_says_would_go_is_what_goes(now: datetime) -> None:
    old = Old([2018, 2026])
    Old([2018])
    client = signed_in(old.office)
    with clock.frozen(now):
        planned = client.get(f"{PAGE}?plan=1").context["plan"]
        parts = [row["part"] for row in planned]
        made = retention.apply(by=None, now=now)

    assert {(p.table, p.year, p.rows) for p in parts if p.rows} == {
        (run.table, run.year, run.rows) for run in made if run.school_id == old.school.pk and run.rows
    }
    assert {p.school_id for p in parts} <= {old.school.pk, None}
    with clock.frozen(now):
        text = client.get(f"{PAGE}?plan=1").content.decode()
    assert "Nothing goes" in text
    assert made[0].digest[:16] in text
