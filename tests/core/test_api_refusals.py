"""Every refusal has one shape, whoever refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import School

pytestmark = [pytest.mark.urls("tests.core.urls"), pytest.mark.django_db]


def test_a_domain_refusal_keeps_its_code_status_and_meta(api: APIClient) -> None:
    answer = api.get("/api/refuse/transition/")

    assert answer.status_code == 409
    assert answer.json() == {
        "type": "client_error",
        "errors": [
            {
                "code": "invalid_transition",
                "detail": "This cannot go from “open” to “void”.",
                "attr": None,
                "meta": {"allowed": ["closed"]},
            }
        ],
    }


def test_a_refused_input_names_its_field_as_a_serializer_would(api: APIClient) -> None:
    answer = api.get("/api/refuse/field/")

    assert answer.status_code == 400
    assert answer.json() == {
        "type": "validation_error",
        "errors": [{"code": "odd", "detail": "Seven is odd.", "attr": "number"}],
    }


@pytest.mark.django_db(transaction=True)
def test_a_violated_constraint_is_409_and_nothing_is_written(api: APIClient) -> None:
    answer = api.get("/api/refuse/duplicate/")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "school_code_taken")
    assert not School.objects.filter(code="same").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("kind", "status"), [("check", 409), ("range", 400)])
def test_other_refusals_of_the_database_are_no_faults(api: APIClient, kind: str, status: int) -> None:
    assert api.get(f"/api/refuse/{kind}/").status_code == status


def test_a_fault_of_ours_is_500_and_says_nothing_of_its_inside(api: APIClient) -> None:
    answer = api.get("/api/refuse/bug/")

    assert (answer.status_code, answer.json()["type"]) == (500, "server_error")
    assert "secret" not in answer.content.decode()


def test_nobody_gets_401_with_a_challenge(client: Client) -> None:
    answer = client.get("/api/echo/")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_bad_token_is_401_with_its_own_code(client: Client) -> None:
    answer = client.get("/api/echo/", headers={"Authorization": "Bearer nonsense"})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "token_not_valid")


def test_a_session_without_its_csrf_token_is_403(person: object) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person, backend="accounts.backends.CampusBackend")  # type: ignore[arg-type] # a user

    answer = client.post("/api/echo/", "{}", content_type="application/json")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "csrf_failed")


def test_a_wrong_method_and_an_unknown_address_have_the_shape_too(api: APIClient) -> None:
    assert api.delete("/api/echo/").json()["errors"][0]["code"] == "method_not_allowed"
    unknown = api.get("/api/nothing/")
    assert (unknown.status_code, unknown.json()["errors"][0]["code"]) == (404, "not_found")


def test_field_errors_of_a_serializer_are_told_by_field(api: APIClient) -> None:
    answer = api.post("/api/schools/", {"name": "n", "country": "IND"})

    found = {(error["attr"], error["code"]) for error in answer.json()["errors"]}
    assert answer.status_code == 400
    assert {("code", "required"), ("country", "max_length")} <= found


def test_a_page_answers_a_refusal_with_a_page(client: Client) -> None:
    client.raise_request_exception = False

    conflict, fault = client.get("/page/transition/"), client.get("/page/bug/")

    assert (conflict.status_code, fault.status_code) == (409, 500)
    for answer in (conflict, fault):
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "secret" not in answer.content.decode()


def test_an_error_page_that_cannot_be_made_is_a_line_of_text(client: Client, settings: Any) -> None:
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": []}]
    client.raise_request_exception = False

    answer = client.get("/page/bug/", headers={"X-Request-ID": "request-1"})

    assert answer.status_code == 500
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.content.decode().endswith("(request-1)\n")
