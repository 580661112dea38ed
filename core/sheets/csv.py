"""CSV as spreadsheets and programs both read it: UTF-8 with a byte order mark, commas, CRLF (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any

from core.sheets.cells import neutral
from core.sheets.columns import Column, Kind

CONTENT_TYPE = "text/csv; charset=utf-8"
#: Rows that leave together: large enough that a chunk is worth its overhead, small enough for memory.
_TOGETHER = 1000


def chunks(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The file, piece by piece: the heads at once, then as rows come. Values stand as programs want them.

    Dates and instants are ISO 8601, truth is ``true`` or ``false``, None is empty, heads are the columns' names.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    shown = [_SHOWN[column.kind] for column in columns]
    # With a byte order mark spreadsheets take it for UTF-8.
    buffer.write("\ufeff")
    writer.writerow([column.name for column in columns])
    waiting = iter(rows)
    while True:
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
        some = list(islice(waiting, _TOGETHER))
        if not some:
            return
        writer.writerows(
            ["" if value is None else show(value) for show, value in zip(shown, row, strict=True)]
            for row in some
        )


def _instant(value: datetime) -> str:
    return value.isoformat(timespec="seconds")


def _truth(value: bool) -> str:
    return "true" if value else "false"


_SHOWN: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: neutral,
    Kind.NUMBER: str,
    Kind.DATE: date.isoformat,
    Kind.TIME: time.isoformat,
    Kind.INSTANT: _instant,
    Kind.TRUTH: _truth,
}
