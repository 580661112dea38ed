"""How often somebody may do something: counted exactly, in Redis for all, in the process when Redis is away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from core import limits, redis
from core.limits import InProcessLimiter, Rate, parse
from tests.factories.accounts import UserFactory


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000_020.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("text", "rate"),
    [("10/min", Rate(10, 60)), ("10/h", Rate(10, 3600)), ("1/s", Rate(1, 1)), ("5/day", Rate(5, 86400))],
)
def test_a_rate_is_a_number_per_period(text: str, rate: Rate) -> None:
    assert parse(text) == rate


@pytest.mark.parametrize("text", ["", "10", "0/min", "-1/min", "x/min", "10/fortnight", "1.5/min"])
def test_a_rate_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_the_limit_passes_and_the_next_one_waits() -> None:
    limiter = InProcessLimiter(Rate(3, 60), clock=Hands())

    assert [limiter.hit("a") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert limiter.hit("a") > 0
    assert limiter.hit("b") == 0.0


def test_whoever_waits_as_long_as_told_passes() -> None:
    clock = Hands()
    limiter = InProcessLimiter(Rate(3, 60), clock=clock)
    for _ in range(3):
        limiter.hit("a")

    clock.seconds += limiter.hit("a") + 0.001

    assert limiter.hit("a") == 0.0


def test_refused_attempts_do_not_prolong_the_wait() -> None:
    clock = Hands()
    limiter = InProcessLimiter(Rate(2, 60), clock=clock)
    limiter.hit("a"), limiter.hit("a")
    wait = limiter.hit("a")
    for _ in range(100):
        assert limiter.hit("a") == wait


@given(
    limit=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 40), min_size=1, max_size=120),
)
def test_no_two_adjoining_windows_let_through_more_than_twice_the_limit(
    limit: int, pauses: list[float]
) -> None:
    clock = Hands()
    limiter = InProcessLimiter(Rate(limit, 60), clock=clock)
    passed = []
    for pause in pauses:
        clock.seconds += pause
        if limiter.hit("a") == 0.0:
            passed.append(clock.seconds)
    for instant in passed:
        aligned = [other for other in passed if other // 60 == instant // 60]
        assert len(aligned) <= limit


def test_memory_is_bounded_and_stale_keys_go_first() -> None:
    clock = Hands()
    limiter = InProcessLimiter(Rate(1, 60), max_keys=100, clock=clock)
    for key in range(100):
        limiter.hit(key)
    clock.seconds += 180
    limiter.hit("fresh")
    assert len(limiter) == 1
    for key in range(1000):
        limiter.hit(key)
    assert len(limiter) <= 100


def test_threads_share_one_count() -> None:
    limiter = InProcessLimiter(Rate(50, 60), clock=Hands())
    passed: list[float] = []
    threads = [
        threading.Thread(target=lambda: passed.extend(limiter.hit("a") for _ in range(50))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passed.count(0.0) == 50


def test_many_processes_asking_redis_at_once_share_one_count(settings: Any) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"bulk": "20/h"}
    results: list[float] = []
    threads = [
        threading.Thread(target=lambda: results.extend(limits.hit_shared("bulk", "u1") for _ in range(10)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The 80 fall into one hour, or into two whose border lies between them: then the older still weighs.
    assert 20 <= results.count(0.0) <= 21
    assert all(wait <= 2 * 3600 for wait in results)


def test_redis_and_process_follow_the_same_arithmetic(settings: Any) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"bulk": "3/h"}
    shared = [limits.hit_shared("bulk", "same") > 0 for _ in range(5)]
    local = [limits.local("bulk").hit("same") > 0 for _ in range(5)]
    assert shared == local == [False, False, False, True, True]


@pytest.fixture
def redis_away(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that nobody listens on."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"


def test_without_redis_this_process_counts_alone(settings: Any, redis_away: None) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"bulk": "3/h"}
    assert [limits.hit_shared("bulk", "u1") > 0 for _ in range(4)] == [False, False, False, True]
    with pytest.raises(redis.RedisAway):
        redis.run(lambda client: client.ping())


@pytest.mark.urls("tests.core.urls")
@pytest.mark.django_db
def test_the_eleventh_sign_in_within_a_minute_from_one_address_is_429(client: Client) -> None:
    answers = [client.post("/api/login/") for _ in range(11)]

    assert [answer.status_code for answer in answers] == [204] * 10 + [429]
    assert answers[-1].json()["errors"][0]["code"] == "throttled"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 120
    assert client.post("/api/login/", REMOTE_ADDR="10.9.8.7").status_code == 204


@pytest.mark.urls("tests.core.urls")
def test_scans_are_counted_in_this_process_under_the_persons_id(
    api: APIClient, person: Any, redis_away: None
) -> None:
    for _ in range(29):
        assert api.post("/api/scan/").status_code == 204
    # The gate counts with the same object under the same key.
    assert limits.local("scan").hit(person.pk) == 0.0

    refused = api.post("/api/scan/")

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (429, "throttled")


@pytest.mark.urls("tests.core.urls")
def test_a_scope_counts_one_person_apart_from_another_and_from_other_scopes(
    api: APIClient, settings: Any, person: Any
) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"bulk": "1/h"}
    send: Callable[[], int] = lambda: api.post("/api/schools/once/", {"name": "n", "code": "n"}).status_code  # noqa: E731 - read twice below

    assert (send(), send()) == (201, 429)
    assert api.get("/api/schools/").status_code == 200
    api.force_authenticate(UserFactory(role="admin"))
    assert api.post("/api/schools/once/", {"name": "m", "code": "m"}).status_code == 201
