"""Lists as files for spreadsheets."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from defusedcsv import csv
from django.http import HttpResponse


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> HttpResponse:
    """A download called ``<name>.csv``, whole or not at all. No cell is read as a formula by a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    # With a byte order mark spreadsheets take it for UTF-8.
    return HttpResponse(
        text.getvalue().encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "private, no-store",
        },
    )
