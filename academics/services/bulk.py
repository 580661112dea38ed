"""Large statements shortly after large changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

#: From here on a plan that fits a handful of rows is a disaster.
MANY = 1000


@contextmanager
def planned_for(rows: int) -> Iterator[None]:
    """Have joins of many rows hashed, whatever the planner believes about the size of the tables.

    It believes what the last vacuum counted. After a large import was rolled back (a preview is) that can be zero
    for a table that is then filled with 50,000 rows, and a join of those, row by row, would take hours. Needs a
    transaction; does nothing for few rows.
    """
    if rows < MANY:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
