"""Bringing timetables, historic marks and the numbers of readers in from files."""

from __future__ import annotations

from attendance.services.imports.attendance import import_attendance
from attendance.services.imports.pins import import_pins
from attendance.services.imports.timetable import import_timetable

__all__ = ["import_attendance", "import_pins", "import_timetable"]
