"""Uploads of marks that were made without network, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from attendance.models import Session, SyncConflict
from attendance.services import offline
from attendance.services.offline import Entry, Result, Upload
from core.ids import uuid7
from tests.factories import UserFactory

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


def conflict_of(
    session: Session, student: Any, *, now: datetime, incoming: str = "absent", **more: Any
) -> Any:
    """A conflict: the office marked the student late at 9 minutes past `now`, the teacher otherwise at 3 past."""
    office = more.pop("office", None) or UserFactory(school=session.school)
    first = entry(session, student, "late", at=now + timedelta(minutes=9))
    send([first], by=office, now=now + timedelta(minutes=10), device="phone-1")
    second = entry(session, student, incoming, at=now + timedelta(minutes=3))
    by = more.pop("by", None) or session.faculty.get().user
    (result,) = send([second], by=by, now=now + timedelta(minutes=20))
    return SyncConflict.objects.get(pk=result.conflict)
