"""Timetable, class sessions, records and what is computed from them."""

from __future__ import annotations

from attendance.models.calendar import Holiday, SlotException, SlotOccupancy, TimetableSlot
from attendance.models.configuration import AttendanceConfiguration
from attendance.models.records import AttendanceRecord, AttendanceStatistics, ScanTicketUse
from attendance.models.sessions import Session, SessionOccupancy

__all__ = [
    "AttendanceConfiguration",
    "AttendanceRecord",
    "AttendanceStatistics",
    "Holiday",
    "ScanTicketUse",
    "Session",
    "SessionOccupancy",
    "SlotException",
    "SlotOccupancy",
    "TimetableSlot",
]
