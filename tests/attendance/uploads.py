"""Uploads of marks that were made without network, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from attendance.models import Session
from attendance.services import offline
from attendance.services.offline import Entry, Result, Upload
from core.ids import uuid7

DEVICE = "tablet-7"


def entry(
    session: Session, student: Any, status: str | None = "present", *, at: datetime, **more: Any
) -> Entry:
    """A mark by hand, unless another source is named. `student` is one, or an enrollment number."""
    values = {"client_id": uuid7(), "source": "manual", "session": session.pk, **more}
    number = student if isinstance(student, str) else student.enrollment_no
    return Entry(student=number, status=status, captured_at=at, **values)


def send(
    entries: Sequence[Entry],
    *,
    by: User,
    now: datetime,
    fast: timedelta = timedelta(),
    device: str = DEVICE,
    **more: Any,
) -> list[Result]:
    """Upload them by a device whose clock is so much fast."""
    upload = Upload(batch_id=uuid7(), device_id=device, client_now=now + fast, entries=entries)
    return offline.sync(school=more.pop("school", by.school), upload=upload, by=by, now=now)


def told(results: Sequence[Result]) -> list[str]:
    """Outcomes in few words: ``created``, ``rejected session_locked``..."""
    return [f"{result.outcome} {result.code}".strip() for result in results]
