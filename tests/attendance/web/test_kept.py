"""What a device may keep, and for whom: pages of a class for whoever marks, nothing of anybody else's."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.enums import Role
from accounts.models import User
from attendance.models import Session
from tests.attendance.scans import students_of
from tests.colleges import signed_in
from tests.factories import SectionFactory, SessionFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_minutes_in")]
KEPT_FOR = "X-Kept-For"


@pytest.fixture
def session() -> Session:
    return SessionFactory(section=SectionFactory(students=1), open=True)


@pytest.fixture
def teacher(session: Session) -> User:
    return session.faculty.get().user


def person_on(page: Any) -> str:
    """Who the page says it is for."""
    return str(page.content.decode().split('data-person="', 1)[1].split('"', 1)[0])


@pytest.mark.parametrize("route", ["attendance:roster", "attendance:screen", "attendance:home"])
def test_a_teachers_pages_of_a_class_are_kept_for_them_alone(
    session: Session, teacher: User, office: User, route: str
) -> None:
    address = reverse(route, args=[] if route == "attendance:home" else [session.pk])
    page = signed_in(teacher).get(address)
    assert page.status_code == 200
    assert page[KEPT_FOR] == person_on(page) != ""
    assert page["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    others = signed_in(office).get(address)
    assert person_on(others) not in {"", person_on(page)}
    if route != "attendance:home":
        assert others[KEPT_FOR] == person_on(others)


def test_nothing_else_is_kept(session: Session, teacher: User, office: User) -> None:
    reader = UserFactory(school=session.school, role=Role.INTEGRATOR)
    student = students_of(session)[0].user
    roster = reverse("attendance:roster", args=[session.pk])
    for user, address in (
        (student, "/"),
        (student, "/attendance/"),
        (student, "/scan/"),
        (teacher, "/shortage/"),
        (teacher, "/approvals/"),
        (office, "/"),
        (office, "/configuration/"),
        (reader, roster),
    ):
        page = signed_in(user).get(address)
        assert page.status_code == 200
        assert KEPT_FOR not in page, address
    assert KEPT_FOR not in signed_in(student).get(roster)
    assert KEPT_FOR not in Client().get(roster)


def test_only_whoever_marks_gets_what_marks_without_a_network(session: Session, teacher: User) -> None:
    assert "data-device " in signed_in(teacher).get("/").content.decode()
    assert "data-device " not in signed_in(students_of(session)[0].user).get("/").content.decode()


def test_a_page_for_nobody_says_so() -> None:
    assert person_on(Client().get("/login/")) == ""


class TestManifest:
    def test_says_what_an_installed_app_needs(self, teacher: User) -> None:
        answer = signed_in(teacher).get("/manifest.webmanifest")
        assert answer["Content-Type"] == "application/manifest+json"
        told = answer.json()
        assert {name: told[name] for name in ("id", "start_url", "scope", "display")} == {
            "id": "/",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
        }
        assert {icon["sizes"] for icon in told["icons"]} == {"any", "192x192", "512x512"}
        assert [icon for icon in told["icons"] if icon.get("purpose") == "maskable"]

    def test_each_role_has_its_own_shortcuts_and_nobody_has_none(
        self, session: Session, teacher: User
    ) -> None:
        def shortcuts(client: Client) -> list[str]:
            return [place["url"] for place in client.get("/manifest.webmanifest").json()["shortcuts"]]

        assert "/approvals/" in shortcuts(signed_in(teacher))
        assert "/scan/" in shortcuts(signed_in(students_of(session)[0].user))
        assert shortcuts(Client()) == []
