"""Who may sign in, under which names, and what an attacker learns: nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory

from accounts.backends import CampusBackend
from accounts.enums import Role
from accounts.errors import InvalidCredentials, LockedOut, SchoolRequired
from accounts.models import User
from accounts.services import credentials
from audit.models import AuditEntry
from tests.factories import PASSWORD, SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db


def request_from(address: str = "10.0.0.1") -> HttpRequest:
    request = RequestFactory().post("/login/", REMOTE_ADDR=address)
    request.session = SessionStore()
    return request


def check(username: str, password: str = PASSWORD, school: str = "", **kwargs: Any) -> User:
    return credentials.check(
        request=request_from(**kwargs), username=username, password=password, school=school
    )


@pytest.fixture
def asha() -> User:
    return UserFactory(username="22cse00001@gvec", school=SchoolFactory(code="GVEC"), role=Role.STUDENT)


@pytest.mark.parametrize(
    "typed",
    ["22cse00001@gvec", "22CSE00001@GVEC", "  22CSE00001@gvec ", "22CSE00001", "22cse00001", "２２cse00001"],
)
def test_number_with_or_without_the_school_signs_in_however_it_is_typed(asha: User, typed: str) -> None:
    assert check(typed) == asha


@pytest.mark.parametrize(("typed", "school"), [("22CSE00001", "gvec"), ("22cse00001", " GVEC ")])
def test_number_with_the_school_apart_signs_in(asha: User, typed: str, school: str) -> None:
    assert check(typed, school=school) == asha


def test_number_of_two_schools_needs_the_school(asha: User) -> None:
    namesake = UserFactory(username="22cse00001@other", school=SchoolFactory(code="other"))

    with pytest.raises(SchoolRequired) as refusal:
        check("22CSE00001")
    assert (refusal.value.code, refusal.value.status, refusal.value.attr) == (
        "school_required",
        400,
        "school",
    )
    assert check("22CSE00001", school="other") == namesake
    assert check("22CSE00001", school="gvec") == asha
    assert check("22cse00001@gvec") == asha


def test_number_is_not_ambiguous_with_a_closed_school_or_somebody_who_left(asha: User) -> None:
    UserFactory(username="22cse00001@shut", school=SchoolFactory(code="shut", is_active=False))
    UserFactory(username="22cse00001@left", school=SchoolFactory(code="left"), is_active=False)

    assert check("22CSE00001") == asha


def test_number_matches_whole_only(asha: User) -> None:
    for typed in ("22cse0000", "22cse00001@", "22cse00001@gve", "%", "_2cse00001", "22cse00001%"):
        with pytest.raises(InvalidCredentials):
            check(typed)


def test_complete_user_name_wins_over_a_number() -> None:
    office = UserFactory(username="office")
    UserFactory(username="office@gvec", school=SchoolFactory(code="gvec"))

    assert check("Office") == office
    assert check("office", school=office.school.code.upper()) == office


def test_operator_without_a_school_signs_in() -> None:
    operator = User.objects.create_superuser("Root", "root@example.edu", PASSWORD)

    assert check("root") == operator


def test_wrong_password_and_unknown_name_are_told_the_same(asha: User) -> None:
    answers = []
    for name, password in (("22cse00001@gvec", "wrong"), ("nobody@gvec", "wrong"), ("nobody", PASSWORD)):
        with pytest.raises(InvalidCredentials) as refusal:
            check(name, password)
        answers.append((refusal.value.code, refusal.value.status, str(refusal.value), refusal.value.meta))

    assert len(set(answers)) == 1
    assert answers[0][:2] == ("invalid_credentials", 401)


@pytest.mark.parametrize("who", ["known", "unknown", "ambiguous", "inactive", "school shut", "no password"])
def test_every_attempt_costs_one_password_hash(asha: User, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    UserFactory(username="7@a", school=SchoolFactory(code="a"))
    UserFactory(username="7@b", school=SchoolFactory(code="b"))
    UserFactory(username="gone", is_active=False)
    UserFactory(username="shut", school=SchoolFactory(is_active=False))
    UserFactory(username="fresh", password="!")
    name = {
        "known": "22cse00001",
        "unknown": "nobody",
        "ambiguous": "7",
        "inactive": "gone",
        "school shut": "shut",
        "no password": "fresh",
    }[who]
    hashed: list[str] = []
    for method in ("encode", "verify"):
        original = getattr(Argon2PasswordHasher, method)

        def counted(self: Any, *args: Any, original: Any = original) -> Any:
            hashed.append(original.__name__)
            return original(self, *args)

        monkeypatch.setattr(Argon2PasswordHasher, method, counted)

    with pytest.raises((InvalidCredentials, SchoolRequired)):
        check(name, "wrong")
    assert len(hashed) == 1


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "!"}])
def test_person_who_is_switched_off_or_never_had_a_password_is_refused(
    asha: User, change: dict[str, Any]
) -> None:
    User.objects.filter(pk=asha.pk).update(**change)

    with pytest.raises(InvalidCredentials):
        check("22cse00001@gvec")


def test_person_of_a_closed_school_is_refused_and_signed_out(asha: User) -> None:
    assert CampusBackend().get_user(asha.pk) == asha
    asha.school.is_active = False
    asha.school.save()

    with pytest.raises(InvalidCredentials):
        check("22cse00001@gvec")
    assert CampusBackend().get_user(asha.pk) is None


def test_djangos_own_authenticate_obeys_the_same_rules(asha: User) -> None:
    assert authenticate(request_from(), username="22CSE00001", password=PASSWORD) == asha
    assert authenticate(request_from(), username="", password=PASSWORD) is None
    assert authenticate(request_from(), username="22CSE00001", password=None) is None


# --- lock-out ----------------------------------------------------------------------------------------------


def fail(name: str, times: int, **kwargs: Any) -> list[str]:
    codes = []
    for _ in range(times):
        with pytest.raises((InvalidCredentials, LockedOut)) as refusal:
            check(name, "wrong", **kwargs)
        codes.append(refusal.value.code)
    return codes


@pytest.mark.parametrize("name", ["22cse00001@gvec", "nobody"])
def test_tenth_wrong_password_locks_out_known_and_unknown_alike(asha: User, name: str) -> None:
    assert fail(name, 11) == ["invalid_credentials"] * 9 + ["locked_out"] * 2


def test_locked_out_person_is_refused_even_with_the_right_password(asha: User) -> None:
    fail("22cse00001@gvec", 10)

    with pytest.raises(LockedOut) as refusal:
        check("22cse00001@gvec")
    assert refusal.value.status == 429
    assert "15 minutes" in str(refusal.value)


def test_spelling_the_name_in_another_way_is_no_fresh_start(asha: User) -> None:
    for name in ("22cse00001@gvec", "22CSE00001@GVEC", "22cse00001", " 22CSE00001", "２２cse00001"):
        fail(name, 2)

    with pytest.raises(LockedOut):
        check("22cse00001@gvec")


def test_lock_out_holds_for_one_name_and_one_address(asha: User) -> None:
    other = UserFactory(username="other@gvec", school=asha.school)
    fail("22cse00001@gvec", 10)

    assert check("22cse00001@gvec", address="10.0.0.2") == asha
    assert check("other@gvec") == other


def test_success_forgets_the_failures(asha: User, now: datetime) -> None:
    fail("22cse00001@gvec", 9)
    credentials.sign_in(request=request_from(), username="22cse00001", password=PASSWORD, now=now)

    assert fail("22cse00001@gvec", 9) == ["invalid_credentials"] * 9


# --- sessions of the pages ---------------------------------------------------------------------------------


def test_signing_in_and_out_of_the_pages_is_in_the_audit_trail(asha: User, now: datetime) -> None:
    request = request_from()
    credentials.sign_in(request=request, username="22cse00001", password=PASSWORD, now=now)
    assert request.session["_auth_user_id"] == str(asha.pk)
    credentials.sign_out(request=request, by=asha, now=now)
    assert "_auth_user_id" not in request.session

    entries = AuditEntry.objects.order_by("xid", "id").values_list("action", "actor_id", "school_id", "after")
    assert sorted(entries) == [
        ("sign_in.end", asha.pk, asha.school_id, {"via": "pages"}),
        ("sign_in.start", asha.pk, asha.school_id, {"via": "pages"}),
    ]


def test_refused_sign_in_leaves_no_session(asha: User, now: datetime) -> None:
    request = request_from()
    with pytest.raises(InvalidCredentials):
        credentials.sign_in(request=request, username="22cse00001", password="wrong", now=now)

    assert "_auth_user_id" not in request.session
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("had", "cookie", "has"), [("", "te", "te"), ("hi", "te", "hi"), ("", "xx", ""), ("hi", "", "hi")]
)
def test_language_chosen_before_signing_in_is_kept_unless_one_was_chosen_already(
    asha: User, now: datetime, had: str, cookie: str, has: str
) -> None:
    User.objects.filter(pk=asha.pk).update(language=had)
    request = request_from()
    request.COOKIES["django_language"] = cookie
    credentials.sign_in(request=request, username="22cse00001", password=PASSWORD, now=now)

    assert User.objects.get(pk=asha.pk).language == has
