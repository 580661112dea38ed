"""What becomes of values and of faults on their way into an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as site
from django.core.exceptions import TooManyFieldsSent, ValidationError
from django.db import DatabaseError, connection
from django.http import UnreadablePostError
from django.test import Client, RequestFactory
from django.utils.translation import gettext_lazy
from pytest_django.asserts import assertTemplateUsed
from rest_framework.exceptions import NotFound

from accounts.models import School, User
from core import clock, context, faults, metrics, redis
from core.api.exceptions import handle
from core.api.renderers import ORJSONRenderer, dumps
from core.idempotency import begin
from core.locks import lock, try_session_lock
from core.models import IdempotencyKey, OutboxMessage, TaskHealth
from core.streams.admission import admit, refusal
from core.streams.answers import Answer
from core.tokens import encode_access
from tests.factories import SchoolFactory

pytestmark = pytest.mark.django_db


class TestJson:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (Decimal("99.95"), b"99.95"),
            (gettext_lazy("Present"), b'"Present"'),
            (frozenset({3}), b"[3]"),
            (datetime(2026, 11, 3, 3, 30, tzinfo=UTC), b'"2026-11-03T03:30:00Z"'),
            (UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
            ({1: "one"}, b'{"1":"one"}'),
            ("తెలుగు", '"తెలుగు"'.encode()),
        ],
        ids=str,
    )
    def test_values_of_ours_have_a_form(self, value: Any, text: bytes) -> None:
        assert dumps(value) == text

    def test_rows_of_a_query_are_a_list(self) -> None:
        SchoolFactory(code="a")
        SchoolFactory(code="b")
        assert dumps(School.objects.order_by("code").values_list("code", flat=True)) == b'["a","b"]'

    def test_what_has_no_form_is_a_mistake_of_ours(self) -> None:
        with pytest.raises(TypeError, match="User"):
            dumps({"user": User()})

    def test_nothing_is_no_bytes(self) -> None:
        assert ORJSONRenderer().render(None) == b""


@pytest.fixture
def redis_away(settings: Any) -> Iterator[None]:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    yield
    redis.forget_failure()


@contextmanager
def database_away() -> Iterator[None]:
    """Nobody answers where the database should be; needs a test that holds no transaction."""
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "1"
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["PORT"] = port


def errors_of(error: Exception) -> tuple[int, list[tuple[str, str | None]]]:
    response = handle(error, {"request": None})
    assert response is not None
    return response.status_code, [(one["code"], one["attr"]) for one in response.data["errors"]]


class TestFaultsOfTheApi:
    def test_a_model_that_is_not_valid_is_refused_by_field(self) -> None:
        with pytest.raises(ValidationError) as refused:
            School(name="x", code="no good code!", timezone="Mars/Base").full_clean()
        status, errors = errors_of(refused.value)
        assert status == 400
        assert {attr for _code, attr in errors} == {"code", "timezone"}

    def test_a_rule_over_several_fields_names_none(self) -> None:
        error = ValidationError({"__all__": ["These do not go together."]})
        assert errors_of(error) == (400, [("invalid", "non_field_errors")])
        assert errors_of(ValidationError("No.", code="odd")) == (400, [("odd", "non_field_errors")])

    @pytest.mark.parametrize("error", [TooManyFieldsSent("too many"), UnreadablePostError("gone")])
    def test_a_request_that_cannot_be_read_is_a_bad_one(self, error: Exception) -> None:
        assert errors_of(error) == (400, [("parse_error", None)])

    def test_whoever_needs_redis_while_it_is_away_says_so(self, redis_away: None) -> None:
        with pytest.raises(redis.RedisAway) as away:
            redis.run(lambda client: client.ping())
        response = handle(away.value, {"request": None})
        assert response is not None
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert response.data["errors"][0]["code"] == "redis_unavailable"

    def test_a_database_error_that_is_our_mistake_stays_a_fault(self) -> None:
        with pytest.raises(DatabaseError) as mistake, connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")
        assert errors_of(mistake.value)[0] == 500
        streams = refusal(mistake.value)
        assert (streams.status, json.loads(streams.body)["type"]) == (500, "server_error")

    def test_streams_refuse_as_the_api_does(self) -> None:
        answer = refusal(NotFound())
        assert (answer.status, json.loads(answer.body)["errors"][0]["code"]) == (404, "not_found")


class TestFaultsOfPages:
    @pytest.mark.parametrize(
        ("status", "page"), [(400, 400), (403, 403), (404, 404), (409, 400), (503, 503), (507, 500)]
    )
    def test_each_status_has_its_page_or_that_of_the_nearest(
        self, rf: RequestFactory, status: int, page: int
    ) -> None:
        with (
            context.use(context.RequestContext(request_id="request-1", ip=None)),
            assertTemplateUsed(template_name=f"{page}.html"),
        ):
            answer = faults.answer(rf.get("/x/"), status=status, code="odd", detail="Something odd.")
        assert answer.status_code == status
        assert "request-1" in answer.content.decode()

    def test_whoever_takes_json_and_no_page_gets_json(self, rf: RequestFactory) -> None:
        asked = rf.get("/healthz-of-old/", headers={"Accept": "application/json"})
        answer = faults.page_not_found(asked, Exception())
        assert json.loads(answer.content)["errors"] == [
            {"code": "not_found", "detail": "There is nothing at this address.", "attr": None}
        ]
        assert not faults.wants_json(rf.get("/x/", headers={"Accept": "text/html,application/json"}))

    @pytest.mark.django_db(transaction=True)
    def test_a_stream_asked_for_while_the_database_is_away_is_503(self) -> None:
        token = encode_access(
            user_id=1,
            school_id=1,
            role="faculty",
            student_id=None,
            family_id=UUID(int=1),
            issued_at=clock.now(),
        )
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/live/sessions/x/",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {token}".encode())],
        }
        with database_away():
            answer = admit(scope, lambda user, topic: None, "x", again=True)
        assert isinstance(answer, Answer)
        assert (answer.status, json.loads(answer.body)["errors"][0]["code"]) == (503, "database_unavailable")
        assert (b"retry-after", b"5") in answer.headers

    @pytest.mark.django_db(transaction=True)
    def test_a_database_that_goes_away_before_any_view_is_503(self, client: Client) -> None:
        """The session is read by a middleware, where Django turns every error into its 500."""
        client.raise_request_exception = False
        client.cookies[site.SESSION_COOKIE_NAME] = "abcdefghijklmnopqrstuvwxyz012345"
        with database_away():
            answer = client.get("/")
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")

    def test_a_bad_request_and_a_forbidden_one_have_their_words(self, rf: RequestFactory) -> None:
        asked = rf.get("/api/x/")
        for answer, status, code in (
            (faults.bad_request(asked, Exception()), 400, "invalid"),
            (faults.permission_denied(asked, Exception()), 403, "permission_denied"),
        ):
            assert (answer.status_code, json.loads(answer.content)["errors"][0]["code"]) == (status, code)


class TestOutsideATransaction:
    @pytest.mark.django_db(transaction=True)
    def test_a_lock_that_would_protect_nothing_is_refused(self) -> None:
        with pytest.raises(RuntimeError):
            lock("timetable", 1)

    @pytest.mark.django_db(transaction=True)
    def test_a_session_lock_ends_with_a_connection_that_broke(self) -> None:
        """The task's own error is the one to be seen, and the lock is free again."""

        def task() -> None:
            with try_session_lock("task", "x") as got:
                assert got
                assert connection.connection is not None
                connection.connection.close()
                raise KeyError("what the task died of")

        with pytest.raises(KeyError):
            task()
        with try_session_lock("task", "x") as again:
            assert again


def test_one_transaction_cannot_begin_a_key_twice(now: datetime) -> None:
    asked: dict[str, Any] = {"user_id": 1, "route": "r", "key": "k" * 16, "body": b"", "now": now}
    assert begin(**asked) is None
    with pytest.raises(RuntimeError, match="this very transaction"):
        begin(**asked)


@pytest.mark.django_db(transaction=True)
def test_figures_of_the_process_are_told_while_the_database_is_away(client: Client) -> None:
    with database_away():
        answer = client.get("/metrics", REMOTE_ADDR="127.0.0.1")
    assert answer.status_code == 200
    assert b"campushub_query_seconds" in answer.content
    assert b"campushub_outbox_waiting" not in answer.content


def test_counts_of_several_processes_are_told_together(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an empty shared folder there is nothing to tell, whatever this process counted by itself."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    told = metrics.render()
    assert b"campushub_query_seconds" not in told
    assert b"campushub_outbox_waiting 0.0" in told


def test_rows_of_the_foundation_name_themselves(now: datetime) -> None:
    assert str(OutboxMessage(pk=4, job="audit.seal")) == "audit.seal #4"
    assert str(TaskHealth(name="audit.seal")) == "audit.seal"
    assert "r" in str(IdempotencyKey(user_id=1, route="r", key="k"))
