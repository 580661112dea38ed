"""Years of the partitioned tables: made by whoever asks, once, and only where rows may lie."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, migrations, models, transaction
from django.db.migrations.state import ProjectState

from attendance.models import AttendanceRecord
from audit.models import AuditEntry
from audit.services.entries import operation
from core import partitions
from core.management.commands.ensure_partitions import Command
from tests.races import Background

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    output, errors = io.StringIO(), io.StringIO()
    try:
        call_command(Command(), *arguments, stdout=output, stderr=errors)
    except SystemExit as left:
        return int(str(left.code)), output.getvalue(), errors.getvalue()
    return 0, output.getvalue(), errors.getvalue()


class TestTheCommand:
    def test_makes_this_year_and_the_next_when_nothing_is_said(
        self, clock_at: Callable[[datetime], Any]
    ) -> None:
        with clock_at(datetime(2061, 3, 1, tzinfo=UTC)):
            status, told, _ = run()

        assert status == 0
        tables = len(partitions.registry())
        assert told == f"{2 * tables} partitions made; {tables} tables are ready for 2061, 2062.\n"
        for model in partitions.registry():
            assert {2061, 2062} <= set(partitions.years(model))
            assert 2063 not in partitions.years(model)

    def test_is_harmless_to_repeat(self) -> None:
        assert len(json.loads(run("--years", "2071", "--json")[1])["made"]) == len(partitions.registry())
        assert json.loads(run("--years", "2071", "--json")[1]) == {"years": [2071], "made": []}

    @pytest.mark.parametrize("year", ["1949", "2201", "99999"])
    def test_refuses_years_no_school_will_see(self, year: str) -> None:
        status, told, errors = run("--years", "2026", year)

        assert (status, told) == (1, "")
        assert errors == f"No partitions for the year {year}: choose years from 1950 to 2200.\n"


def test_a_row_for_a_year_that_nobody_planned_is_refused(now: datetime) -> None:
    with (
        pytest.raises(IntegrityError, match="no partition"),
        transaction.atomic(),
        operation(by=None, at=now.replace(year=1903)) as op,
    ):
        op.record("thing.change", school_id=1, object_type="thing", object_id=1)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_who_needs_a_new_year_that_somebody_else_is_just_making_finds_it(
    as_owner: Callable[..., Any],
) -> None:
    tables = [model._meta.db_table for model in partitions.registry()]
    try:
        with transaction.atomic():
            made = partitions.ensure([2091])
            second = Background().start_and_wait(lambda: partitions.ensure([2091]))

        assert sorted(made) == sorted(f"{table}__y2091" for table in tables)
        assert second.result() == []
    finally:
        as_owner(*(f"DROP TABLE IF EXISTS {table}__y2091" for table in tables))


def test_a_row_lies_in_the_partition_of_its_own_year(now: datetime) -> None:
    partitions.ensure([2081])
    with transaction.atomic(), operation(by=None, at=now.replace(year=2081)) as op:
        op.record("thing.change", school_id=1, object_type="thing", object_id=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM attendance_audit_log")
        assert cursor.fetchall() == [("attendance_audit_log__y2081",)]


class TestInMigrations:
    def test_the_year_of_the_partition_column_is_part_of_the_key(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_get_partkeydef(oid), (SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c "
                "WHERE c.conrelid = t.oid AND c.contype = 'p') FROM pg_class t WHERE relname = %s",
                [AttendanceRecord._meta.db_table],
            )
            assert cursor.fetchone() == ("RANGE (held_on)", "PRIMARY KEY (id, held_on)")

    def test_the_optimiser_does_not_fold_it_into_a_plain_table(self) -> None:
        made = self._operation()
        field = migrations.AddField("Row", "note", models.TextField(default=""))

        assert made.reduce(field, "core") is False

    def test_writing_it_into_a_migration_keeps_the_column(self) -> None:
        name, _args, values = self._operation().deconstruct()

        assert name == "CreatePartitionedModel"
        assert values["partition_column"] == "day"

    def test_a_table_whose_sql_it_does_not_know_is_refused_and_nothing_is_made(self) -> None:
        """Behind a tablespace nothing more may stand: the table would come out unpartitioned."""
        made = self._operation(options={"db_table": "core_test_row", "db_tablespace": "pg_default"})
        before = ProjectState()
        after = before.clone()
        made.state_forwards("core", after)
        with connection.schema_editor(collect_sql=True) as editor:
            with pytest.raises(ValueError, match="cannot partition what Django made of Row"):
                made.database_forwards("core", editor, before, after)
            assert editor.collected_sql == []

    def _operation(self, **more: Any) -> partitions.CreatePartitionedModel:
        return partitions.CreatePartitionedModel(
            "Row",
            [("id", models.UUIDField(primary_key=True)), ("day", models.DateField())],
            partition_column="day",
            **more,
        )
