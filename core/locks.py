"""Advisory locks of PostgreSQL, by name: for whatever has no row to lock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection


def key_of(*parts: object) -> int:
    """A signed 64-bit key for the named thing, the same in every process."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def lock(*parts: object) -> None:
    """Take the named lock until the transaction ends, waiting for it. Needs a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("an advisory transaction lock outside a transaction protects nothing")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key_of(*parts)])


@contextmanager
def try_session_lock(*parts: object) -> Iterator[bool]:
    """Hold the named lock across transactions, if nobody else does; says whether it was got."""
    key = key_of(*parts)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        row = cursor.fetchone()
    got = bool(row and row[0])
    try:
        yield got
    finally:
        if got:
            _unlock(key)


def _unlock(key: int) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
    except (DatabaseError, InterfaceError):
        # The lock ends with its connection; raising here would hide why that broke.
        connection.close()
