"""Marks made without network in the demo: some that somebody has to decide about, and one that came too late."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from accounts.models import User
from attendance.demo.campus import Campus
from attendance.enums import SessionStatus, Source, Status
from attendance.models import AttendanceRecord, Session
from attendance.services import offline
from attendance.services.offline import Entry, Upload

_MINUTE = timedelta(minutes=1)
_CONFLICTS = 3


def upload(campus: Campus, *, seed: int) -> int:
    """In the last closed class of the `faculty` who signs in the office was faster; returns the conflicts made."""
    teacher = User.objects.filter(school=campus.school, username="faculty").first()
    office = User.objects.filter(school=campus.school, role="admin").order_by("pk").first()
    if teacher is None or office is None:
        return 0
    taught = Session.objects.taught_by(teacher).filter(status=SessionStatus.CLOSED)
    session = taught.order_by("-starts_at", "pk").first()
    if session is None:
        return 0
    scanned = AttendanceRecord.objects.filter(
        session=session, held_on=session.held_on, status=Status.PRESENT
    ).exclude(source=Source.MANUAL)
    numbers = list(
        scanned.order_by("student__enrollment_no").values_list("student__enrollment_no", flat=True)
    )

    def send(by: User, device: str, status: str, minute: int, late: timedelta) -> list[offline.Result]:
        at = session.starts_at + minute * _MINUTE
        entries = [
            Entry(_id(seed, device, number), session.pk, number, status, Source.MANUAL.value, at)
            for number in numbers[:_CONFLICTS]
        ]
        now: datetime = session.ends_at + late
        batch = _id(seed, device)
        return offline.sync(school=campus.school, upload=Upload(batch, device, now, entries), by=by, now=now)

    send(office, "office-laptop", Status.LATE.value, 12, _MINUTE)
    send(teacher, "spare-phone", Status.EXCUSED.value, 2, timedelta(hours=5))
    results = send(teacher, "phone", Status.ABSENT.value, 4, 5 * _MINUTE)
    return sum(result.conflict is not None for result in results)


def _id(*parts: object) -> UUID:
    """The same for the same seed."""
    return uuid5(NAMESPACE_OID, "/".join(map(str, parts)))
