"""Cells of a row as values. A cell that cannot be one is a problem in the report; the row is then bad.

`Cells` reads one row: each method answers the value, or None when the cell is empty or wrong.
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from academics.services import numbers
from academics.services.imports.reading import Row
from academics.services.imports.report import Report

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(:00)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,4}", re.ASCII)
_PHONE = re.compile(r"\+?[\d ().-]{5,31}", re.ASCII)

_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Cells:
    """The cells of one row. `good` turns False with the first wrong one."""

    def __init__(self, row: Row, report: Report) -> None:
        self.row = row
        self.report = report
        self.good = True

    def refuse(self, column: str, reason: str | Promise, *, code: str = "invalid", value: Any = None) -> None:
        self.good = False
        self.report.add(
            self.row.line, column, self.row.get(column) if value is None else value, reason, code=code
        )

    def required(self, column: str) -> str:
        """The cell's text; an empty one is wrong."""
        text = self.row.get(column)
        if not text:
            self.refuse(column, _("This cell must not be empty."), code="required")
        return text

    def text(self, column: str, longest: int, *, required: bool = False) -> str:
        """Text with single spaces, of at most `longest` characters. Whatever looks like a formula is text."""
        text = " ".join((self.required(column) if required else self.row.get(column)).split())
        if len(text) > longest:
            reason = _("At most %(longest)s characters are possible, this has %(length)s.")
            self.refuse(column, reason % {"longest": longest, "length": len(text)}, code="too_long")
            return ""
        return text

    def number(self, column: str) -> str:
        """An enrollment or employee number in canonical form."""
        text = numbers.canonical(self.required(column))
        if text and not numbers.is_number(text):
            self.refuse(column, _("Expected at most 30 letters, digits, dots, slashes or hyphens."))
            return ""
        return text

    def email(self, column: str) -> str:
        text = self.row.get(column)
        if not text:
            return ""
        try:
            validate_email(text)
        except ValidationError:
            self.refuse(column, _("Expected an address such as name@example.edu."))
            return ""
        if len(text) > 254:
            self.refuse(column, _("The address is too long."), code="too_long")
            return ""
        return text

    def phone(self, column: str) -> str | None:
        text = self.row.get(column)
        if text and not _PHONE.fullmatch(text):
            self.refuse(column, _("Expected a phone number such as +91 98480 22338."))
            return None
        return text or None

    def whole(self, column: str, low: int, high: int) -> int | None:
        text = self.row.get(column)
        if not text:
            return None
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            reason = _("Expected a whole number from %(low)s to %(high)s.")
            self.refuse(column, reason % {"low": low, "high": high})
            return None
        return int(text)

    def day(self, column: str, earliest: date, latest: date, *, required: bool = False) -> date | None:
        """A date as YYYY-MM-DD between two others."""
        text = self.required(column) if required else self.row.get(column)
        if not text:
            return None
        try:
            found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
        except ValueError:
            found = None
        if found is None:
            self.refuse(column, _("Expected a date that exists, as YYYY-MM-DD."))
        elif not earliest <= found <= latest:
            reason = _("Expected a date from %(earliest)s to %(latest)s.")
            self.refuse(column, reason % {"earliest": earliest, "latest": latest})
        else:
            return found
        return None

    def clock(self, column: str) -> time | None:
        """A wall-clock time as HH:MM."""
        text = self.required(column)
        if not text:
            return None
        match = _TIME.fullmatch(text)
        if match is None:
            self.refuse(column, _("Expected a time as HH:MM, from 00:00 to 23:59."))
            return None
        return time(int(match[1]), int(match[2]))

    def weekday(self, column: str) -> int | None:
        """ISO weekday from its English name, its first three letters, or 1 (Monday) to 7."""
        text = self.required(column).lower()
        if not text:
            return None
        for iso, name in enumerate(_WEEKDAYS, start=1):
            if text in {name, name[:3], str(iso)}:
                return iso
        self.refuse(column, _("Expected a weekday such as monday."))
        return None
