"""Making the files of exports: which columns, rows and pages, by kind and format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any

from django.template.loader import render_to_string
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from attendance import errors
from attendance.enums import ExportFormat, ExportKind
from attendance.selectors.exports.register import Register, register_of
from attendance.selectors.exports.scope import Scope, described
from attendance.selectors.exports.tables import Table, table_of
from attendance.services import export_register
from core import pdf
from core.sheets import csv, xlsx
from core.sheets.columns import Column, Kind
from core.streaming import Read

Rows = Iterable[Sequence[Any]]

CONTENT_TYPES = {
    ExportFormat.CSV: csv.CONTENT_TYPE,
    ExportFormat.XLSX: xlsx.CONTENT_TYPE,
    ExportFormat.PDF: pdf.CONTENT_TYPE,
}
#: Rows of one file; CSV has no limit. A PDF of more is a book that nobody prints and minutes of work.
MOST_ROWS = {ExportFormat.XLSX: xlsx.MOST_ROWS, ExportFormat.PDF: 2_000}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")


#: What a file is made from.
Source = Table | Register


def source_of(scope: Scope) -> Source:
    """Raises Invalid for a register without section or month."""
    return register_of(scope) if scope.kind == ExportKind.REGISTER else table_of(scope)


def count(source: Source, *, most: int | None = None) -> int:
    """Rows, counted no further than `most`; of a register its students."""
    return len(source.lines) if isinstance(source, Register) else source.count(most=most)


def check_size(file_format: str, rows: int) -> None:
    """Raises ExportTooLarge for more rows than a file of that format may have."""
    most = MOST_ROWS.get(ExportFormat(file_format))
    if most is not None and rows > most:
        raise errors.ExportTooLarge(
            attr="format",
            format=file_format.upper(),
            most=number_format(most, force_grouping=True),
            meta={"rows": rows, "most": most},
        )


def write(
    source: Source,
    scope: Scope,
    file_format: str,
    target: IO[bytes],
    *,
    read: Read,
    watched: Callable[[Rows], Rows] = lambda rows: rows,
) -> int:
    """Write the whole file; how many rows it has. `watched` sees each row go by.

    Raises PdfUnavailable, ExportTooLarge (a table that grew since it was counted).
    """
    if isinstance(source, Register):
        return _write_register(source, file_format, target, watched, made=scope.today)
    done = _Counted()
    with closing(read(*source.query)) as found:
        rows = watched(done(map(source.shape, found)))
        match file_format:
            case ExportFormat.CSV:
                for chunk in csv.chunks(source.columns, rows):
                    target.write(chunk)
            case ExportFormat.XLSX:
                xlsx.write_table(target, title=str(source.title), columns=source.columns, rows=rows)
            case ExportFormat.PDF:
                target.write(_table_as_pdf(scope, source, rows))
    return done.number


def stream(table: Table, read: Read, done: Callable[[int], None]) -> Iterator[bytes]:
    """A table as CSV, whatever its size, as it is read. `done` is told how many rows went, also when it breaks off."""
    counted = _Counted()
    try:
        with closing(read(*table.query)) as found:
            yield from csv.chunks(table.columns, counted(map(table.shape, found)))
    finally:
        done(counted.number)


def name_of(scope: Scope, file_format: str) -> str:
    """What the file is called on somebody's disk: what, of what, and of when; letters that every system takes."""
    said = [
        {"records": "attendance-records", "register": "register", "summary": "attendance-summary",
         "shortage": "attendance-shortage", "audit": "audit-trail"}[scope.kind]
    ]  # fmt: skip
    if scope.section:
        said += [scope.section.course.code, scope.section.group]
    said += [scope.department.code] if scope.department else []
    said += [scope.course.code] if scope.course else []
    said += [scope.student.enrollment_no] if scope.student else []
    if scope.kind == ExportKind.REGISTER and scope.first:
        said.append(f"{scope.first:%Y-%m}")
    else:
        said += [day.isoformat() for day in (scope.first, scope.last) if day]
    if scope.kind in {ExportKind.SUMMARY, ExportKind.SHORTAGE} or len(said) == 1:
        said.append(scope.today.isoformat())
    return (
        "_".join(word for part in said if (word := _NOT_IN_NAMES.sub("-", part).strip("-")))[:140]
        + f".{file_format}"
    )


class _Counted:
    def __init__(self) -> None:
        self.number = 0

    def __call__(self, rows: Iterable[Any]) -> Iterator[Any]:
        for row in rows:
            self.number += 1
            yield row


def _write_register(
    month: Register, file_format: str, target: IO[bytes], watched: Callable[[Rows], Rows], *, made: date
) -> int:
    rows = list(watched(export_register.rows(month)))
    match file_format:
        case ExportFormat.CSV:
            for chunk in csv.chunks(export_register.columns(month), rows):
                target.write(chunk)
        case ExportFormat.XLSX:
            export_register.write_xlsx(target, month)
        case ExportFormat.PDF:
            target.write(pdf.render(export_register.as_html(month, made=made)))
    return len(rows)


def _table_as_pdf(scope: Scope, table: Table, rows: Rows) -> bytes:
    places = [place for place, column in enumerate(table.columns) if column.on_paper]
    columns = [table.columns[place] for place in places]
    width = sum(column.width for column in columns)
    lines = []
    for row in rows:
        lines.append([_shown(column, row[place]) for column, place in zip(columns, places, strict=True)])
        check_size(ExportFormat.PDF, len(lines))
    return pdf.render(
        render_to_string(
            "attendance/pdf/table.html",
            {
                "title": table.title,
                "school": scope.school,
                "about": described(scope),
                "made": date_format(scope.today, "j F Y"),
                "columns": [
                    {
                        "label": column.label,
                        "number": column.kind == Kind.NUMBER,
                        "share": f"{100 * column.width / width:.2f}",
                    }
                    for column in columns
                ],
                "rows": lines,
            },
        )
    )


def _shown(column: Column, value: Any) -> dict[str, Any]:
    """A cell for people: its text, whether it is a number, and the value itself where it has a look of its own."""
    return {
        "text": _text(column, value),
        "number": column.kind == Kind.NUMBER,
        "value": value if column.words else "",
    }


def _text(column: Column, value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return _("yes") if value else _("no")
        case datetime():
            return date_format(value, "j M Y, H:i")
        case date():
            return date_format(value, "j M Y")
        case time():
            return f"{value:%H:%M}"
        case int() | Decimal():
            return number_format(value)
    return str(column.worded(value))
