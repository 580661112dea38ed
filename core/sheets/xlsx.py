"""XLSX through XlsxWriter, which keeps one row in memory at a time (``constant_memory``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from core.sheets.cells import neutral
from core.sheets.columns import Column, Kind

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Rows that a sheet holds below its heads: what the format allows is 2²⁰ in all.
MOST_ROWS = 2**20 - 1
_FORMATS = {Kind.DATE: "yyyy-mm-dd", Kind.TIME: "hh:mm", Kind.INSTANT: "yyyy-mm-dd hh:mm:ss"}
#: A sheet's name has at most 31 characters and none of these.
_LONGEST_NAME, _NOT_IN_NAMES = 31, str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


@contextmanager
def workbook(target: IO[bytes], *, title: str) -> Iterator[Workbook]:
    """A workbook that is written to `target` when the block ends; rows must be written from top to bottom.

    Nothing that stands in a cell becomes a formula or a link because of how it looks.
    """
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = Workbook(target, options)
    book.set_properties({"title": title, "author": "CampusHub"})
    try:
        yield book
    except BaseException:
        # What was written so far lies in temporary files, which only a workbook that is finished removes.
        book.fileclosed = 1
        for sheet in book.worksheets():
            if sheet.row_data_fh:
                sheet.row_data_fh.close()
                Path(sheet.row_data_filename).unlink(missing_ok=True)
        raise
    book.close()


def sheet_name(text: str) -> str:
    """The text as the name of a sheet."""
    return text.translate(_NOT_IN_NAMES).strip()[:_LONGEST_NAME].strip() or "Sheet"


def write_table(
    target: IO[bytes], *, title: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]
) -> None:
    """One sheet: bold heads that stay in sight and filter, then the rows. Numbers are numbers, dates are dates.

    Instants lose their offset, which spreadsheets do not know: the wall clock they show is the one they came with.
    """
    with workbook(target, title=title) as book:
        sheet = book.add_worksheet(sheet_name(title))
        head = book.add_format({"bold": True, "bottom": 1, "valign": "top", "text_wrap": True})
        writers = [_writer(sheet, book, column) for column in columns]
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        for place, column in enumerate(columns):
            sheet.write_string(0, place, str(column.label), head)
        number = 0
        for number, row in enumerate(rows, start=1):
            for place, (write, value) in enumerate(zip(writers, row, strict=True)):
                if value is not None:
                    write(number, place, value)
        sheet.autofilter(0, 0, number, len(columns) - 1)


def text(value: Any) -> str:
    """A text as it may stand in a cell: no formula, and no longer than the format allows."""
    return neutral(str(value))[:32_767]


def _writer(sheet: Worksheet, book: Workbook, column: Column) -> Callable[[int, int, Any], Any]:
    """How a cell of the column is written."""
    shape: Format | None = (
        book.add_format({"num_format": _FORMATS[column.kind]}) if column.kind in _FORMATS else None
    )
    match column.kind:
        case Kind.NUMBER:
            return lambda row, place, value: sheet.write_number(row, place, value)
        case Kind.DATE | Kind.TIME:
            return lambda row, place, value: sheet.write_datetime(row, place, value, shape)
        case Kind.INSTANT:
            return lambda row, place, value: sheet.write_datetime(row, place, _naive(value), shape)
        case Kind.TRUTH:
            return lambda row, place, value: sheet.write_boolean(row, place, value)
        case Kind.TEXT:
            worded = column.worded if column.words else lambda value: value
            return lambda row, place, value: sheet.write_string(row, place, text(worded(value)))


def _naive(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)
