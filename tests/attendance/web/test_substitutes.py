"""Substitutes on the pages of heads of department: who is free, who is appointed, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from academics.models import Department, Faculty
from accounts.models import User
from attendance.models import Session
from attendance.services import arrangement, occupancy, sessions
from core import clock
from tests.attendance.planning import Plan
from tests.colleges import signed_in
from tests.factories import CourseFactory, DepartmentFactory, FacultyFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan() -> Plan:
    return Plan.new()


@pytest.fixture
def department(plan: Plan) -> Department:
    made: Department = DepartmentFactory(school=plan.school)
    made.head = FacultyFactory(school=plan.school, department=made)
    made.save()
    return made


@pytest.fixture
def lecture(plan: Plan, department: Department) -> Session:
    """Monday 2 November, 09:00–10:00, the day after `plan.now`."""
    section = plan.section(course=CourseFactory(school=plan.school, department=department))
    teacher = FacultyFactory(school=plan.school, department=department)
    return plan.extra_class("2026-11-02 09:00", sections=[section], faculty=[teacher])


def head(department: Department) -> User:
    assert department.head is not None
    return department.head.user


def ask(user: User, plan: Plan, address: str, body: dict[str, str] | None = None) -> Any:
    with clock.frozen(plan.now):
        client = signed_in(user)
        return client.get(address) if body is None else client.post(address, body)


def at(session: Session) -> str:
    return reverse("attendance:substitute", args=[session.pk])


def colleague(plan: Plan, department: Department) -> Faculty:
    made: Faculty = FacultyFactory(school=plan.school, department=department)
    return made


class TestDepartment:
    def test_lists_the_classes_of_a_day_with_who_stands_in(
        self, plan: Plan, department: Department, lecture: Session
    ) -> None:
        other = colleague(plan, department)
        arrangement.substitute(session=lecture, faculty=other, by=plan.office, now=plan.now)
        page = reverse("attendance:department")
        today = ask(head(department), plan, page)
        assert (today.context["day"], today.context["classes"]) == (plan.school.local_date(plan.now), [])
        assert len(today.context["days"]) == 7

        (one,) = ask(head(department), plan, f"{page}?day=2026-11-02").context["classes"]

        assert (one.id, one.substitute) == (lecture.pk, other.user.full_name)
        # Nothing is planned from here beyond a week.
        assert (
            ask(head(department), plan, f"{page}?day=2027-11-02").context["day"].isoformat() == "2026-11-01"
        )

    @pytest.mark.parametrize("number", [1, 3])
    def test_costs_the_same_for_one_class_and_for_three(
        self, plan: Plan, department: Department, lecture: Session, number: int,
        django_assert_max_num_queries: Any,
    ) -> None:  # fmt: skip
        for hour in range(number - 1):
            plan.extra_class(f"2026-11-02 {11 + hour}:00", sections=list(lecture.sections.all()))
        client = signed_in(head(department))
        with clock.frozen(plan.now), django_assert_max_num_queries(12) as counted:
            answer = client.get(f"{reverse('attendance:department')}?day=2026-11-02")
        assert (len(answer.context["classes"]), len(counted)) == (number, 11)


class TestChoosing:
    def test_offers_who_is_free_by_sessions_and_by_the_timetable_least_busy_first(
        self, plan: Plan, department: Department, lecture: Session
    ) -> None:
        free, teaches_later, teaches_then, by_timetable = (colleague(plan, department) for _ in range(4))
        FacultyFactory(school=plan.school, department=DepartmentFactory(school=plan.school))
        plan.extra_class("2026-11-02 10:00", faculty=[teaches_later])
        plan.extra_class("2026-11-02 09:30", faculty=[teaches_then])
        # A slot of which no session was made yet.
        plan.slot(weekday=1, faculty=[by_timetable])

        page = ask(head(department), plan, at(lecture))

        assert [(row["teacher"].pk, row["classes"]) for row in page.context["free"]] == [
            *sorted([(department.head_id, 0), (free.pk, 0)], key=lambda row: names(row[0])),
            (teaches_later.pk, 1),
        ]
        assert page.context["taken"] == 2
        everybody = ask(head(department), plan, f"{at(lecture)}?everybody=1")
        assert len(everybody.context["free"]) == 4

    def test_one_is_appointed_and_taken_back(
        self, plan: Plan, department: Department, lecture: Session
    ) -> None:
        other = colleague(plan, department)
        answer = ask(head(department), plan, at(lecture), {"faculty": other.employee_no})
        assert answer["Location"] == f"/department/?department={department.code}&day=2026-11-02"
        lecture.refresh_from_db()
        assert lecture.substitute == other

        ask(head(department), plan, at(lecture), {"faculty": ""})
        lecture.refresh_from_db()
        assert lecture.substitute is None

    def test_whoever_is_taken_meanwhile_is_refused_by_name_of_the_other_class(
        self, plan: Plan, department: Department, lecture: Session
    ) -> None:
        other = colleague(plan, department)
        plan.extra_class("2026-11-02 09:30", faculty=[other])
        answer = ask(head(department), plan, at(lecture), {"faculty": other.employee_no})
        assert answer.status_code == 409
        assert [message.level_tag for message in answer.context["messages"]] == ["error"]
        lecture.refresh_from_db()
        assert lecture.substitute is None

    def test_of_a_cancelled_class_nobody_is_offered(
        self, plan: Plan, department: Department, lecture: Session
    ) -> None:
        sessions.cancel_session(session=lecture, reason="strike", by=plan.office, now=plan.now)
        assert ask(head(department), plan, at(lecture)).context["can_change"] is False

    @pytest.mark.parametrize("number", [1, 3])
    def test_costs_the_same_for_one_colleague_and_for_three(
        self, plan: Plan, department: Department, lecture: Session, number: int,
        django_assert_max_num_queries: Any,
    ) -> None:  # fmt: skip
        for _one in range(number):
            colleague(plan, department)
        client = signed_in(head(department))
        with clock.frozen(plan.now), django_assert_max_num_queries(12) as counted:
            client.get(at(lecture))
        assert len(counted) == 12


def names(pk: int | None) -> str:
    return Faculty.objects.get(pk=pk).user.full_name


def test_who_is_free_is_known_for_all_at_once(plan: Plan, lecture: Session) -> None:
    own = lecture.faculty.get()
    free, busy = plan.teacher(), plan.teacher()
    plan.extra_class("2026-11-02 09:59", faculty=[busy])
    after = plan.teacher()
    plan.extra_class("2026-11-02 10:00", faculty=[after])
    asked = [own.pk, free.pk, busy.pk, after.pk]
    assert occupancy.free_faculty(lecture, asked) == {own.pk, free.pk, after.pk}
    assert lecture.ends_at - lecture.starts_at == timedelta(hours=1)
