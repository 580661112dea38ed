"""What every request goes through: an id, an address, one line in the log, and clean answers to faults."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client, RequestFactory
from prometheus_client import REGISTRY
from rest_framework.test import APIClient

from core import context, metrics, middleware
from core.middleware import RequestContextMiddleware, address_of, too_large
from tests.factories.accounts import SchoolFactory

pytestmark = [pytest.mark.urls("tests.core.urls"), pytest.mark.django_db]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """The request lines of the log, as mappings."""
    caplog.set_level(logging.INFO)

    def read(event: str = "request") -> list[dict[str, Any]]:
        found = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
        return [line for line in found if line["event"] == event]

    return read


def test_a_decent_request_id_is_kept_and_any_other_replaced(client: Client) -> None:
    def sent_and_got(ident: str) -> str:
        return client.get("/healthz", headers={"X-Request-ID": ident}).headers["X-Request-ID"]

    assert sent_and_got("abc-123_DEF.4") == "abc-123_DEF.4"
    for bad in ("short", "x" * 65, "with space 123", "new\nline-123", "emoji-😀-123"):
        got = sent_and_got(bad)
        assert got != bad
        assert len(got) == 32


def test_the_context_ends_with_its_request(rf: RequestFactory) -> None:
    seen: list[context.RequestContext] = []

    def view(request: Any) -> Any:
        from django.http import HttpResponse

        seen.append(context.current())
        return HttpResponse()

    RequestContextMiddleware(view)(rf.get("/", REMOTE_ADDR="10.1.2.3", HTTP_X_REQUEST_ID="request-1"))

    assert seen == [context.RequestContext(request_id="request-1", ip="10.1.2.3")]
    assert context.current() == context.RequestContext()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "6.6.6.6", "10.0.0.1"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.9", "1.2.3.4"),
        (2, "1.2.3.4", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "not an address", None),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(
    settings: Any, proxies: int, forwarded: str, address: str | None
) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert address_of({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}) == address


@pytest.mark.parametrize(
    ("length", "refused"),
    [("", False), ("0", False), ("5242880", False), ("5242881", True), ("-1", True), ("x", True)],
)
def test_a_body_is_measured_by_what_it_announces(length: str, refused: bool) -> None:
    assert too_large({"CONTENT_LENGTH": length}) is refused


def test_the_line_names_route_person_and_school_but_no_path_or_query(
    api: APIClient, person: Any, lines: Any
) -> None:
    client = Client()
    client.force_login(person, backend="accounts.backends.CampusBackend")
    client.get("/api/refuse/transition/?token=secret-token")
    client.get("/api/echo/")

    first, second = lines()

    assert (first["method"], first["route"], first["status"]) == ("GET", "api/refuse/<str:kind>/", 409)
    assert "secret" not in json.dumps(first)
    assert (second["user_id"], second["school_id"]) == (person.pk, person.school_id)
    assert second["queries"] >= 1
    assert len(second["request_id"]) == 32


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/healthz", ("GET", "healthz", "200")),
        ("POST", "/api/refuse/transition/?token=secret-token", ("POST", "api/refuse/<str:kind>/", "405")),
        ("GET", "/nowhere/secret-token/", ("GET", "", "404")),
        ("BREW", "/healthz", ("other", "healthz", "405")),
    ],
)
def test_prometheus_is_told_of_every_request_by_the_pattern_of_its_address(
    client: Client, method: str, path: str, told: tuple[str, str, str]
) -> None:
    def count() -> float:
        labels = dict(zip(("method", "route", "status"), told, strict=True))
        return REGISTRY.get_sample_value("campushub_request_seconds_count", labels) or 0.0

    before = count()
    client.generic(method, path)

    assert count() == before + 1
    assert "secret" not in metrics.render().decode()


def test_a_slow_query_is_told_with_its_route_and_without_its_values(
    client: Client, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "SLOW_SECONDS", 0.0)
    SchoolFactory(code="same")

    client.get("/page/duplicate/")

    slow = lines("slow_query")
    assert slow[0]["route"] == "page/<str:kind>/"
    assert all("'one'" not in line["sql"] for line in slow)
    assert any("INSERT" in line["sql"] for line in slow)


@pytest.fixture
def database_away() -> Iterator[None]:
    """Nobody listens where the database was."""
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "1"
    yield
    connection.close()
    connection.settings_dict["PORT"] = port


@pytest.mark.django_db(transaction=True)
def test_without_a_database_the_api_says_503_and_when_to_come_back(database_away: None) -> None:
    api = APIClient(raise_request_exception=False)

    answer = api.get("/api/refuse/duplicate/")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.django_db(transaction=True)
def test_without_a_database_a_page_is_a_page_that_says_so(database_away: None) -> None:
    client = Client(raise_request_exception=False)

    in_view = client.get("/page/duplicate/")
    client.cookies[django_settings.SESSION_COOKIE_NAME] = "x" * 32
    in_middleware = client.get("/page/fine/")

    for answer in (in_view, in_middleware):
        assert answer.status_code == 503
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.headers["Retry-After"]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_dies_costs_one_request_at_most() -> None:
    client = Client(raise_request_exception=False)
    assert client.get("/page/fine/").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    _terminate(pid)

    assert client.get("/page/duplicate/").status_code in {409, 503}
    assert client.get("/page/duplicate/").status_code == 409


def _terminate(pid: int) -> None:
    """End another connection of the same role, as a restart of the server does."""
    known = connection.settings_dict
    with psycopg.connect(
        host=known["HOST"],
        port=known["PORT"],
        user=known["USER"],
        password=known["PASSWORD"],
        dbname=known["NAME"],
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "te-IN,te;q=0.9", "te"),
        ("", "tlh", "en"),
        ("hi", "te", "hi"),
        ("tlh", "te", "te"),
    ],
)
def test_the_cookies_language_goes_before_the_browsers(
    client: Client, cookie: str, accepted: str, language: str
) -> None:
    if cookie:
        client.cookies[django_settings.LANGUAGE_COOKIE_NAME] = cookie

    answer = client.get("/healthz", headers={"Accept-Language": accepted} if accepted else {})

    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]
