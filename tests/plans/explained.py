"""The statements that code really sends, and how PostgreSQL would run them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import psycopg
from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer

_READ_AND_WRITE = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Statement:
    """`sql` as it was sent with its `params`; `kept` says that the server may keep its plan for other values."""

    sql: str
    params: Any
    kept: bool
    raw: bool = False

    def plans(self) -> Iterator[dict[str, Any]]:
        """Its plan for these values, and where the server may keep one, the plan for any values."""
        if not self.raw:
            yield _explained(self.sql, self.params)
        if self.kept:
            yield self._kept_plan()

    def _kept_plan(self) -> dict[str, Any]:
        raw = connection.connection
        if self.raw:
            text, types, values = self.sql, [], list(self.params)
        else:
            query = PostgresQuery(Transformer.from_context(raw))
            query.convert(self.sql, self.params)
            text = query.query.decode()
            types = list(query.types)
            values = [self.params[name] for name in query._order] if query._order else list(self.params)
        declared = f" ({', '.join(_type(oid) for oid in types)})" if types else ""
        given = ", ".join(psycopg.sql.Literal(value).as_string(raw) for value in values)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            cursor.execute(f"PREPARE looked_at{declared} AS {text}")
            cursor.execute(f"EXPLAIN (FORMAT JSON) EXECUTE looked_at{f' ({given})' if given else ''}")
            (((found,),),) = (cursor.fetchall(),)
            cursor.execute("DEALLOCATE looked_at")
            cursor.execute("SET LOCAL plan_cache_mode TO DEFAULT")
        plan: dict[str, Any] = found[0]["Plan"]
        return plan


@contextmanager
def captured() -> Iterator[list[Statement]]:
    """Every statement that reads or writes tables inside the block."""
    found: list[Statement] = []

    def keep(sql: Any, params: Any, *, kept: bool, raw: bool = False) -> None:
        text = sql.decode() if isinstance(sql, bytes) else str(sql)
        if text.lstrip().upper().startswith(_READ_AND_WRITE):
            found.append(Statement(text, params, kept, raw))

    def watch(execute: Callable[..., Any], sql: Any, params: Any, many: bool, details: dict[str, Any]) -> Any:
        cursor = details["cursor"].cursor
        keep(sql, params, kept=isinstance(cursor, ServerBindingCursor))
        return execute(sql, params, many, details)

    sent = psycopg.RawCursor.execute

    def watch_raw(cursor: Any, query: Any, params: Any = None, **more: Any) -> Any:
        # What scans send past Django.
        keep(query, params, kept=True, raw=True)
        return sent(cursor, query, params, **more)

    with ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(watch))
        stack.enter_context(mock.patch.object(psycopg.RawCursor, "execute", watch_raw))
        yield found


def walked(plan: dict[str, Any], table: str) -> list[str]:
    """The partitions of a table that a plan goes through from one end to the other. Empty ones do not count."""
    found = []
    for node in _nodes(plan):
        relation = node.get("Relation Name", "")
        if node["Node Type"] == "Seq Scan" and relation.startswith(f"{table}__") and _has_rows(relation):
            found.append(relation)
    return found


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _has_rows(relation: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT EXISTS (SELECT FROM "{relation}")')
        (found,) = cursor.fetchone() or (False,)
    return bool(found)


def _explained(sql: str, params: Any) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        (found,) = cursor.fetchone() or ([],)
    plan: dict[str, Any] = found[0]["Plan"]
    return plan


def _type(oid: int) -> str:
    """The name of a type; 0 is for PostgreSQL to find out."""
    if oid == 0:
        return "unknown"
    with connection.cursor() as cursor:
        cursor.execute("SELECT format_type(%s, NULL)", [oid])
        (name,) = cursor.fetchone() or ("unknown",)
    return str(name)
