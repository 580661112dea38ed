"""Scan requests as the API makes them, for tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from academics.models import Student
from attendance.models import Session
from attendance.services.scanning import ScanRequest


def request_of(session: Session, student: Student, *, at: datetime, **changes: Any) -> ScanRequest:
    """A genuine scan of the session's current code by this student, from a device of their own."""
    values: dict[str, Any] = {
        "session_id": session.pk,
        "school_id": session.school_id,
        "generation": session.qr_generation,
        "captured_at": at,
        "user_id": student.user_id,
        "device_key": f"b{student.pk}",
        **changes,
    }
    return ScanRequest(**values)


def students_of(session: Session) -> list[Student]:
    """The roster in the order of enrollment numbers."""
    return list(
        Student.objects.filter(enrollments__section__sessions=session).order_by("enrollment_no").distinct()
    )
