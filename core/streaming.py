"""Reading many rows without holding them: PostgreSQL keeps the result, and hands it over a few thousand at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from django.db import connection, transaction

Parameters = Sequence[Any] | Mapping[str, Any]
#: One of the two ways below.
Read = Callable[[str, Parameters], Generator[tuple[Any, ...]]]

#: Rows that are fetched together.
_TOGETHER = 2000
#: A reader that takes nothing for so long is cut off, so that its snapshot does not hold up the vacuum for ever.
_IDLE = "120s"


def rows_of(sql: str, parameters: Parameters) -> Generator[tuple[Any, ...]]:
    """The rows of one query, as they are asked for. The first come long before the last is known.

    Opened outside a transaction it runs in one of its own, which ends with the last row or when the reader is closed:
    nothing else may write through this connection meanwhile and expect it to be seen by others.
    """
    with transaction.atomic():
        with connection.cursor() as settings:
            settings.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [_IDLE])
        yield from _fetched(sql, parameters)


def rows_held(sql: str, parameters: Parameters) -> Generator[tuple[Any, ...]]:
    """The same for who writes while they read: outside a transaction PostgreSQL first puts the whole result aside."""
    yield from _fetched(sql, parameters)


def _fetched(sql: str, parameters: Parameters) -> Generator[tuple[Any, ...]]:
    # Django names the cursor, and keeps it over commits (WITH HOLD) outside a transaction.
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while some := cursor.fetchmany(_TOGETHER):
            yield from some
