"""Timetable, class sessions, records and what is computed from them."""

from __future__ import annotations

from attendance.models.anomalies import AnomalyDismissal, RefusedScan
from attendance.models.calendar import Holiday, SlotException, SlotOccupancy, TimetableSlot
from attendance.models.configuration import AttendanceConfiguration
from attendance.models.devices import (
    BiometricDevice,
    BiometricTemplate,
    DeviceCommand,
    DeviceEvent,
    DevicePin,
    UnknownDevice,
)
from attendance.models.exports import ExportJob
from attendance.models.offline import SyncBatch, SyncConflict, SyncEntry
from attendance.models.records import (
    AttendanceRecord,
    AttendanceStatistics,
    ScanTicketUse,
    SummaryRefresh,
)
from attendance.models.requests import CondonationRequest, CorrectionRequest, LeaveApplication, LeaveSession
from attendance.models.retention import HeldRecord, LegalHold
from attendance.models.sessions import Session, SessionOccupancy

__all__ = [
    "AnomalyDismissal",
    "AttendanceConfiguration",
    "AttendanceRecord",
    "AttendanceStatistics",
    "BiometricDevice",
    "BiometricTemplate",
    "CondonationRequest",
    "CorrectionRequest",
    "DeviceCommand",
    "DeviceEvent",
    "DevicePin",
    "ExportJob",
    "HeldRecord",
    "Holiday",
    "LeaveApplication",
    "LeaveSession",
    "LegalHold",
    "RefusedScan",
    "ScanTicketUse",
    "Session",
    "SessionOccupancy",
    "SlotException",
    "SlotOccupancy",
    "SummaryRefresh",
    "SyncBatch",
    "SyncConflict",
    "SyncEntry",
    "TimetableSlot",
    "UnknownDevice",
]
