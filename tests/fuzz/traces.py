"""What a request left in the database."""

from __future__ import annotations

from functools import cache

from django.apps import apps
from django.db import connection

#: What was tried is counted for the lock-out, and a message waits in the session, refused or not.
_MAY_CHANGE = ("axes_", "django_session")


def traces() -> dict[str, tuple[int, int]]:
    """Rows of every table, and a sum over their places.

    PostgreSQL puts a changed row in another place, and one whose change was taken back is where it was: so the sum
    tells of every insert, update and delete that would be committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_statement())
        return {table: (rows, places) for table, rows, places in cursor.fetchall()}


@cache
def _statement() -> str:
    tables = {
        model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed
    }
    watched = sorted(table for table in tables if not table.startswith(_MAY_CHANGE))
    return " UNION ALL ".join(
        f"SELECT '{table}', count(*), coalesce(sum(hashtext(tableoid || ctid::text)), 0) FROM \"{table}\""
        for table in watched
    )
