"""Tables as schools have them on disk: whatever the spreadsheet program made of encoding and separator.

A file becomes `Row`s of stripped text cells keyed by canonical column names. What cannot be read at all is a
problem in the report, never an exception.
"""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from academics.services.imports.report import Report

SEPARATORS = ",;\t"

#: What other systems call our columns.
ALIASES = {
    "admission_no": "enrollment_no",
    "batch": "section",
    "class": "section",
    "code": "course_code",
    "cohort": "section",
    "course": "course_code",
    "dept": "department",
    "dob": "date_of_birth",
    "e_mail": "email",
    "emp_no": "employee_no",
    "employee_id": "employee_no",
    "enrolment_no": "enrollment_no",
    "enrollment_number": "enrollment_no",
    "ends": "end",
    "guardian": "guardian_contact",
    "mobile": "phone",
    "name": "full_name",
    "program": "programme",
    "roll_no": "enrollment_no",
    "roll_number": "enrollment_no",
    "starts": "start",
    "study_year": "year",
    "title": "course_title",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One record; `line` is where it begins in the file, counted from 1."""

    line: int
    cells: dict[str, str]

    def get(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Table:
    columns: list[str]
    rows: list[Row]


def read(data: bytes, report: Report) -> Table:
    """The table in a CSV file (comma, semicolon or tab; UTF-8, UTF-16 or Latin-1). Problems go into `report`.

    Lines without any text are left out. A line with fewer or more cells than the header has is a problem, and so
    is one with a NUL byte: both mean that something was lost on the way.
    """
    text = decode(data, report)
    if text is None:
        return Table([], [])
    lines = _records(text, _separator(text), report)
    header = next(lines, None)
    if header is None:
        if not report.problems:
            report.add(1, "", "", _("The file is empty."), code="empty")
        return Table([], [])
    columns = [canonical(cell) for cell in header[1]]
    for name in sorted({name for name in columns if name and columns.count(name) > 1}):
        report.add(1, name, name, _("This column stands in the file twice."), code="duplicate_column")
    rows = [row for line, cells in lines if (row := _row(line, cells, columns, report)) is not None]
    report.rows = len(rows) + len({problem.line for problem in report.problems if problem.line > 1})
    return Table(columns, rows)


def canonical(name: str) -> str:
    """A column's name as we know it: lower case, words joined by underscores, other systems' names translated."""
    plain = unicodedata.normalize("NFKC", name).strip().lower()
    joined = "_".join("".join(char if char.isalnum() else " " for char in plain).split())
    return ALIASES.get(joined, joined)


def decode(data: bytes, report: Report) -> str | None:
    """The file's text; None (and a problem) for what is no text file. A guess is noted in the report."""
    if data.startswith(b"PK\x03\x04"):
        report.add(
            1,
            "",
            "",
            _("This is a spreadsheet or a zip archive. Save the table as CSV first."),
            code="not_csv",
        )
        return None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _strictly(data, "utf-16", report)
    start = data[:400]
    if start.count(0) > len(start) // 4:
        # ASCII in UTF-16 has a zero in every second byte: on the odd ones when the low byte comes first.
        return _strictly(
            data, "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be", report
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        report.notes.append(
            _("The file is not UTF-8. It was read as Latin-1 (Western European): check names with accents.")
        )
    try:
        return data.decode("cp1252")  # what Windows means by Latin-1
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _strictly(data: bytes, encoding: str, report: Report) -> str | None:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        report.add(
            1, "", "", _("The file looks like UTF-16 but is damaged. Save it as UTF-8."), code="encoding"
        )
        return None


def _separator(text: str) -> str:
    """The one that the header uses most."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    return max(SEPARATORS, key=header.count)


def _records(text: str, separator: str, report: Report) -> Iterator[tuple[int, list[str]]]:
    """(first line, cells) of every record that holds any text; stops, with a problem, where quoting is broken."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            reason: str | Promise = _(
                "The quotation marks of this line are wrong, or a cell is far too long."
            )
            report.add(begins, "", "", reason, code="quoting")
            return
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            yield begins, stripped
        begins = reader.line_num + 1


def _row(line: int, cells: list[str], columns: list[str], report: Report) -> Row | None:
    if len(cells) != len(columns) and any(cells[len(columns) :] or [len(cells) < len(columns)]):
        reason = _("This line has %(found)s cells, the header has %(wanted)s.") % {
            "found": len(cells),
            "wanted": len(columns),
        }
        report.add(line, "", "", reason, code="cells")
        return None
    whole = True
    for name, cell in zip(columns, cells, strict=False):
        if not cell.isprintable() and any(unicodedata.category(char) == "Cc" for char in cell):
            reason = str(_("This cell holds a NUL byte or another control character."))
            report.add(line, name, cell, reason, code="control_character")
            whole = False
    return Row(line, dict(zip(columns, cells, strict=False))) if whole else None
