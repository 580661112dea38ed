"""Bringing timetables and historic marks in from files."""

from __future__ import annotations

from attendance.services.imports.attendance import import_attendance
from attendance.services.imports.timetable import import_timetable

__all__ = ["import_attendance", "import_timetable"]
