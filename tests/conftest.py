"""Tests run as the application's database role, on a database that the owner role made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import TransactionTestCase
from django.utils import translation

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ.setdefault("CAMPUSHUB_ENV", "test")

#: A Tuesday in term time, 09:00 in Asia/Kolkata.
NOW = datetime(2026, 11, 3, 3, 30, tzinfo=UTC)


CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-quic",
]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: from the first of them on an event loop runs in the thread, where nobody can run another."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for all tests of this process: Playwright refuses to be started twice in one thread."""
    from playwright.sync_api import sync_playwright

    # Playwright's synchronous interface keeps an event loop running in this thread, which is all that Django looks
    # at before it refuses its database. Nothing here is asynchronous: the loop only waits while a test does its work.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=CHROMIUM_ARGUMENTS
        )
        yield running
        running.close()


@pytest.fixture(scope="session", autouse=True)
def static_root() -> None:
    """Only `collectstatic` makes the folder; WhiteNoise warns in every test that asks a page while it is not there."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Make the test database as the owner."""
    own = settings.OWNER_DATABASE
    connection.settings_dict.update(USER=own["USER"], PASSWORD=own["PASSWORD"])


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_use_migrations: bool,
    django_db_keepdb: bool,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """A migrated database per worker; from then on every connection is the application role's."""
    from django.test.utils import setup_databases, teardown_databases

    worker = getattr(request.config, "workerinput", {}).get("workerid")
    if worker:
        base = (
            settings.DATABASES["default"]["TEST"].get("NAME")
            or f"test_{settings.DATABASES['default']['NAME']}"
        )
        connection.settings_dict["TEST"]["NAME"] = f"{base}_{worker}"
    with django_db_blocker.unblock():
        old = setup_databases(
            verbosity=0, interactive=False, keepdb=django_db_keepdb, parallel=0, serialized_aliases=[]
        )
        become_application()
    yield
    with django_db_blocker.unblock():
        become_owner()
        if not django_db_keepdb:
            teardown_databases(old, verbosity=0)


def become_application() -> None:
    """Connect as the role that owns nothing."""
    connection.close()
    connection.settings_dict.update(USER=settings.DATABASE_APP_ROLE, PASSWORD=settings.DATABASE_APP_PASSWORD)


def become_owner() -> None:
    """Connect as the role that owns the tables."""
    connection.close()
    own = settings.OWNER_DATABASE
    connection.settings_dict.update(USER=own["USER"], PASSWORD=own["PASSWORD"])


@pytest.fixture
def as_owner() -> Callable[..., Any]:
    """Run one SQL statement as the owner role, outside the test's transaction."""
    return owner_sql


def owner_sql(*statements: str) -> list[tuple[Any, ...]]:
    """Run statements as the owner in one transaction of its own; the rows of the last one."""
    import psycopg

    own = settings.OWNER_DATABASE
    with psycopg.connect(
        host=own["HOST"],
        port=own["PORT"],
        user=own["USER"],
        password=own["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
    ) as owner:
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            cursor = owner.execute(statement)  # type: ignore[call-overload] # tests write these statements
            rows = cursor.fetchall() if cursor.description else []
        return rows


def _truncate_as_owner(case: TransactionTestCase) -> None:
    """What `flush` does, by the role that may: the application cannot truncate, least of all the audit trail."""
    from attendance.services.scan_queue import queue

    tables = [
        name
        for name in connection.introspection.django_table_names(only_existing=True, include_views=False)
        if name not in {"django_migrations", "django_content_type", "auth_permission"}
    ]
    connections.close_all()
    # Its connection would keep the database from being dropped, and belong to nobody in the next test.
    queue.close()
    owner_sql(
        "SET audit.maintenance = 'on'",
        f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE",
    )


TransactionTestCase._fixture_teardown = _truncate_as_owner  # type: ignore[attr-defined] # see its docstring


@pytest.fixture(autouse=True)
def english() -> None:
    """The language that a request chose stays with its thread; the next test begins in English all the same."""
    translation.deactivate()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def clock_at() -> Callable[[datetime], AbstractContextManager[datetime]]:
    """``with clock_at(instant): …`` holds `core.clock.now()`."""
    from core import clock

    return clock.frozen
