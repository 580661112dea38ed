"""Names of attendance's background tasks."""

from __future__ import annotations

OPEN_DUE = "attendance.open_due"
CLOSE_DUE = "attendance.close_due"
LOCK_DUE = "attendance.lock_due"
TELL_ABSENCES = "attendance.tell_absences"
GENERATE_FORTNIGHT = "attendance.generate_fortnight"
FORGET_TICKETS = "attendance.forget_tickets"
REFRESH_SUMMARIES = "attendance.refresh_summaries"
REMATCH_READINGS = "attendance.rematch_readings"
TELL_SHORTAGES = "attendance.tell_shortages"
APPLY_RETENTION = "attendance.apply_retention"
RUN_EXPORT = "attendance.run_export"
RESUME_EXPORTS = "attendance.resume_exports"
EXPIRE_EXPORTS = "attendance.expire_exports"
