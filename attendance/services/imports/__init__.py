"""Bringing a timetable in from a file."""

from __future__ import annotations

from attendance.services.imports.timetable import import_timetable

__all__ = ["import_timetable"]
