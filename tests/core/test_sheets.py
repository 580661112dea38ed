"""Tables as files: nothing that people typed becomes a formula, and values stay what they are."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from core.sheets import csv as written
from core.sheets import xlsx
from core.sheets.cells import neutral
from core.sheets.columns import Column, Kind

INDIA = timezone(timedelta(hours=5, minutes=30))
COLUMNS = [
    Column("text", "Text"),
    Column("number", "Number", Kind.NUMBER),
    Column("day", "Day", Kind.DATE),
    Column("hour", "Hour", Kind.TIME),
    Column("at", "At", Kind.INSTANT),
    Column("said", "Said", Kind.TRUTH),
]
ROW: tuple[Any, ...] = (
    "=1+1",
    Decimal("-2.50"),
    date(2026, 11, 3),
    time(9, 0),
    datetime(2026, 11, 3, 3, 30, tzinfo=UTC).astimezone(INDIA),
    True,
)


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "|cmd", "%1", "＝1", "＋1", "－1", "＠x"]
)
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "50%", "1-2", " =1", "మౌనిక", "'=1"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


def test_csv_is_utf_8_for_spreadsheets_and_plain_for_programs() -> None:
    content = b"".join(written.chunks(COLUMNS, [ROW, (None,) * 6]))

    assert content.startswith(b"\xef\xbb\xbftext,")
    assert content.endswith(b"\r\n")
    assert list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))) == [
        ["text", "number", "day", "hour", "at", "said"],
        ["'=1+1", "-2.50", "2026-11-03", "09:00:00", "2026-11-03T09:00:00+05:30", "true"],
        [""] * 6,
    ]


def test_csv_says_its_heads_before_the_first_row_is_asked_for() -> None:
    asked = []

    def rows() -> Any:
        asked.append("row")
        yield ROW

    pieces = written.chunks(COLUMNS, rows())
    assert next(pieces).startswith(b"\xef\xbb\xbftext,")
    assert asked == []


def test_xlsx_keeps_numbers_dates_and_truth_and_runs_no_formula() -> None:
    target = io.BytesIO()
    xlsx.write_table(target, title="What [was] there?", columns=COLUMNS, rows=[ROW])

    (head, row), sheet = read_xlsx(target.getvalue())
    assert head == ["Text", "Number", "Day", "Hour", "At", "Said"]
    # Days since 1900, as spreadsheets count.
    assert row == ["'=1+1", -2.5, 46329.0, 0.375, 46329.375, True]
    assert "<f>" not in sheet
    assert 'state="frozen"' in sheet


def test_an_xlsx_that_breaks_off_leaves_nothing_open() -> None:
    def rows() -> Any:
        yield ROW
        raise RuntimeError("the database is gone")

    target = io.BytesIO()
    with pytest.raises(RuntimeError, match="gone"):
        xlsx.write_table(target, title="T", columns=COLUMNS, rows=rows())
    assert target.getvalue() == b""


def test_an_xlsx_that_breaks_off_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []

    def rows() -> Any:
        yield ROW
        seen.append(len(list(tmp_path.iterdir())))
        raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError, match="gone"):
        xlsx.write_table(io.BytesIO(), title="T", columns=COLUMNS, rows=rows())
    assert (seen, list(tmp_path.iterdir())) == ([1], [])


def test_people_read_words_where_programs_read_values() -> None:
    column = Column("status", "Status", words={"late": "Late"})
    target = io.BytesIO()
    xlsx.write_table(target, title="T", columns=[column], rows=[("late",), ("odd",)])

    assert read_xlsx(target.getvalue())[0] == [["Status"], ["Late"], ["odd"]]
    assert b"".join(written.chunks([column], [("late",)])).endswith(b"late\r\n")


def read_xlsx(content: bytes) -> tuple[list[list[Any]], str]:
    """The rows of the first sheet, and its XML."""
    name = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    rows = []
    for row in ElementTree.fromstring(sheet).findall(".//m:row", name):  # noqa: S314 - of our own making
        cells = []
        for cell in row.findall("m:c", name):
            text = "".join(cell.itertext())
            match cell.get("t"):
                case "inlineStr":
                    cells.append(text)
                case "b":
                    cells.append(text == "1")
                case _:
                    cells.append(float(text) if text else None)
        rows.append(cells)
    return rows, sheet
