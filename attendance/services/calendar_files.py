"""Reading all-day events out of iCalendar files (RFC 5545), as calendars of many makers write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from icalendar import Calendar, Component, vRecur
from icalendar.error import BrokenCalendarProperty

from attendance.services.holidays import FIRST_YEAR, LAST_YEAR
from core.errors import Invalid

#: An all-day event of more days is a mistake.
LONGEST = timedelta(days=366)
#: Parts of a rule that repeats on one day a year.
_YEARLY = {"FREQ", "UNTIL", "COUNT", "INTERVAL", "BYMONTH", "BYMONTHDAY", "WKST"}


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that is no holiday, and why."""

    name: str
    reason: str


def all_day_events(
    content: bytes, *, first_year: int, last_year: int
) -> tuple[list[tuple[date, str]], list[Ignored]]:
    """``(day, name)`` in order, one per day, and what was left out.

    Of events that repeat yearly the years from `first_year` to `last_year` are taken; several on one day are
    joined. Raises Invalid for what is no calendar.
    """
    try:
        calendars = Calendar.from_ical(content, multiple=True)
    except ValueError as error:
        raise Invalid(attr="file", detail=_("That is not an iCalendar file (.ics).")) from error
    names: dict[date, list[str]] = {}
    ignored: list[Ignored] = []
    for event in (event for calendar in calendars for event in calendar.walk("VEVENT")):
        name = _name_of(event)
        try:
            days = list(_days_of(event, range(first_year, last_year + 1)))
        except _NotTaken as reason:
            ignored.append(Ignored(name, str(reason)))
            continue
        except BrokenCalendarProperty:
            # The library keeps a property that it cannot read, and says so when it is looked into.
            ignored.append(Ignored(name, _("its date cannot be read")))
            continue
        for day in days:
            if name not in names.setdefault(day, []):
                names[day].append(name)
    return [(day, "; ".join(found)) for day, found in sorted(names.items())], ignored


class _NotTaken(Exception):
    """Why an event is no holiday."""


def _name_of(event: Component) -> str:
    text = "".join(char if char.isprintable() else " " for char in str(event.get("SUMMARY", "")))
    return " ".join(text.split()) or _("Holiday")


def _days_of(event: Component, years: Iterable[int]) -> Iterator[date]:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        raise _NotTaken(_("it is cancelled"))
    start = _date_of(event.get("DTSTART"))
    length = _length_of(event, start)
    left_out = {
        _plain(item.dt) for found in _as_list(event.get("EXDATE")) for item in getattr(found, "dts", [])
    }
    for first in _starts_of(event, start, years):
        if first in left_out:
            continue
        for offset in range(length.days):
            yield first + timedelta(days=offset)


def _date_of(value: Any) -> date:
    """The date of a property. Raises _NotTaken for a time of day, or what is no date."""
    found = getattr(value, "dt", None)
    if isinstance(found, datetime):
        raise _NotTaken(_("it is not an all-day event"))
    if not isinstance(found, date) or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise _NotTaken(_("its date cannot be read"))
    return found


def _length_of(event: Component, start: date) -> timedelta:
    """Whole days; the end of an all-day event is the day after (RFC 5545, 3.6.1)."""
    if "DTEND" in event:
        length = _date_of(event["DTEND"]) - start
    else:
        length = getattr(event.get("DURATION"), "dt", None) or timedelta(days=1)
    if length > LONGEST:
        raise _NotTaken(_("it lasts longer than a year"))
    # Some calendars write an end on the first day itself.
    return max(timedelta(days=1), length)


def _starts_of(event: Component, start: date, years: Iterable[int]) -> Iterator[date]:
    rule = event.get("RRULE")
    if rule is None:
        yield start
        return
    if not isinstance(rule, vRecur):
        raise _NotTaken(_("its date cannot be read"))
    same_day = rule.get("BYMONTH", [start.month]) == [start.month] and rule.get(
        "BYMONTHDAY", [start.day]
    ) == [start.day]
    if rule.get("FREQ") != ["YEARLY"] or not set(rule) <= _YEARLY or not same_day:
        raise _NotTaken(_("it repeats, and not on one day a year"))
    interval = max(1, int(rule.get("INTERVAL", [1])[0]))
    until = _plain(rule.get("UNTIL", [date.max])[0])
    count = rule.get("COUNT", [None])[0]
    for year in years:
        steps, rest = divmod(year - start.year, interval)
        day = _in_year(start, year)
        if day is not None and steps >= 0 and not rest and day <= until and (count is None or steps < count):
            yield day


def _in_year(day: date, year: int) -> date | None:
    """The same day of another year; None for 29 February of most."""
    try:
        return day.replace(year=year)
    except ValueError:
        return None


def _plain(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
