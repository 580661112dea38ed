from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from accounts.models import User
from core import limits, redis
from tests.factories.accounts import UserFactory


@pytest.fixture(scope="package", autouse=True)
def own_redis_database() -> Iterator[None]:
    """Each test process counts in a database of its own: they would clear each other's counters."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    shared = settings.REDIS_URL
    settings.REDIS_URL = re.sub(r"/\d+\Z", f"/{1 + worker}", shared)
    yield
    settings.REDIS_URL = shared


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    """Counters outlive a test: in this process, and in Redis."""

    def forget() -> None:
        limits.forget_local()
        redis.forget_failure()
        client = redis.client()
        for key in client.scan_iter("throttle:*"):
            client.delete(key)

    forget()
    yield
    forget()


@pytest.fixture
def person(db: None) -> User:
    return UserFactory(role="admin")


@pytest.fixture
def api(person: User, now: datetime) -> APIClient:
    """A client that is signed in, whose 500s are answers."""
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(person)
    return client
