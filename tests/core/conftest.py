from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from core import limits, redis
from tests.factories.accounts import UserFactory


@pytest.fixture(autouse=True)
def fresh_limits(settings: Any) -> Iterator[None]:
    """Counters outlive a test: in this process, and in Redis. There each test process has a database of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    own = re.sub(r"/\d+\Z", f"/{1 + worker}", settings.REDIS_URL)

    def forget() -> None:
        # The test may have chosen a server of its own.
        settings.REDIS_URL = own
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
