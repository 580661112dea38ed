"""Rights of the application's database role, granted by the owner after every migration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.db import connections, transaction
from psycopg import sql

from core import clock, partitions


def grant_after_migrate(sender: AppConfig, using: str, plan: list[Any] | None = None, **kwargs: Any) -> None:
    """Give the application role what it needs and no more; make the partitions of these years.

    `flush` emits the same signal as the application role, which may grant nothing: then this does nothing.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class "
            "WHERE oid = to_regclass('django_migrations')"
        )
        row = cursor.fetchone()
    if not row or not row[0] or "campushub_ensure_partition" not in _functions(using):
        return
    role = settings.DATABASE_APP_ROLE
    with transaction.atomic(using=using):
        if role and role != connection.settings_dict["USER"]:
            _grant(using, role)
        year = clock.now().year
        partitions.ensure([year - 1, year, year + 1])


def _functions(using: str) -> set[str]:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'campushub%%'")
        return {name for (name,) in cursor.fetchall()}


def _grant(using: str, role: str) -> None:
    append_only = {
        model._meta.db_table for model in apps.get_models() if getattr(model, "append_only", False)
    }
    name = sql.Identifier(role)
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            return
        cursor.execute(
            "SELECT c.relname, c.relispartition FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'm', 'v')"
        )
        tables = cursor.fetchall()
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
        for table, is_partition in tables:
            target = sql.Identifier(table)
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(target, name))
            # Partitions are reached through their parent, whose rights are the ones that count.
            if is_partition:
                continue
            rights = "SELECT, INSERT" if table in append_only else "SELECT, INSERT, UPDATE, DELETE"
            cursor.execute(sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), target, name))
        cursor.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(name))
        cursor.execute(
            sql.SQL("GRANT EXECUTE ON FUNCTION campushub_ensure_partition(regclass, integer) TO {}").format(
                name
            )
        )
