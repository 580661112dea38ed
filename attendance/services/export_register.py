"""The register of a month as a table, as a spreadsheet and as a page to be signed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import IO, Any

from django.template.loader import render_to_string
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from xlsxwriter import Workbook
from xlsxwriter.format import Format

from attendance.enums import Status
from attendance.selectors.exports.register import LETTERS, Line, Register
from core.sheets import xlsx
from core.sheets.columns import Column, Kind

#: Classes that stand beside each other on one page; more go into a second part below.
MOST_CLASSES = 40
#: What the columns of the classes share on the page, in millimetres, and how narrow and wide one gets.
_WIDTH, _NARROWEST, _WIDEST = 156.0, 3.9, 10.0
#: Ink and paper of each mark, as on the screens (`static/css/tokens.css`).
_COLOURS = {
    Status.PRESENT: ("#12713f", "#e3f4ea"),
    Status.LATE: ("#8f5400", "#fdf1dc"),
    Status.ABSENT: ("#b3252f", "#fce8e9"),
    Status.EXCUSED: ("#46607d", "#e8eef5"),
}


def columns(month: Register) -> list[Column]:
    """Of the table: who, a column for each class named by its time, and the counts."""
    return [
        Column("enrollment_no", _("Enrollment no.")),
        Column("name", _("Name")),
        *(Column(f"{one.day.isoformat()} {one.starts:%H:%M}", "") for one in month.classes),
        *(Column(name, "", Kind.NUMBER) for name in ("present", "late", "absent", "excused")),
        *(Column(name, "", Kind.NUMBER) for name in ("attended", "counted", "percentage")),
    ]


def rows(month: Register) -> Iterator[tuple[Any, ...]]:
    """By `columns`; a mark is its letter."""
    for line in month.lines:
        marks = (LETTERS[Status(mark)] if mark else None for mark in line.marks)
        yield (
            line.student, line.name, *marks, line.present, line.late, line.absent, line.excused,
            line.attended, line.counted, line.percentage,
        )  # fmt: skip


# -- the page -------------------------------------------------------------------------------------------------------


def as_html(month: Register, *, made: date) -> str:
    """The pages of A4 landscape, for `core.pdf.render`; `made` is the school's date."""
    section = month.section
    department = section.course.department
    parts = [
        range(begin, min(begin + MOST_CLASSES, len(month.classes)))
        for begin in range(0, max(len(month.classes), 1), MOST_CLASSES)
    ]
    return render_to_string(
        "attendance/pdf/register.html",
        {
            "school": section.school,
            "department": department,
            "head": department.head.user.full_name if department and department.head else "",
            "section": section,
            "faculty": _faculty(month),
            "month": date_format(month.month, "F Y"),
            "made": date_format(made, "j F Y"),
            "until": date_format(month.last, "j M"),
            "threshold": number_format(month.threshold),
            "parts": [_part(month, part, last=part is parts[-1]) for part in parts],
            "substitutes": [
                {"day": date_format(one.day, "j M"), "starts": f"{one.starts:%H:%M}", "by": one.by}
                for one in month.classes
                if one.by
            ],
            "legend": [(status, LETTERS[status], status.label) for status in LETTERS],
        },
    )


def _part(month: Register, places: range, *, last: bool) -> dict[str, Any]:
    """Some of the classes with everybody's marks in them; the counts stand in the last part."""
    classes = [month.classes[place] for place in places]
    weeks = [one.day.isocalendar()[:2] for one in classes]
    # Where a week begins, a stronger line; not at the edge.
    begins = [place > 0 and weeks[place] != weeks[place - 1] for place in range(len(weeks))]
    return {
        "last": last,
        "width": f"{min(_WIDEST, max(_NARROWEST, _WIDTH / max(len(classes), 1))):.2f}",
        "classes": [
            {
                "day": one.day.day,
                "weekday": date_format(one.day, "D"),
                "starts": f"{one.starts:%H:%M}",
                "substitute": bool(one.by),
                "week": begin,
                "here": one.here,
                "absent": one.absent,
            }
            for one, begin in zip(classes, begins, strict=True)
        ],
        "lines": [
            {
                "student": line.student,
                "name": line.name,
                "marks": [
                    (line.marks[place] or "", _letter(line.marks[place]), begin)
                    for place, begin in zip(places, begins, strict=True)
                ],
                "counts": (line.present, line.late, line.absent, line.excused),
                "attended": number_format(line.attended),
                "counted": line.counted,
                "percentage": "–" if line.percentage is None else number_format(line.percentage, 2),
                "band": line.band or "",
            }
            for line in month.lines
        ],
    }


def _letter(mark: str | None) -> str:
    return LETTERS[Status(mark)] if mark else "·"


def _faculty(month: Register) -> str:
    """In whose charge the section is; else everybody who teaches it."""
    section = month.section
    if section.faculty is not None:
        return section.faculty.user.full_name
    names = section.teachers.order_by("user__full_name").values_list("user__full_name", flat=True)
    return ", ".join(names)


# -- the spreadsheet ------------------------------------------------------------------------------------------------


def write_xlsx(target: IO[bytes], month: Register) -> None:
    """One sheet that prints on A4 landscape: heads and names stay in sight, marks have their colours."""
    section = month.section
    title = f"{section.course.code} {section.group} {month.month:%Y-%m}"
    with xlsx.workbook(target, title=title) as book:
        sheet = book.add_worksheet(xlsx.sheet_name(title))
        look = _Look(book)
        first, counts = 3, 3 + len(month.classes)
        sheet.set_column(0, 0, 4)
        sheet.set_column(1, 1, 15)
        sheet.set_column(2, 2, 28)
        if month.classes:
            sheet.set_column(first, counts - 1, 5.5)
        sheet.set_column(counts, counts + 3, 4.5)
        sheet.set_column(counts + 4, counts + 5, 9)
        sheet.set_column(counts + 6, counts + 6, 9)
        for row, text in enumerate(_heading(month)):
            sheet.write_string(row, 0, xlsx.text(text), look.title if row == 0 else look.plain)
        head = 4
        labels = ["#", _("Enrollment no."), _("Name")]
        tail = [*LETTERS.values(), _("Attended"), _("Of"), "%"]
        for place, label in enumerate(labels):
            sheet.write_string(head, place, label, look.head)
        for place, one in enumerate(month.classes, start=first):
            sheet.write_datetime(head, place, one.day, look.day)
        for place, label in enumerate(tail, start=counts):
            sheet.write_string(head, place, label, look.head)
        for place, one in enumerate(month.classes, start=first):
            sheet.write_datetime(head + 1, place, one.starts, look.time)
        for place, line in enumerate(month.lines, start=head + 2):
            _write_line(sheet, look, place, place - head - 1, line, first, counts)
        foot = head + 2 + len(month.lines)
        for row, (label, values) in enumerate(
            [
                (_("Present or late"), [one.here for one in month.classes]),
                (_("Absent"), [one.absent for one in month.classes]),
            ],
            start=foot,
        ):
            sheet.write_string(row, 2, label, look.foot)
            for place, value in enumerate(values, start=first):
                sheet.write_number(row, place, value, look.foot)
        sheet.freeze_panes(head + 2, first)
        sheet.repeat_rows(head, head + 1)
        sheet.repeat_columns(0, 2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(0.3, 0.3, 0.4, 0.5)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")


def _heading(month: Register) -> list[str]:
    section = month.section
    department = section.course.department
    return [
        section.school.name,
        " · ".join(
            part
            for part in (
                department.name if department else "",
                f"{section.course.code} {section.course.title}",
                section.group,
            )
            if part
        ),
        " · ".join(part for part in (date_format(month.month, "F Y"), _faculty(month)) if part),
    ]


def _write_line(sheet: Any, look: _Look, row: int, number: int, line: Line, first: int, counts: int) -> None:
    sheet.write_number(row, 0, number, look.plain)
    sheet.write_string(row, 1, xlsx.text(line.student), look.plain)
    sheet.write_string(row, 2, xlsx.text(line.name), look.plain)
    for place, mark in enumerate(line.marks, start=first):
        if mark:
            sheet.write_string(row, place, LETTERS[Status(mark)], look.marks[mark])
    for place, value in enumerate((line.present, line.late, line.absent, line.excused), start=counts):
        sheet.write_number(row, place, value, look.plain)
    sheet.write_number(row, counts + 4, line.attended, look.plain)
    sheet.write_number(row, counts + 5, line.counted, look.plain)
    if line.percentage is not None:
        sheet.write_number(row, counts + 6, line.percentage, look.percent)


class _Look:
    """The formats of the sheet."""

    def __init__(self, book: Workbook) -> None:
        edge = {"border": 1, "border_color": "#c4c9d6"}
        head = {**edge, "bold": True, "bg_color": "#eceef4", "align": "center", "text_wrap": True}
        self.title: Format = book.add_format({"bold": True, "font_size": 14})
        self.plain: Format = book.add_format()
        self.percent: Format = book.add_format({"num_format": "0.00"})
        self.head: Format = book.add_format(head)
        self.day: Format = book.add_format({**head, "num_format": "d\nddd"})
        self.time: Format = book.add_format({**head, "bold": False, "num_format": "hh:mm"})
        self.foot: Format = book.add_format({**edge, "bold": True, "top": 2})
        self.marks: dict[str, Format] = {
            status: book.add_format(
                {
                    **edge,
                    "align": "center",
                    "font_color": ink,
                    "bg_color": paper,
                    "bold": status != Status.PRESENT,
                }
            )
            for status, (ink, paper) in _COLOURS.items()
        }
