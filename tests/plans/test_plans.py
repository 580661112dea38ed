"""The plan of each hot statement, among very many records: none goes through all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from attendance.models import AttendanceRecord
from core import clock, limits
from tests.conftest import become_application, become_owner
from tests.plans.cases import CASES
from tests.plans.explained import captured, walked
from tests.plans.world import Large

_TABLE = AttendanceRecord._meta.db_table
#: With so many a walk through all of them is what the planner avoids; a deep run has a million.
_MANY = 100_000


@pytest.fixture(
    scope="module",
    params=[_MANY, pytest.param(1_000_000, marks=pytest.mark.deep)],
    ids=["100k", "1M"],
)
def world(request: Any, django_db_setup: None, django_db_blocker: Any) -> Iterator[Large]:
    """Made by the owner of the tables, who may count them for the planner; undone at the end."""
    with django_db_blocker.unblock():
        become_owner()
        try:
            with transaction.atomic(), clock.frozen(Large.now):
                yield Large(request.param)
                transaction.set_rollback(True)
        finally:
            become_application()


@pytest.mark.parametrize("case", CASES)
def test_no_hot_statement_walks_through_the_records(world: Large, case: str) -> None:
    limits.forget_local()
    with transaction.atomic():
        with captured() as statements:
            CASES[case](world)
        found = {
            statement.sql: partitions
            for statement in statements
            for plan in statement.plans()
            if (partitions := walked(plan, _TABLE))
        }
        transaction.set_rollback(True)

    assert statements
    assert found == {}


def test_a_walk_through_the_records_would_be_seen(world: Large) -> None:
    assert world.rows >= world.records
    with captured() as statements, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {_TABLE} WHERE remarks = %s", ["nothing like this"])

    assert [walked(plan, _TABLE) for one in statements for plan in one.plans()] == [
        [f"{_TABLE}__y{world.now.year}"]
    ]
