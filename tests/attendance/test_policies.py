"""Who may do what with a class: every policy for every kind of person, at their own school and at another."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from academics.models import Section
from accounts.enums import Role
from accounts.models import User
from attendance import policies
from attendance.models import (
    AttendanceRecord,
    AttendanceStatistics,
    Session,
)
from attendance.services import sessions
from tests.colleges import College, make_college
from tests.factories import (
    CondonationFactory,
    CorrectionFactory,
    DepartmentFactory,
    FacultyFactory,
    RecordFactory,
    SectionFactory,
    UserFactory,
)

Policy = Callable[..., bool]

pytestmark = pytest.mark.django_db

#: Who does what; nobody else does. `substitute` stands in for the class, `stranger` is the office of another school.
MAY = {
    policies.can_run_session: "teacher substitute head admin operator",
    policies.can_arrange_session: "teacher substitute head admin operator",
    policies.can_void_session: "head admin operator",
    policies.can_lock_session: "admin operator",
    policies.can_view_roster: "teacher substitute head admin operator integrator",
    policies.can_view_session: "student teacher substitute head admin operator integrator",
    policies.teaches: "teacher substitute",
    policies.heads_department_of: "head",
}
PEOPLE = (
    "student", "outsider", "teacher", "substitute", "other_teacher", "head", "admin", "integrator", "operator",
    "stranger", "strange_teacher", "strange_head",
)  # fmt: skip


@pytest.fixture
def college() -> College:
    return make_college()


@pytest.fixture
def people(college: College) -> dict[str, User]:
    elsewhere = make_college()
    stand_in = FacultyFactory(school=college.school)
    Session.objects.filter(pk=college.session.pk).update(substitute=stand_in)
    college.session.refresh_from_db()
    return {
        **{
            name: college.user(name)
            for name in ("student", "teacher", "other_teacher", "head", "admin", "integrator")
        },
        "outsider": SectionFactory(school=college.school, students=1).enrollments.get().student.user,
        "substitute": stand_in.user,
        "operator": UserFactory(school=None, role=Role.SUPERUSER),
        "stranger": elsewhere.admin,
        "strange_teacher": elsewhere.teacher,
        "strange_head": elsewhere.head,
    }


@pytest.mark.parametrize("policy", MAY, ids=lambda policy: policy.__name__)
def test_a_class_is_for_those_who_have_to_do_with_it(
    college: College, people: dict[str, User], policy: Policy
) -> None:
    allowed = {name for name in PEOPLE if policy(people[name], college.session)}

    assert allowed == set(MAY[policy].split())


def test_an_extra_class_is_planned_by_the_office_or_by_who_teaches_or_heads_every_section(
    college: College, people: dict[str, User]
) -> None:
    def planners(*sections: Section) -> set[str]:
        return {name for name in PEOPLE if policies.can_create_session(people[name], list(sections))}

    foreign = SectionFactory(school=college.school)
    assert planners(college.section) == {"teacher", "head", "admin", "operator"}
    assert planners(college.section, college.section) == {"teacher", "head", "admin", "operator"}
    assert planners(college.section, foreign) == {"admin", "operator"}
    assert planners(college.section, SectionFactory()) == {"operator"}
    assert planners() == set()


def test_whoever_plans_marks_or_scans_at_all(college: College, people: dict[str, User]) -> None:
    def those(may: Policy) -> set[str]:
        return {name for name in PEOPLE if may(people[name])}

    faculty = {"teacher", "substitute", "other_teacher", "head"}
    assert those(lambda user: policies.can_create_sessions(user, college.school)) == faculty | {
        "admin",
        "operator",
    }
    assert those(lambda user: policies.can_plan(user, college.school)) == {"admin", "operator"}
    assert those(lambda user: policies.can_plan(user, None)) == set()
    assert those(policies.can_scan) == {"student", "outsider"}
    assert those(policies.can_mark_classes) == faculty | {
        "admin", "operator", "stranger", "strange_teacher", "strange_head",
    }  # fmt: skip


def test_marks_and_figures_are_seen_by_whom_they_concern(college: College, people: dict[str, User]) -> None:
    sessions.open_session(session=college.session, by=None, now=college.session.starts_at)
    RecordFactory(session=college.session, student=college.students[0])
    sessions.close_session(session=college.session, by=college.admin, now=college.session.ends_at)

    def see(model: type[AttendanceRecord] | type[AttendanceStatistics]) -> dict[str, int]:
        found = {name: model.objects.visible_to(people[name]).count() for name in PEOPLE}
        return {name: count for name, count in found.items() if count}

    everybody = {"teacher": 3, "head": 3, "admin": 3, "integrator": 3, "operator": 3}
    assert see(AttendanceRecord) == {"student": 1, "substitute": 3, **everybody}
    # Who stood in for one class is not told how the students do in the whole course.
    assert see(AttendanceStatistics) == {"student": 1, **everybody}


def test_who_runs_a_class_is_the_same_asked_of_one_and_of_many(
    college: College, people: dict[str, User]
) -> None:
    for name in PEOPLE:
        found = Session.objects.run_by(people[name]).filter(pk=college.session.pk).exists()
        assert found == policies.can_run_session(people[name], college.session), name


def test_a_correction_is_seen_read_and_decided_by_whom_it_concerns(
    college: College, people: dict[str, User]
) -> None:
    correction = CorrectionFactory(session=college.session, student=college.students[0])

    def those(may: Policy) -> set[str]:
        return {name for name in PEOPLE if may(people[name], correction)}

    reviewers = {"teacher", "substitute", "head", "admin", "operator"}
    assert those(policies.can_review_correction) == reviewers
    assert those(policies.can_read_request) == reviewers | {"student"}
    assert those(policies.can_view_request) == reviewers | {"student", "integrator"}
    assert those(policies.can_cancel_request) == {"student"}


def test_a_condonation_is_recommended_by_heads_and_decided_by_the_office(
    college: College, people: dict[str, User]
) -> None:
    own = DepartmentFactory(school=college.school, head=people["other_teacher"].faculty)
    student = college.students[0]
    type(student).objects.filter(pk=student.pk).update(department=own)
    condonation = CondonationFactory(section=college.section, student=student)

    def those(may: Policy) -> set[str]:
        return {name for name in PEOPLE if may(people[name], condonation)}

    # Of the course's department, and of the student's own.
    heads, office = {"head", "other_teacher"}, {"admin", "operator"}
    assert those(policies.can_recommend_condonation) == heads
    assert those(policies.can_decide_condonation) == office
    assert those(policies.can_read_request) == heads | office | {"student"}
    assert those(policies.can_view_request) == heads | office | {"student", "teacher", "integrator"}
    assert those(policies.can_cancel_request) == {"student"}


def test_lists_show_what_may_be_seen_one_by_one(college: College, people: dict[str, User]) -> None:
    requests = [
        CorrectionFactory(session=college.session),
        # Of somebody whom the head of the course's department does not know otherwise.
        CondonationFactory(section=college.section),
    ]
    for request in requests:
        model = type(request)
        for name in PEOPLE:
            listed = set(model.objects.visible_to(people[name]))
            assert (request in listed) == policies.can_view_request(people[name], request), (model, name)
            readable = set(model.objects.readable_by(people[name]))
            assert readable <= listed, (model, name)
