"""Taking a year of a partitioned table away while everybody works.

Detaching needs a lock that nobody else may hold, on the table and on everything it refers to. Waiting for it would
stop everybody who comes later, so each attempt gives up after a moment, and the next one comes a little later. What
is detached is out of everybody's reach; the rest takes its time. All of it as the owner role (`core.owner`).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence

from django.db import OperationalError, connection, transaction
from psycopg import sql

from core.db import DatabaseBusy, sqlstate_of
from core.partitions import Partitioned

#: How long one attempt waits for all of its locks together; whoever comes meanwhile waits as long.
PATIENCE_MS = 300
ATTEMPTS = 200
#: Lock not available, deadlock detected.
_AGAIN = {"55P03", "40P01"}


def name_of(model: type[Partitioned], year: int) -> str:
    """The partition's table, as `campushub_ensure_partition` names it."""
    return f"{model._meta.db_table[:56]}__y{year}"


def detached(model: type[Partitioned]) -> list[int]:
    """Years that were detached and not dropped yet, ascending: what a run that was killed left behind."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' "
            "AND NOT relispartition"
        )
        names = [name for (name,) in cursor.fetchall()]
    pattern = re.compile(re.escape(model._meta.db_table[:56]) + r"__y(\d{4})")
    return sorted(int(found[1]) for name in names if (found := pattern.fullmatch(name)))


def detach(model: type[Partitioned], year: int) -> float:
    """Take the year out of the table; the longest time (seconds) for which anybody could have been kept waiting.

    Raises DatabaseBusy when the locks were not to be had in `ATTEMPTS` attempts; then nothing has changed.
    """
    parent, child = model._meta.db_table, name_of(model, year)
    return _patiently(
        _referred_to(parent),
        parent,
        sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(sql.Identifier(parent), sql.Identifier(child)),
    )


def free(model: type[Partitioned], year: int) -> float:
    """Drop the foreign keys of a detached year, each by itself; the longest wait as in `detach`.

    Dropping the table with them would lock all tables that it refers to at once, for as long as that takes.
    """
    child = name_of(model, year)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, confrelid::regclass::text FROM pg_constraint "
            "WHERE conrelid = %s::regclass AND contype = 'f' ORDER BY conname",
            [child],
        )
        keys = cursor.fetchall()
    waits = [
        _patiently(
            [],
            target,
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(child), sql.Identifier(name)),
        )
        for name, target in keys
    ]
    return max(waits, default=0.0)


def _referred_to(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT confrelid::regclass::text FROM pg_constraint "
            "WHERE conrelid = %s::regclass AND contype = 'f' ORDER BY 1",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]


def _patiently(shared: Sequence[str], exclusive: str, statement: sql.Composed) -> float:
    """Run the statement once its locks are to be had: `shared` against writers, `exclusive` against everybody.

    The strong lock is asked for at once, and last. Asked for on top of a weaker one it would be a deadlock with every
    writer who has read the table and is about to write into it; and the writer would be the one to fail.
    """
    longest = 0.0
    each = PATIENCE_MS // (len(shared) + 1)
    for attempt in range(ATTEMPTS):
        begun = time.monotonic()
        try:
            with transaction.atomic(durable=True), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{each}ms'")
                if shared:
                    cursor.execute(
                        sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(
                            sql.SQL(", ").join(map(sql.Identifier, shared))
                        )
                    )
                cursor.execute(
                    sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(exclusive))
                )
                cursor.execute(statement)
            return max(longest, time.monotonic() - begun)
        except OperationalError as error:
            if sqlstate_of(error) not in _AGAIN:
                raise
            longest = max(longest, time.monotonic() - begun)
        # Longer than the attempt itself, so that those who were stopped get through in between.
        time.sleep(random.uniform(1, 3) * PATIENCE_MS / 1000 if attempt else 0.05)  # noqa: S311 - no secret
    raise DatabaseBusy
