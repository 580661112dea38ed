"""The same Idempotency-Key gets the same answer, whatever happened to the first one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import School
from core import clock, idempotency
from core.models import IdempotencyKey
from tests.factories.accounts import UserFactory
from tests.races import together

pytestmark = [pytest.mark.urls("tests.core.urls"), pytest.mark.django_db]

BODY = {"name": "Once College", "code": "once"}


def send(api: APIClient, key: str | None = "k-1", body: dict[str, Any] | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return api.post("/api/schools/once/", body or BODY, headers=headers)


def test_the_same_request_again_gets_the_first_answer_to_the_byte(api: APIClient) -> None:
    first, second = send(api), send(api)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert School.objects.filter(code="once").count() == 1


def test_the_order_of_keys_does_not_make_another_request(api: APIClient) -> None:
    first = send(api)
    second = send(api, body=dict(reversed(BODY.items())))

    assert second.content == first.content


def test_the_key_for_another_request_is_422(api: APIClient) -> None:
    send(api)
    answer = send(api, body=BODY | {"code": "other"})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "idempotency_key_reused")
    assert not School.objects.filter(code="other").exists()


def test_two_people_may_use_the_same_key(api: APIClient) -> None:
    send(api)
    api.force_authenticate(UserFactory(role="admin"))

    assert send(api, body=BODY | {"code": "theirs"}).status_code == 201


def test_a_refusal_is_not_kept_and_leaves_nothing(api: APIClient) -> None:
    refused = send(api, body=BODY | {"fail": True})

    assert (refused.status_code, School.objects.filter(code="undone").exists()) == (409, False)
    assert not IdempotencyKey.objects.exists()
    assert send(api).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "ümlaut", "a\tb"])
def test_a_key_that_is_none_is_refused(api: APIClient, key: str) -> None:
    answer = send(api, key=key)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "idempotency_key_invalid")


def test_without_a_key_nothing_is_kept(api: APIClient) -> None:
    send(api, key=None)
    assert not IdempotencyKey.objects.exists()


def test_a_stream_passes_by(api: APIClient) -> None:
    answer = api.post("/api/schools/stream/", {}, headers={"Idempotency-Key": "k"})

    assert b"".join(answer.streaming_content) == b"a,b\n"
    assert not IdempotencyKey.objects.exists()


def test_a_key_is_forgotten_after_a_day(api: APIClient, now: datetime) -> None:
    with clock.frozen(now):
        send(api)
    with clock.frozen(now + timedelta(hours=23)):
        assert send(api).headers["Idempotency-Replayed"] == "true"
    with clock.frozen(now + timedelta(hours=25)):
        assert "Idempotency-Replayed" not in send(api, body=BODY | {"code": "later"}).headers


def test_purging_forgets_what_is_older_than_a_day(api: APIClient, now: datetime) -> None:
    with clock.frozen(now):
        send(api)
    assert idempotency.purge(now=now + timedelta(hours=23)) == 0
    assert idempotency.purge(now=now + timedelta(hours=25)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_key_outside_the_transaction_of_the_work_is_a_mistake(now: datetime) -> None:
    with pytest.raises(RuntimeError):
        idempotency.begin(user_id=1, route="r", key="k", body=b"", now=now)


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_with_one_key_do_the_work_once_and_get_one_answer() -> None:
    person = UserFactory(role="admin")

    def act(index: int) -> tuple[int, bytes, bool]:
        api = APIClient()
        api.force_authenticate(person)
        answer = send(api)
        return answer.status_code, answer.content, "Idempotency-Replayed" in answer.headers

    answers = together(10, act)

    assert {(status, body) for status, body, _ in answers} == {(201, answers[0][1])}
    assert [replayed for _, _, replayed in answers].count(False) == 1
    assert School.objects.filter(code="once").count() == 1
