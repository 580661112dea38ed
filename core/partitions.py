"""Tables partitioned by year, created by Django's own DDL.

A model declares ``partition_column`` (a date or timestamptz field); its migration uses `CreatePartitionedModel`
in place of `migrations.CreateModel`. Partitions are made by the SQL function ``campushub_ensure_partition``
(migration ``core.0001``), which runs with the owner's rights, so that the application role can ask for a year
without owning anything. There is no default partition on purpose: a row for a year that nobody planned is a
mistake that should be seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.apps import apps
from django.db import connection, migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class Partitioned(models.Model):
    """Mixin of a model whose table is partitioned by the year of `partition_column`."""

    partition_column: ClassVar[str]

    class Meta:
        abstract = True


class CreatePartitionedModel(migrations.CreateModel):
    """`CreateModel` whose table is ``PARTITION BY RANGE (partition_column)``.

    PostgreSQL wants the partition key inside every unique constraint, so the SQL primary key becomes
    ``(id, partition_column)`` while Django's pk stays ``id`` (a UUIDv7, so it is unique all the same).
    """

    def __init__(self, *args: Any, partition_column: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.partition_column = partition_column

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        name, args, kwargs = super().deconstruct()
        return name, list(args), {**kwargs, "partition_column": self.partition_column}

    def reduce(self, operation: Any, app_label: str) -> bool:
        """Never merged into a plain CreateModel by the optimiser, which would lose the partitioning."""
        return False

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        plain_table_sql = schema_editor.table_sql

        def partitioned_table_sql(model: type[models.Model]) -> tuple[str, list[Any]]:
            sql, params = plain_table_sql(model)
            quote = schema_editor.connection.ops.quote_name
            key, column = quote("id"), quote(self.partition_column)
            if sql.count(" PRIMARY KEY") != 1 or not sql.endswith(")"):
                raise ValueError(f"cannot partition what Django made of {model.__name__}: {sql}")
            sql = sql.replace(" PRIMARY KEY", "")
            return f"{sql[:-1]}, PRIMARY KEY ({key}, {column})) PARTITION BY RANGE ({column})", list(params)

        schema_editor.table_sql = partitioned_table_sql  # type: ignore[method-assign] # only for this one table
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            del schema_editor.table_sql  # the method of the class is visible again


def registry() -> list[type[Partitioned]]:
    """Every partitioned model, in the order of the installed apps."""
    return [model for model in apps.get_models() if issubclass(model, Partitioned)]


def ensure(years: Iterable[int]) -> list[str]:
    """Make sure every partitioned table has a partition for each year; returns the names of the new ones.

    Safe to call from several places at once and as the application role.
    """
    made: list[str] = []
    wanted = sorted(set(years))
    with connection.cursor() as cursor:
        for model in registry():
            for year in wanted:
                cursor.execute(
                    "SELECT campushub_ensure_partition(%s::regclass, %s)", [model._meta.db_table, year]
                )
                (name,) = cursor.fetchone() or (None,)
                if name:
                    made.append(name)
    return made


def years(model: type[Partitioned]) -> list[int]:
    """The years that have a partition, ascending."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT substring(child.relname from '__y([0-9]{4})$')::int FROM pg_inherits i "
            "JOIN pg_class child ON child.oid = i.inhrelid WHERE i.inhparent = %s::regclass ORDER BY 1",
            [model._meta.db_table],
        )
        return [year for (year,) in cursor.fetchall() if year is not None]
