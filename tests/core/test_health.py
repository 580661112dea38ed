"""Health: which part is down, and who may read the figures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from core import clock, health, jobs, redis
from core.models import OutboxMessage, TaskHealth

pytestmark = pytest.mark.django_db


@pytest.fixture
def alive(now: datetime) -> Iterator[None]:
    """A worker reported a moment ago."""
    TaskHealth.objects.create(name=jobs.RELAY_OUTBOX, period_seconds=10, started_at=now, succeeded_at=now)
    with clock.frozen(now + timedelta(seconds=5)):
        yield


def test_the_process_answers(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_ready_when_everything_is(client: Client, alive: None) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "down": [],
        "parts": {name: {"ok": True} for name in ("database", "redis", "migrations", "workers")},
    }
    assert "no-cache" in answer.headers["Cache-Control"]


def test_without_redis_the_site_is_degraded_and_says_so(client: Client, alive: None, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    redis.forget_failure()

    assert (answer.status_code, answer.json()["status"], answer.json()["down"]) == (
        200,
        "degraded",
        ["redis"],
    )


def test_a_silent_worker_is_told_after_three_of_its_periods(
    client: Client, alive: None, now: datetime
) -> None:
    with clock.frozen(now + timedelta(seconds=31)):
        body = client.get("/readyz").json()

    assert (body["status"], body["down"]) == ("degraded", ["workers"])
    assert "nothing since" in body["parts"]["workers"]["detail"]


def test_an_overdue_task_is_named(client: Client, alive: None, now: datetime) -> None:
    TaskHealth.objects.create(
        name="audit.seal", period_seconds=60, started_at=now, succeeded_at=now - timedelta(hours=1)
    )
    assert client.get("/readyz").json()["parts"]["workers"]["detail"] == "overdue: audit.seal"


def test_a_worker_that_never_reported_is_told(client: Client) -> None:
    assert client.get("/readyz").json()["parts"]["workers"]["detail"] == "no worker has reported yet"


def test_a_migration_that_was_not_applied_makes_it_unready(
    client: Client, alive: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'core'")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["down"]) == (503, ["migrations"])
    assert answer.json()["parts"]["migrations"]["detail"].endswith("to be applied")


@pytest.mark.django_db(transaction=True)
def test_without_a_database_it_is_down_and_still_answers(client: Client) -> None:
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "1"
    try:
        answer = client.get("/readyz")
    finally:
        connection.close()
        connection.settings_dict["PORT"] = port

    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    assert {"database", "migrations", "workers"} <= set(answer.json()["down"])


def test_figures_are_for_this_machine_and_named_networks_only(client: Client, settings: Any) -> None:
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 404
    settings.METRICS_NETWORKS = ["10.1.0.0/16"]
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200


def test_an_unknown_proxy_makes_nobody_local(client: Client) -> None:
    answer = client.get("/metrics", REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": "127.0.0.1"})
    assert answer.status_code == 404


def test_figures_tell_of_the_outbox_and_the_tasks(client: Client, alive: None, now: datetime) -> None:
    OutboxMessage.objects.create(job="x", created_at=now, available_at=now - timedelta(seconds=55))

    text = client.get("/metrics").content.decode()

    assert "campushub_outbox_waiting 1.0" in text
    assert "campushub_outbox_oldest_seconds 60.0" in text
    assert 'campushub_task_success_age_seconds{task="core.relay_outbox"} 5.0' in text
    assert "campushub_query_seconds_bucket" in text
