"""Signing in through the API: the contract of /api/v1/auth/."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.enums import Role
from accounts.models import RefreshFamily, User
from core import clock, limits
from core.tokens import encode_refresh, verify_access
from tests.factories import PASSWORD, FacultyFactory, SchoolFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db

TOKEN = "/api/v1/auth/token/"
REFRESH = "/api/v1/auth/token/refresh/"
LOGOUT = "/api/v1/auth/logout/"
ME = "/api/v1/auth/me/"


@pytest.fixture(autouse=True)
def unhurried(settings: Any) -> Iterator[None]:
    """Limits have tests of their own; here they would count across tests."""
    settings.CAMPUSHUB_THROTTLE_RATES = {"login": "100000/s", "user": "100000/s"}
    yield
    limits.forget_local()


@pytest.fixture
def api() -> APIClient:
    return APIClient()


@pytest.fixture
def asha() -> User:
    school = SchoolFactory(code="gvec", name="Godavari Valley", timezone="Asia/Kolkata")
    return StudentFactory(school=school, enrollment_no="22CSE00001").user


def signed_in(api: APIClient, **said: str) -> dict[str, str]:
    answer = api.post(TOKEN, {"username": "22CSE00001", "password": PASSWORD} | said)
    assert answer.status_code == 200, answer.content
    return answer.json()


def code_of(answer: Any) -> tuple[int, str]:
    (error,) = answer.json()["errors"]
    return answer.status_code, error["code"]


def test_password_is_exchanged_for_two_tokens(api: APIClient, asha: User) -> None:
    answer = api.post(TOKEN, {"username": "22CSE00001", "password": PASSWORD})

    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    assert answer["Cache-Control"] == "no-store"
    claims = verify_access(answer.json()["access"])
    assert (claims.user_id, claims.student_id) == (asha.pk, asha.student.pk)
    asha.refresh_from_db()
    assert asha.last_login is not None


@pytest.mark.parametrize(
    "said",
    [
        {"username": "22CSE00001", "password": "wrong"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "22CSE00001@elsewhere", "password": PASSWORD},
        {"username": "22CSE00001", "password": PASSWORD, "school": "elsewhere"},
        {"username": "🎓", "password": "👩‍🎓"},
    ],
)
def test_wrong_credentials_are_all_told_the_same(api: APIClient, asha: User, said: dict[str, str]) -> None:
    answer = api.post(TOKEN, said)

    assert code_of(answer) == (401, "invalid_credentials")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_number_of_two_schools_asks_for_the_school(api: APIClient, asha: User) -> None:
    StudentFactory(school=SchoolFactory(code="other"), enrollment_no="22CSE00001")
    answer = api.post(TOKEN, {"username": "22CSE00001", "password": PASSWORD})

    assert code_of(answer) == (400, "school_required")
    assert answer.json()["errors"][0]["attr"] == "school"
    assert signed_in(api, school="GVEC")
    assert signed_in(api, username="22cse00001@gvec")


def test_tenth_wrong_password_locks_out_and_says_for_how_long(api: APIClient, asha: User) -> None:
    answers = [code_of(api.post(TOKEN, {"username": "22CSE00001", "password": "wrong"})) for _ in range(10)]
    locked = api.post(TOKEN, {"username": "22CSE00001@gvec", "password": PASSWORD})

    assert answers == [(401, "invalid_credentials")] * 9 + [(429, "locked_out")]
    assert code_of(locked) == (429, "locked_out")
    assert locked["Retry-After"] == "900"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "22CSE00001"},
        {"username": None, "password": PASSWORD},
        {"username": "", "password": ""},
        {"username": ["22CSE00001"], "password": PASSWORD},
        {"username": {"a": 1}, "password": PASSWORD},
        {"username": True, "password": PASSWORD},
        {"username": "a" * 151, "password": PASSWORD},
        {"username": "22CSE00001", "password": "a" * 1001},
        {"username": "22CSE00001", "password": PASSWORD, "school": "a" * 21},
        {"username": "22CSE\x0000001", "password": PASSWORD},
        [],
        "text",
        None,
    ],
)
@pytest.mark.parametrize("address", [TOKEN, REFRESH, LOGOUT])
def test_malformed_body_is_a_400_and_signs_nobody_in(
    api: APIClient, asha: User, address: str, body: Any
) -> None:
    answer = api.post(address, body, format="json")

    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["code"]
    assert not RefreshFamily.objects.exists()


def test_sign_in_ignores_a_worthless_token_that_comes_along(api: APIClient, asha: User) -> None:
    api.credentials(HTTP_AUTHORIZATION="Bearer old.and.bad")

    assert signed_in(api)


def test_token_endpoint_counts_per_address(api: APIClient, settings: Any) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"login": "2/h"}
    said = {"username": "nobody", "password": "wrong"}
    # Counts outlive a test run, so this address is of this run alone.
    address = f"2001:db8::{secrets.token_hex(2)}:{secrets.token_hex(2)}:{secrets.token_hex(2)}"
    answers = [api.post(TOKEN, said, REMOTE_ADDR=address) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert code_of(answers[2]) == (429, "throttled")


# --- staying signed in -------------------------------------------------------------------------------------


def test_refresh_gives_a_new_pair_and_answers_a_second_tab_the_same(api: APIClient, asha: User) -> None:
    first = signed_in(api)
    second = api.post(REFRESH, {"refresh": first["refresh"]})
    again = api.post(REFRESH, {"refresh": first["refresh"]})

    assert second.status_code == 200
    assert second.json() == again.json()
    assert second.json()["refresh"] != first["refresh"]
    assert second["Cache-Control"] == "no-store"


def test_reused_refresh_token_ends_the_sign_in(api: APIClient, asha: User, now: datetime) -> None:
    with clock.frozen(now):
        first = signed_in(api)
        second = api.post(REFRESH, {"refresh": first["refresh"]}).json()
    with clock.frozen(now + timedelta(seconds=11)):
        assert code_of(api.post(REFRESH, {"refresh": first["refresh"]})) == (401, "token_reused")
        assert code_of(api.post(REFRESH, {"refresh": second["refresh"]})) == (401, "token_not_valid")


def test_access_token_cannot_refresh_and_refresh_token_cannot_ask(api: APIClient, asha: User) -> None:
    pair = signed_in(api)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['refresh']}")

    assert code_of(api.get(ME)) == (401, "token_not_valid")
    assert code_of(APIClient().post(REFRESH, {"refresh": pair["access"]})) == (401, "token_not_valid")


def test_logout_ends_the_sign_in_and_may_be_repeated(api: APIClient, asha: User) -> None:
    pair, other = signed_in(api), signed_in(api)
    for _ in range(2):
        answer = api.post(LOGOUT, {"refresh": pair["refresh"]})
        assert (answer.status_code, answer.content) == (204, b"")

    assert code_of(api.post(REFRESH, {"refresh": pair["refresh"]})) == (401, "token_not_valid")
    assert api.post(REFRESH, {"refresh": other["refresh"]}).status_code == 200


def test_logout_everywhere_ends_every_sign_in(api: APIClient, asha: User) -> None:
    pair, other = signed_in(api), signed_in(api)

    assert api.post(LOGOUT, {"refresh": pair["refresh"], "everywhere": True}).status_code == 204
    assert code_of(api.post(REFRESH, {"refresh": other["refresh"]})) == (401, "token_not_valid")


def test_logout_with_a_foreign_token_is_refused(api: APIClient, asha: User, now: datetime) -> None:
    family = RefreshFamily.objects.create(
        user=asha, current_jti=asha_jti(), current_issued_at=now, created_at=now, expires_at=now
    )
    forged = encode_refresh(user_id=asha.pk + 1, family_id=family.pk, jti=asha_jti(), issued_at=clock.now())

    assert code_of(api.post(LOGOUT, {"refresh": forged})) == (401, "token_not_valid")
    assert code_of(api.post(LOGOUT, {"refresh": "nonsense"})) == (401, "token_not_valid")


def asha_jti() -> Any:
    from uuid import UUID

    return UUID(int=1)


# --- who am I ----------------------------------------------------------------------------------------------


def test_me_tells_a_student_who_they_are(api: APIClient, asha: User, django_assert_num_queries: Any) -> None:
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {signed_in(api)['access']}")

    # The person with the school; the numbers.
    with django_assert_num_queries(2):
        answer = api.get(ME)
    assert answer.json() == {
        "username": "22cse00001@gvec",
        "full_name": asha.full_name,
        "email": asha.email,
        "role": "student",
        "language": "",
        "school": {"code": "gvec", "name": "Godavari Valley", "timezone": "Asia/Kolkata"},
        "enrollment_no": "22CSE00001",
        "employee_no": None,
    }


def test_me_tells_faculty_their_number_and_operators_no_school(api: APIClient) -> None:
    faculty = FacultyFactory(employee_no="F1")
    operator = UserFactory(role=Role.SUPERUSER, school=None)
    api.force_authenticate(faculty.user)
    assert api.get(ME).json()["employee_no"] == "F1"
    api.force_authenticate(operator)
    assert api.get(ME).json()["school"] is None


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "not_authenticated"),
        ("", "not_authenticated"),
        ("Basic YTpi", "not_authenticated"),
        ("Bearer", "token_not_valid"),
        ("Bearer a b", "token_not_valid"),
        ("Bearer nonsense", "token_not_valid"),
        ("Bearer é", "token_not_valid"),
        ("bearer " + "A" * 5000, "token_not_valid"),
    ],
)
def test_without_a_good_token_the_answer_is_401(api: APIClient, header: str | None, code: str) -> None:
    answer = api.get(ME, headers={} if header is None else {"Authorization": header})

    assert code_of(answer) == (401, code)
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_access_token_expires(api: APIClient, asha: User, now: datetime) -> None:
    with clock.frozen(now):
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {signed_in(api)['access']}")
    with clock.frozen(now + timedelta(minutes=14, seconds=59)):
        assert api.get(ME).status_code == 200
    with clock.frozen(now + timedelta(minutes=15)):
        assert code_of(api.get(ME)) == (401, "token_not_valid")


@pytest.mark.parametrize("what", ["person", "school"])
def test_switched_off_person_or_school_is_refused_at_once(api: APIClient, asha: User, what: str) -> None:
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {signed_in(api)['access']}")
    target: Any = asha if what == "person" else asha.school
    target.is_active = False
    target.save()

    assert code_of(api.get(ME)) == (401, "token_not_valid")


# --- the session of the pages ------------------------------------------------------------------------------


def test_session_of_the_pages_is_good_for_the_api(asha: User) -> None:
    browser = Client()
    browser.force_login(asha)

    assert browser.get(ME).json()["username"] == asha.username


def test_token_wins_over_a_session(asha: User) -> None:
    browser = Client()
    browser.force_login(UserFactory())
    access = signed_in(APIClient())["access"]

    assert browser.get(ME, headers={"Authorization": f"Bearer {access}"}).json()["username"] == asha.username


def test_session_without_a_csrf_token_changes_nothing(asha: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(asha)

    # Any protected endpoint will do: CSRF is judged before the method.
    assert code_of(browser.post(ME)) == (403, "csrf_failed")
    assert browser.get(ME).status_code == 200
