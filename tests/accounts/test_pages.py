"""The sign-in page, signing out, and the language."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.enums import Role
from accounts.models import User
from accounts.web.views import SCAN_TICKET_COOKIE
from attendance.codes import TICKET_COOKIE
from tests.factories import PASSWORD, SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db

LOGIN = "/login/"


@pytest.fixture
def browser() -> Client:
    return Client()


@pytest.fixture
def asha() -> User:
    return UserFactory(username="22cse00001@gvec", school=SchoolFactory(code="gvec"))


def sign_in(browser: Client, **said: str) -> Any:
    return browser.post(LOGIN, {"username": "22CSE00001", "password": PASSWORD} | said)


def is_signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def shown(answer: HttpResponse) -> str:
    return answer.content.decode()


def test_page_has_its_form_and_is_never_cached(browser: Client) -> None:
    answer = browser.get(LOGIN)

    assert answer.status_code == 200
    assert 'autocomplete="username"' in shown(answer)
    assert 'autocomplete="current-password"' in shown(answer)
    assert 'name="school"' not in shown(answer)
    assert "no-store" in answer["Cache-Control"]


def test_anonymous_page_costs_no_query(browser: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        browser.get(LOGIN)


def test_signing_in_leads_home(browser: Client, asha: User) -> None:
    answer = sign_in(browser)

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_signed_in(browser)


@pytest.mark.parametrize(
    "target", ["/s/AbC-_123", "/scan/?from=camera", "/admin/academics/student/?q=%E0%B0%B5"]
)
def test_deep_link_survives_the_page_and_a_wrong_password(browser: Client, asha: User, target: str) -> None:
    page = browser.get(LOGIN, {"next": target})
    assert f'name="next" value="{target}"' in shown(page)
    again = sign_in(browser, password="wrong", next=target)
    assert f'name="next" value="{target}"' in shown(again)

    assert sign_in(browser, next=target)["Location"] == target


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http:evil"],
)
def test_foreign_target_leads_home(browser: Client, asha: User, target: str) -> None:
    assert target not in shown(browser.get(LOGIN, {"next": target}))
    assert sign_in(browser, next=target)["Location"] == "/"


def test_whoever_is_signed_in_is_led_on(browser: Client, asha: User) -> None:
    browser.force_login(asha)

    assert browser.get(LOGIN, {"next": "/scan/"})["Location"] == "/scan/"


def test_wrong_password_keeps_what_was_typed_but_the_password(browser: Client, asha: User) -> None:
    answer = sign_in(browser, password="wrong-one")

    assert answer.status_code == 400
    assert 'value="22CSE00001"' in shown(answer)
    assert "wrong-one" not in shown(answer)
    assert "The user name or the password is not right." in shown(answer)
    assert not is_signed_in(browser)


def test_page_says_the_same_whether_somebody_exists_or_not(browser: Client, asha: User) -> None:
    known = shown(sign_in(browser, password="wrong"))
    unknown = shown(sign_in(browser, username="22CSE00002"))

    def told(page: str) -> str:
        body = page.partition("<main")[2].partition("</main>")[0]
        return "".join(line for line in body.splitlines() if "csrfmiddlewaretoken" not in line)

    assert told(known) == told(unknown).replace("22CSE00002", "22CSE00001")


def test_number_of_two_schools_asks_for_the_school_and_keeps_asking(browser: Client, asha: User) -> None:
    UserFactory(username="22cse00001@other", school=SchoolFactory(code="other"))
    answer = sign_in(browser)
    assert answer.status_code == 400
    assert 'name="school"' in shown(answer)
    assert 'value="22CSE00001"' in shown(answer)
    again = sign_in(browser, school="gvec", password="wrong")
    assert 'value="gvec"' in shown(again)
    assert "optional" not in shown(again)

    assert sign_in(browser, school="GVEC").status_code == 302
    assert browser.session["_auth_user_id"] == str(asha.pk)


def test_tenth_wrong_password_locks_out_on_the_same_page(browser: Client, asha: User) -> None:
    answers = [sign_in(browser, password="wrong") for _ in range(10)]
    locked = sign_in(browser)

    assert [answer.status_code for answer in answers] == [400] * 9 + [429]
    assert locked.status_code == 429
    assert "Wait 15 minutes" in shown(locked)
    assert 'value="22CSE00001"' in shown(locked)
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    "said",
    [
        {"username": ""},
        {"password": ""},
        {"username": "a" * 151},
        {"password": "a" * 1001},
        {"school": "a" * 21},
        {"username": "22CSE\x0000001"},
        {"username": "🎓" * 20, "password": "‏"},
    ],
)
def test_odd_input_is_a_400_and_signs_nobody_in(browser: Client, asha: User, said: dict[str, str]) -> None:
    assert sign_in(browser, **said).status_code == 400
    assert not is_signed_in(browser)


def test_form_from_elsewhere_is_refused(asha: User) -> None:
    browser = Client(enforce_csrf_checks=True)

    assert sign_in(browser).status_code == 403


def test_session_is_a_new_one_after_signing_in(browser: Client, asha: User) -> None:
    session = browser.session
    session["planted"] = "by somebody else"
    session.save()
    planted = session.session_key
    browser.cookies["sessionid"] = planted
    sign_in(browser)

    assert browser.session.session_key != planted


def test_waiting_ticket_is_announced(browser: Client) -> None:
    assert SCAN_TICKET_COOKIE == TICKET_COOKIE
    assert "The code was read." not in shown(browser.get(LOGIN))
    browser.cookies[TICKET_COOKIE] = "anything"

    assert "The code was read." in shown(browser.get(LOGIN))


def test_django_admin_sends_people_to_the_same_page_and_students_away(browser: Client, asha: User) -> None:
    assert browser.get("/admin/login/?next=/admin/axes/")["Location"] == "/login/?next=/admin/axes/"
    assert browser.get("/admin/login/")["Location"] == "/login/?next=/admin/"
    assert sign_in(browser, next="/admin/")["Location"] == "/admin/"
    assert browser.get("/admin/login/")["Location"] == "/admin/"
    browser.force_login(UserFactory(role=Role.STUDENT))

    assert browser.get("/admin/", follow=True).status_code == 403


# --- signing out -------------------------------------------------------------------------------------------


def test_signing_out_needs_a_post_and_leads_to_the_sign_in_page(browser: Client, asha: User) -> None:
    browser.force_login(asha)
    assert browser.get("/logout/").status_code == 405
    assert is_signed_in(browser)

    assert browser.post("/logout/")["Location"] == LOGIN
    assert not is_signed_in(browser)
    assert browser.post("/logout/")["Location"] == LOGIN


# --- language ----------------------------------------------------------------------------------------------


def choose(browser: Client, language: str, target: str = "/login/?next=/scan/") -> Any:
    return browser.post(reverse("accounts:language"), {"language": language, "next": target})


def test_language_of_somebody_unknown_is_kept_in_a_cookie(browser: Client) -> None:
    answer = choose(browser, "te")

    assert answer["Location"] == "/login/?next=/scan/"
    assert answer.cookies["django_language"].value == "te"
    assert '<html lang="te"' in shown(browser.get(LOGIN))


def test_language_of_a_person_is_kept_with_the_person(browser: Client, asha: User) -> None:
    browser.force_login(asha)
    choose(browser, "hi")

    asha.refresh_from_db()
    assert asha.language == "hi"
    assert "django_language" not in browser.cookies or not browser.cookies["django_language"].value


def test_language_chosen_on_the_sign_in_page_becomes_the_persons_own(browser: Client, asha: User) -> None:
    choose(browser, "te")
    sign_in(browser)

    asha.refresh_from_db()
    assert asha.language == "te"
    assert not browser.cookies["django_language"].value


@pytest.mark.parametrize("language", ["xx", "", "EN", "../te", "te\x00"])
def test_unknown_language_changes_nothing(browser: Client, asha: User, language: str) -> None:
    browser.force_login(asha)
    choose(browser, language)

    asha.refresh_from_db()
    assert asha.language == ""


def test_language_leads_nowhere_else(browser: Client) -> None:
    assert choose(browser, "te", "https://evil.example/")["Location"] == "/"
    assert browser.get("/language/").status_code == 405
