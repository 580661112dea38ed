"""Announcements arrive by Redis, without it by PostgreSQL, and again after either was away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from core import redis
from tests.colleges import College, make_college
from tests.core.valkeys import OwnValkey
from tests.live.processes import LiveProcess
from tests.live.test_streams import bearer, scan_by

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def valkey(tmp_path: Path, settings: Any) -> Iterator[OwnValkey]:
    server = OwnValkey(tmp_path)
    server.start()
    settings.REDIS_URL = server.url
    redis.forget_failure()
    yield server
    server.kill()
    redis.forget_failure()


@pytest.fixture
def live(valkey: OwnValkey) -> Iterator[LiveProcess]:
    process = LiveProcess(valkey.url).start()
    yield process
    process.stop()


@pytest.fixture
def college() -> College:
    return make_college(open=True)


def test_without_redis_announcements_come_through_postgresql(
    live: LiveProcess, valkey: OwnValkey, college: College
) -> None:
    with live.watch(college.session, Authorization=bearer(college.teacher)) as stream:
        scan_by(college, 0)
        assert stream.until(1)["counts"]["unmarked"] == 2

        valkey.kill()
        scan_by(college, 1)
        assert stream.until(2)["counts"]["unmarked"] == 1

        # What happens while it connects again is read when it has.
        valkey.start()
        redis.forget_failure()
        scan_by(college, 2)
        assert stream.until(3)["counts"]["unmarked"] == 0


def test_lost_database_connections_are_made_anew(
    live: LiveProcess, valkey: OwnValkey, college: College
) -> None:
    with live.watch(college.session, Authorization=bearer(college.teacher)) as stream:
        stream.next()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database() AND usename = current_user"
            )
            assert len(cursor.fetchall()) >= 2  # the one that listens, and the one that reads

        scan_by(college, 0)
        stream.until(1)
        valkey.kill()
        scan_by(college, 1)
        stream.until(2)
