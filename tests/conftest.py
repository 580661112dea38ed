"""Tests run as the application's database role, on a database that the owner role made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coverage
import psycopg
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


#: These walk every page and address there is, through lines that the others state the rules of. To count lines takes
#: as long again as to run them, so what is covered is what the other tests cover.
_UNCOUNTED = {"browser", "fuzz", "permissions"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    counting = coverage.Coverage.current() if _UNCOUNTED.intersection(item.path.parts) else None
    if counting:
        counting.stop()
    try:
        return (yield)
    finally:
        if counting:
            counting.start()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: from the first of them on an event loop runs in the thread, where nobody can run another.

    The longest of them first, so that no process is left alone with one in the end.
    """
    items.sort(
        key=lambda item: (item.get_closest_marker("browser") is not None, item.path.stem != "test_every_page")
    )


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


def owner_connection() -> psycopg.Connection[tuple[Any, ...]]:
    """A connection of the owner role to the tests' database, one transaction in a ``with``."""
    own = settings.OWNER_DATABASE
    return psycopg.connect(
        host=own["HOST"],
        port=own["PORT"],
        user=own["USER"],
        password=own["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
    )


def owner_sql(*statements: str) -> list[tuple[Any, ...]]:
    """Run statements as the owner in one transaction of its own; the rows of the last one."""
    with owner_connection() as owner:
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            cursor = owner.execute(statement)  # type: ignore[call-overload] # tests write these statements
            rows = cursor.fetchall() if cursor.description else []
        return rows


#: More rows than this in one table, and it is truncated; fewer are deleted, which makes no new files.
_MANY_ROWS = 2000
_ATTEMPTS = 5
_KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def _empty_as_owner(case: TransactionTestCase) -> None:
    """What `flush` does, by the role that may: the application cannot truncate, least of all the audit trail.

    A hundred tables with their indexes are half a second of new files to PostgreSQL, a few rows a few milliseconds:
    so the filled tables alone are emptied, all in one statement, at whose end every reference has lost both sides.
    """
    from attendance.services.scan_queue import queue

    tables = sorted(
        set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - _KEPT
    )
    connections.close_all()
    # Its connection would keep the database from being dropped, and belong to nobody in the next test.
    queue.close()
    for attempt in range(_ATTEMPTS):
        try:
            _empty(tables)
        except psycopg.errors.DeadlockDetected:
            # A request that its page no longer waits for took the tables in another order.
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _empty(tables: list[str]) -> None:
    with owner_connection() as owner:
        owner.execute("SET audit.maintenance = 'on'")
        # Whoever still writes is waited for, as TRUNCATE would.
        owner.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
        filled = owner.execute(
            " UNION ALL ".join(
                f"SELECT '{name}', EXISTS (SELECT FROM {name} OFFSET {_MANY_ROWS})"
                f" WHERE EXISTS (SELECT FROM {name})"
                for name in tables
            )
        ).fetchall()
        if any(many for _name, many in filled):
            owner.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        elif filled:
            deletions = ", ".join(f"d{n} AS (DELETE FROM {name})" for n, (name, _many) in enumerate(filled))
            owner.execute(f"WITH {deletions} SELECT")
        owner.execute(
            "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, start_value, false)"
            "  FROM pg_sequences WHERE last_value IS NOT NULL AND schemaname = 'public'"
            "   AND sequencename <> ALL (%s)",
            [[f"{name}_id_seq" for name in _KEPT]],
        )


TransactionTestCase._fixture_teardown = _empty_as_owner  # type: ignore[attr-defined] # see its docstring


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
