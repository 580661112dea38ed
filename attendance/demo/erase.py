"""Taking a demo school away again, with everything that belongs to it. The audit trail stays, as always."""

from __future__ import annotations

from collections.abc import Collection

from axes.models import AccessAttempt
from django.apps import apps
from django.conf import settings
from django.db import models
from psycopg import sql

from accounts.models import School, User
from attendance.demo.catalogue import STRANGER
from attendance.models import AttendanceRecord, UnknownDevice
from core import owner
from core.models import IdempotencyKey

# Deleting a person means looking for their records, and no everyday query needs these: without them a single
# reset would read all records of all schools thousands of times.
_WHILE_ERASING = ("section_id", "snapshot_id", "marked_by_id")


def erase(codes: Collection[str]) -> int:
    """Delete the schools of these codes and every row that leads to them; how many schools there were.

    In one transaction of the owner role. Foreign keys are checked at its end, so the order matters for records
    alone: the key that binds them to their sessions is checked at once.
    """
    schools = list(School.objects.filter(code__in=codes).values_list("pk", flat=True))
    if not schools:
        return 0
    with owner.connect() as connection, connection.transaction():
        connection.execute(_of_school(AttendanceRecord), {"schools": schools})
        for column in _WHILE_ERASING:
            connection.execute(_index(column))
        for statement in [*_loose_ends(), *_statements()]:
            connection.execute(statement, {"schools": schools})
        # Who knocked belongs to no school.
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE serial = %s").format(sql.Identifier(UnknownDevice._meta.db_table)),
            [STRANGER],
        )
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for column in _WHILE_ERASING:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(f"erasing_{column}")))
    return len(schools)


def _index(column: str) -> sql.Composed:
    return sql.SQL("CREATE INDEX {} ON {} ({})").format(
        sql.Identifier(f"erasing_{column}"),
        sql.Identifier(AttendanceRecord._meta.db_table),
        sql.Identifier(column),
    )


def _loose_ends() -> list[sql.Composed]:
    """What names a person without a foreign key: answers kept for them, and failed attempts to be them."""
    return [
        sql.SQL(
            "DELETE FROM {table} t USING {user} u WHERE t.{column} = u.{key} AND u.school_id = ANY (%(schools)s)"
        ).format(
            table=sql.Identifier(model._meta.db_table),
            user=sql.Identifier(User._meta.db_table),
            column=sql.Identifier(column),
            key=sql.Identifier(key),
        )
        for model, column, key in (
            (IdempotencyKey, "user_id", "id"),
            (AccessAttempt, "username", "username"),
        )
    ]


def _statements() -> list[sql.Composed]:
    owned = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and not getattr(model, "append_only", False)
    ]
    direct = [model for model in owned if _keys_to(model, School)]
    led = [
        (model, key)
        for model in owned
        if model not in direct and model is not School
        for key in _keys_to_any(model, direct)
    ]
    statements = [_by_reference(model, key) for model, key in led]
    statements += [_of_school(model) for model in direct if model is not AttendanceRecord]
    table = sql.Identifier(School._meta.db_table)
    return [*statements, sql.SQL("DELETE FROM {} WHERE id = ANY (%(schools)s)").format(table)]


def _keys_to(model: type[models.Model], target: type[models.Model]) -> list[models.ForeignKey]:
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.remote_field.model is target
    ]


def _keys_to_any(
    model: type[models.Model], targets: Collection[type[models.Model]]
) -> list[models.ForeignKey]:
    """The references by which a row without a school belongs to one: all of them but those to who did something."""
    keys = [key for target in targets for key in _keys_to(model, target)]
    others = [key for key in keys if key.remote_field.model._meta.label != settings.AUTH_USER_MODEL]
    return others or keys


def _of_school(model: type[models.Model]) -> sql.Composed:
    return sql.SQL("DELETE FROM {} WHERE school_id = ANY (%(schools)s)").format(
        sql.Identifier(model._meta.db_table)
    )


def _by_reference(model: type[models.Model], key: models.ForeignKey) -> sql.Composed:
    target = key.remote_field.model
    return sql.SQL(
        "DELETE FROM {table} t USING {target} r WHERE t.{column} = r.{key} AND r.school_id = ANY (%(schools)s)"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        target=sql.Identifier(target._meta.db_table),
        column=sql.Identifier(str(key.column)),
        key=sql.Identifier(str(key.target_field.column)),
    )
