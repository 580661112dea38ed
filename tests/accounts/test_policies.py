"""Who may see and change whom."""

from __future__ import annotations

import pytest

from accounts import policies
from accounts.enums import Role
from accounts.models import User
from accounts.navigation import PLACES
from tests.factories import SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> dict[str, User]:
    here, there = SchoolFactory(), SchoolFactory()
    return {
        "student": UserFactory(school=here, role=Role.STUDENT),
        "faculty": UserFactory(school=here, role=Role.FACULTY),
        "admin": UserFactory(school=here, role=Role.ADMIN),
        "integrator": UserFactory(school=here, role=Role.INTEGRATOR),
        "operator": UserFactory(school=None, role=Role.SUPERUSER),
        "other admin": UserFactory(school=there, role=Role.ADMIN),
        "other student": UserFactory(school=there, role=Role.STUDENT),
    }


def allowed(people: dict[str, User], by: str, policy: str) -> set[str]:
    may = getattr(policies, policy)
    return {name for name, user in people.items() if may(people[by], user)}


@pytest.mark.parametrize(
    ("by", "seen"),
    [
        ("student", {"student"}),
        ("faculty", {"faculty"}),
        ("integrator", {"integrator"}),
        ("admin", {"student", "faculty", "admin", "integrator"}),
        ("other admin", {"other admin", "other student"}),
    ],
)
def test_people_see_themselves_and_the_office_its_school(
    people: dict[str, User], by: str, seen: set[str]
) -> None:
    assert allowed(people, by, "can_view_user") == seen
    assert set(User.objects.visible_to(people[by])) == {people[name] for name in seen}


def test_operator_sees_and_edits_everybody(people: dict[str, User]) -> None:
    assert allowed(people, "operator", "can_view_user") == set(people)
    assert allowed(people, "operator", "can_edit_user") == set(people)
    assert User.objects.visible_to(people["operator"]).count() == len(people)


def test_only_the_office_edits_people_and_only_its_own(people: dict[str, User]) -> None:
    assert allowed(people, "admin", "can_edit_user") == {"student", "faculty", "admin", "integrator"}
    for by in ("student", "faculty", "integrator"):
        assert allowed(people, by, "can_edit_user") == set()


def test_operator_of_a_school_is_beyond_that_schools_office(people: dict[str, User]) -> None:
    operator = UserFactory(school=people["admin"].school, role=Role.SUPERUSER)

    assert not policies.can_edit_user(people["admin"], operator)
    assert not policies.can_deactivate_user(people["admin"], operator)
    assert not policies.can_assign_role(people["admin"], people["student"], Role.SUPERUSER)
    assert not policies.can_add_user(people["admin"], people["admin"].school, Role.SUPERUSER)


def test_nobody_changes_their_own_role_or_switches_themselves_off(people: dict[str, User]) -> None:
    for user in people.values():
        assert not policies.can_assign_role(user, user, Role.SUPERUSER)
        assert not policies.can_assign_role(user, user, Role.STUDENT)
        assert not policies.can_deactivate_user(user, user)
        assert policies.can_end_sign_ins(user, user)


def test_office_adds_people_to_its_own_school_only(people: dict[str, User]) -> None:
    admin, other = people["admin"], people["other admin"]

    assert policies.can_add_user(admin, admin.school, Role.FACULTY)
    assert not policies.can_add_user(admin, other.school, Role.FACULTY)
    assert not policies.can_add_user(admin, None, Role.FACULTY)
    assert policies.can_assign_role(admin, people["student"], Role.ADMIN)
    assert not policies.can_assign_role(admin, people["other student"], Role.ADMIN)


def test_schools_are_seen_by_their_people_and_changed_by_their_office(people: dict[str, User]) -> None:
    here = people["student"].school
    assert here is not None

    assert {name for name, user in people.items() if policies.can_view_school(user, here)} == {
        "student",
        "faculty",
        "admin",
        "integrator",
        "operator",
    }
    assert {name for name, user in people.items() if policies.can_edit_school(user, here)} == {
        "admin",
        "operator",
    }
    assert {name for name, user in people.items() if policies.can_add_school(user)} == {"operator"}


def test_every_role_has_its_navigation_of_five_at_most() -> None:
    assert set(PLACES) == set(Role.values)
    for places in PLACES.values():
        assert len(places) <= 5
        assert sum(place.primary for place in places) <= 1
