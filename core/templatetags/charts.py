"""Pictures of figures: bar and line charts with axes and units, and the attendance calendar.

Charts are SVG whose geometry is in per cent of the plot, so they fit any width while their text keeps its
size; a table of the same figures stands below for whoever does not see them.
"""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import template
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR

register = template.Library()

_TICKS = 4
# A day is coloured by what most deserves a look.
_GRAVITY = ("absent", "late", "unmarked", "excused", "present")


@register.inclusion_tag("components/chart.html")
def bar_chart(
    points: Sequence[Mapping[str, Any]],
    title: str,
    unit: str = "%",
    maximum: float = 100,
    mark: float | None = None,
    mark_label: str = "",
) -> dict[str, Any]:
    """Bars for `points`, each `{label, value or None, note?}`; `mark` draws a line at that value.

    Values are in `unit`, from 0 to `maximum`; None leaves a gap and reads as "no data".
    """
    chart = _frame(points, title, unit, maximum, mark, mark_label)
    slot = 100 / max(len(points), 1)
    for place, bar in enumerate(chart["points"]):
        bar |= {"x": place * slot + slot * 0.18, "width": slot * 0.64}
    return chart | {"kind": "bar"}


@register.inclusion_tag("components/chart.html")
def line_chart(
    points: Sequence[Mapping[str, Any]],
    title: str,
    unit: str = "%",
    maximum: float = 100,
    mark: float | None = None,
    mark_label: str = "",
) -> dict[str, Any]:
    """A line through `points` (as in `bar_chart`); it breaks where a value is missing."""
    chart = _frame(points, title, unit, maximum, mark, mark_label)
    slot = 100 / max(len(points), 1)
    for place, dot in enumerate(chart["points"]):
        dot["x"] = (place + 0.5) * slot
    rows = chart["points"]
    chart["segments"] = [
        {"x1": a["x"], "y1": a["y"], "x2": b["x"], "y2": b["y"]}
        for a, b in itertools.pairwise(rows)
        if a["value"] is not None and b["value"] is not None
    ]
    return chart | {"kind": "line"}


def _frame(
    points: Sequence[Mapping[str, Any]],
    title: str,
    unit: str,
    maximum: float,
    mark: float | None,
    mark_label: str,
) -> dict[str, Any]:
    """What both kinds share: heights, y from the top, ticks, and which labels there is room for."""
    top = float(maximum) or 1.0
    every = max(1, -(-len(points) // 7))
    rows: list[dict[str, Any]] = []
    for place, point in enumerate(points):
        value = point["value"]
        height = 0.0 if value is None else min(max(float(value), 0.0), top) / top * 100
        rows.append(
            {
                "label": point["label"],
                "note": point.get("note", ""),
                "value": value,
                "height": height,
                "y": 100 - height,
                "below": mark is not None and value is not None and value < mark,
                "minor": place % every != 0,
                "narrow": place % (2 * every) != 0,
            }
        )
    ticks = [{"value": top * step / _TICKS, "y": 100 - 100 * step / _TICKS} for step in range(_TICKS + 1)]
    return {
        "points": rows,
        "title": title,
        "unit": unit,
        "ticks": ticks[::-1],
        "mark": mark,
        "mark_y": None if mark is None else 100 - float(mark) / top * 100,
        "mark_label": mark_label,
    }


@register.inclusion_tag("components/calendar.html")
def attendance_calendar(
    days: Mapping[date, Sequence[str | None]],
    start: date,
    end: date,
    today: date,
    holidays: Mapping[date, str] | None = None,
) -> dict[str, Any]:
    """Every month from `start` to `end` as a heat map: the statuses of each day's classes, shape and colour.

    The latest month comes first: it is the one people look for, and on a phone the only one in sight.
    `days` maps a school-local date to its statuses in order of time; `holidays` maps a date to its name.
    """
    months = [
        {"first": date(year, month, 1), "weeks": _weeks(year, month, days, today, holidays or {})}
        for year, month in reversed(_months(start, end))
    ]
    weekdays = [{"short": WEEKDAYS_ABBR[n], "full": WEEKDAYS[n]} for n in range(7)]
    return {"months": months, "weekdays": weekdays}


def _months(start: date, end: date) -> list[tuple[int, int]]:
    first, last = start.year * 12 + start.month - 1, end.year * 12 + end.month - 1
    return [(number // 12, number % 12 + 1) for number in range(first, last + 1)]


def _weeks(
    year: int,
    month: int,
    days: Mapping[date, Sequence[str | None]],
    today: date,
    holidays: Mapping[date, str],
) -> list[list[dict[str, Any] | None]]:
    """Rows of seven cells, Monday first; None stands for a day of another month."""

    def cell(day: date) -> dict[str, Any] | None:
        if day.month != month:
            return None
        marks = [status or "unmarked" for status in days.get(day, ())]
        return {
            "day": day,
            "marks": marks,
            "worst": min(marks, key=_GRAVITY.index, default=""),
            "today": day == today,
            "holiday": holidays.get(day, ""),
        }

    rows = calendar.Calendar().monthdatescalendar(year, month)
    return [[cell(day) for day in row] for row in rows]
