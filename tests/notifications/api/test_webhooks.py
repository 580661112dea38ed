"""The API of webhooks, for the office and the school's integrators."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.enums import SendState
from notifications.models import WebhookDelivery, WebhookEndpoint
from tests.colleges import College, client_of, refusal
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

HOOKS = "/api/v1/notifications/webhooks/"
DELIVERIES = "/api/v1/notifications/deliveries/"
URL = "https://93.184.216.34/hook"


def made(client: Any, url: str = URL, **values: Any) -> dict[str, Any]:
    answer = client.post(HOOKS, {"url": url, **values})
    assert answer.status_code == 201, answer.json()
    return answer.json()


@pytest.mark.parametrize("who", ["admin", "integrator"])
def test_one_is_made_with_a_secret_that_is_shown_once(college: College, who: str) -> None:
    client = client_of(college.user(who))
    answer = client.post(HOOKS, {"url": URL, "name": "Library", "kinds": ["leave_decision", "absence"]})
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    hook, secret = answer.json()["webhook"], answer.json()["secret"]
    assert secret.startswith("whsec_")
    assert (hook["kinds"], hook["is_active"], hook["school"]) == (
        ["absence", "leave_decision"],
        True,
        college.school.code,
    )
    shown = client.get(f"{HOOKS}{hook['id']}/").json()
    assert shown == hook
    assert secret not in client.get(HOOKS).content.decode()
    assert WebhookEndpoint.objects.get().secret == secret


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"url": "https://10.0.0.1/"}, (400, "address_refused", "url")),
        ({"url": "nothing"}, (400, "address_refused", "url")),
        ({"url": URL, "kinds": ["gossip"]}, (400, "unknown_kind", None)),
        ({}, (400, "required", "url")),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_made(college: College, body: Any, expected: Any) -> None:
    assert refusal(client_of(college.admin).post(HOOKS, body)) == expected
    assert not WebhookEndpoint.objects.exists()


def test_the_same_address_twice_is_refused(college: College) -> None:
    client = client_of(college.admin)
    made(client)
    assert refusal(client.post(HOOKS, {"url": URL})) == (409, "webhook_exists", "url")


def test_one_is_changed_switched_off_and_removed(college: College) -> None:
    client = client_of(college.admin)
    ident = made(client)["webhook"]["id"]
    changed = client.patch(f"{HOOKS}{ident}/", {"name": "ERP", "is_active": False}).json()
    assert (changed["name"], changed["is_active"], changed["url"]) == ("ERP", False, URL)
    assert refusal(client.post(f"{HOOKS}{ident}/test/")) == (409, "webhook_off", None)
    assert client.delete(f"{HOOKS}{ident}/").status_code == 204
    assert client.get(HOOKS).json()["count"] == 0


def test_a_new_secret_leaves_the_old_one_a_day(college: College) -> None:
    client = client_of(college.admin)
    first = made(client)
    second = client.post(f"{HOOKS}{first['webhook']['id']}/rotate-secret/").json()
    assert second["secret"] != first["secret"]
    assert second["webhook"]["previous_until"] == "2026-11-04T09:00:00+05:30"


def test_a_test_is_sent_and_its_delivery_followed(college: College) -> None:
    client = client_of(college.integrator)
    ident = made(client)["webhook"]["id"]
    answer = client.post(f"{HOOKS}{ident}/test/")
    assert (answer.status_code, answer.json()["state"], answer.json()["kind"]) == (202, "waiting", "test")
    listed = client.get(DELIVERIES, {"endpoint": ident, "state": "waiting", "kind": "test"}).json()
    assert [row["id"] for row in listed["results"]] == [answer.json()["id"]]
    assert client.get(f"{DELIVERIES}{answer.json()['id']}/").json() == answer.json()


def test_what_was_given_up_is_resumed_and_sent_again(college: College) -> None:
    client = client_of(college.admin)
    ident = made(client)["webhook"]["id"]
    delivery = client.post(f"{HOOKS}{ident}/test/").json()["id"]
    assert refusal(client.post(f"{DELIVERIES}{delivery}/resend/")) == (409, "not_parked", None)
    WebhookDelivery.objects.update(state=SendState.PARKED, attempts=10)
    assert client.post(f"{DELIVERIES}{delivery}/resend/").json()["state"] == "waiting"
    WebhookEndpoint.objects.update(parked_at=NOW, failures=10)
    WebhookDelivery.objects.update(state=SendState.PARKED)
    assert refusal(client.post(f"{DELIVERIES}{delivery}/resend/")) == (409, "webhook_off", None)
    resumed = client.post(f"{HOOKS}{ident}/resume/").json()
    assert (resumed["parked_at"], resumed["failures"]) == (None, 0)
    assert WebhookDelivery.objects.get().state == SendState.WAITING


def test_another_schools_are_not_there(college: College, elsewhere: College) -> None:
    ident = made(client_of(college.admin))["webhook"]["id"]
    stranger = client_of(elsewhere.admin)
    assert stranger.get(HOOKS).json()["count"] == 0
    assert refusal(stranger.delete(f"{HOOKS}{ident}/")) == (404, "not_found", None)
    assert refusal(client_of(college.teacher).get(HOOKS)) == (403, "permission_denied", None)


def test_lists_cost_the_same_for_one_as_for_three(college: College) -> None:
    client = client_of(college.admin)
    costs = []
    for urls in ([1], [2, 3]):
        for number in urls:
            ident = made(client, f"{URL}/{number}")["webhook"]["id"]
            client.post(f"{HOOKS}{ident}/test/")
        cost = []
        for address in (HOOKS, DELIVERIES):
            with CaptureQueriesContext(connection) as queries:
                client.get(address)
            cost.append(len(queries))
        costs.append(cost)
    assert costs[0] == costs[1]
    assert max(costs[0]) <= 12
