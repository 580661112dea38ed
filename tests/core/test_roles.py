"""What the application's database role may do: what it needs, nothing of the trail's past, nothing by a back door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as site
from django.db import connection

from audit.models import AuditEntry
from core import partitions, roles
from tests.conftest import become_application, become_owner, owner_sql

pytestmark = pytest.mark.django_db(transaction=True)

RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


@pytest.fixture
def as_owner_role() -> Iterator[None]:
    """Migrations run as the owner."""
    become_owner()
    yield
    become_application()


def rights(table: str, role: str = "") -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) name WHERE has_table_privilege(%s, %s, name)",
            [list(RIGHTS), role or site.DATABASE_APP_ROLE, table],
        )
        return {name for (name,) in cursor.fetchall()}


def grant() -> None:
    roles.grant_after_migrate(apps.get_app_config("core"), "default")


def test_it_reads_and_writes_rows_and_only_adds_to_the_trail(as_owner_role: None) -> None:
    grant()
    assert rights("academics_room") == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert rights(AuditEntry._meta.db_table) == {"SELECT", "INSERT"}


def test_it_reaches_partitions_through_their_table_alone(as_owner_role: None) -> None:
    grant()
    for model in partitions.registry():
        year = partitions.years(model)[0]
        assert rights(f"{model._meta.db_table}__y{year}") == set()


def test_a_right_too_many_is_taken_back_by_the_next_migration(as_owner_role: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT DELETE, TRUNCATE ON attendance_audit_log TO {site.DATABASE_APP_ROLE}")
    assert "DELETE" in rights("attendance_audit_log")
    grant()
    assert rights("attendance_audit_log") == {"SELECT", "INSERT"}


def test_partitions_of_last_this_and_next_year_are_made_with_it(
    as_owner_role: None, now: Any, clock_at: Any
) -> None:
    years = {2140, 2141, 2142}
    try:
        with clock_at(now.replace(year=2141)):
            grant()
        for model in partitions.registry():
            assert years <= set(partitions.years(model))
    finally:
        # Committed, and no other test should find them.
        tables = [model._meta.db_table for model in partitions.registry()]
        owner_sql(*(f"DROP TABLE IF EXISTS {table}__y{year}" for table in tables for year in years))


def test_the_application_itself_grants_nothing() -> None:
    """`flush` sends the same signal, and would break on the first statement."""
    before = rights("academics_room")
    grant()
    assert rights("academics_room") == before


@pytest.mark.parametrize("role", ["", "nobody_has_made_this_role"])
def test_without_such_a_role_migrations_go_through(as_owner_role: None, settings: Any, role: str) -> None:
    before = rights("academics_room", site.DATABASE_APP_ROLE)
    settings.DATABASE_APP_ROLE = role
    grant()
    settings.DATABASE_APP_ROLE = connection.settings_dict["USER"]
    grant()
    assert rights("academics_room", connection.settings_dict["USER"]) == set(RIGHTS)
    assert before == {"SELECT", "INSERT", "UPDATE", "DELETE"}
