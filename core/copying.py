"""Many new rows at once by COPY: five times as fast as INSERT, by the same fields of the same models.

For rows that are known to be new. There is no ON CONFLICT here, and neither signals nor `save()` are called.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from psycopg import sql


def insert(objects: Sequence[models.Model]) -> None:
    """Write new objects of one model; keys that the database counts are drawn first and set on them.

    Columns whose value is left to the database (``db_default``) are left out.
    """
    if not objects:
        return
    model = type(objects[0])
    key = model._meta.pk
    if isinstance(key, models.AutoField):
        for obj, drawn in zip(objects, _draw_keys(model, len(objects)), strict=True):
            obj.pk = drawn
    for obj in objects:
        obj._prepare_related_fields_for_save("bulk_create")  # type: ignore[attr-defined] # as bulk_create does it
    fields = [field for field in model._meta.concrete_fields if not _left_to_database(field, objects[0])]
    rows = (
        [field.get_db_prep_save(field.pre_save(obj, True), connection) for field in fields] for obj in objects
    )
    rows_into(model._meta.db_table, [str(field.column) for field in fields], rows)
    for obj in objects:
        obj._state.adding = False
        obj._state.db = connection.alias


def rows_into(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write plain rows into a table."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _draw_keys(model: type[models.Model], count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [model._meta.db_table, model._meta.pk.column, count],
        )
        return [key for (key,) in cursor.fetchall()]


def _left_to_database(field: models.Field[Any, Any], example: models.Model) -> bool:
    return isinstance(getattr(example, field.attname), DatabaseDefault)
