"""Rows that would join two schools: no constraint forbids them, services refuse them, this finds them.

Every way in which a row belongs to a school (its own column, or that of a row it refers to) must name the same
one. References to users are left out, except where the user *is* the row (a student's, a faculty member's): who
marked or opened something may be an operator of several schools.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from django.apps import apps
from django.conf import settings
from django.db import connection, models
from psycopg import sql

from core.doctor.findings import Finding, bad, good

_REMEDY = "Find out how it came about (see the audit trail), then correct the reference by hand."


@dataclass(frozen=True, slots=True)
class _Way:
    """How a row of the table leads to a school: `column` is its own, or a foreign key into `target`."""

    name: str
    column: str
    target: str = ""
    target_key: str = ""


def crossing_schools() -> list[Finding]:
    """One finding per table with such rows, with an example; a single good one when there are none."""
    found: list[Finding] = []
    tables = 0
    for model in apps.get_models(include_auto_created=True):
        ways = _ways(model)
        if len(ways) < 2 or not model._meta.managed or model._meta.proxy:
            continue
        tables += 1
        count, example = _crossing(model, ways)
        if count:
            told = f"{count} rows of {model._meta.db_table} join two schools, the first is {example}"
            found.append(bad("integrity", told, _REMEDY))
    return found or [good("integrity", f"no row of {tables} tables joins two schools")]


def _ways(model: type[models.Model]) -> list[_Way]:
    school = _school_model()
    ways: list[_Way] = []
    for field in model._meta.concrete_fields:
        target = field.remote_field.model if isinstance(field, models.ForeignKey) else None
        if target is None or isinstance(target, str):
            continue
        if target is school:
            ways.append(_Way(field.name, str(field.column)))
        elif target._meta.label == settings.AUTH_USER_MODEL and not field.unique:
            continue
        elif any(
            isinstance(other, models.ForeignKey) and other.remote_field.model is school
            for other in target._meta.concrete_fields
        ):
            ways.append(_Way(field.name, str(field.column), target._meta.db_table, _key_of(target)))
    return ways


def _key_of(model: type[models.Model]) -> str:
    return str(model._meta.pk.column)


def _school_model() -> type[models.Model]:
    return apps.get_model("accounts", "School")


def _crossing(model: type[models.Model], ways: list[_Way]) -> tuple[int, str]:
    """How many rows disagree with themselves, and the key of the first."""
    joins, schools = [], []
    for number, way in enumerate(ways):
        if way.target:
            alias = sql.Identifier(f"t{number}")
            joins.append(
                sql.SQL("LEFT JOIN {} {} ON {}.{} = row.{}").format(
                    sql.Identifier(way.target),
                    alias,
                    alias,
                    sql.Identifier(way.target_key),
                    sql.Identifier(way.column),
                )
            )
            schools.append(sql.SQL("{}.school_id").format(alias))
        else:
            schools.append(sql.SQL("row.{}").format(sql.Identifier(way.column)))
    differ = sql.SQL(" OR ").join(
        sql.SQL("{} <> {}").format(one, other) for one, other in combinations(schools, 2)
    )
    statement = sql.SQL("SELECT count(*), min(row.{}::text) FROM {} row {} WHERE {}").format(
        sql.Identifier(_key_of(model)), sql.Identifier(model._meta.db_table), sql.SQL(" ").join(joins), differ
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        count, example = cursor.fetchone() or (0, "")
    return int(count), str(example)
