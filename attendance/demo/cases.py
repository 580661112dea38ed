"""What the office of the demo has to look at: scans that stand out, readers that live or are silent, a stranger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from academics.models import Student
from accounts.models import User
from attendance.demo.campus import Campus
from attendance.demo.catalogue import STRANGER
from attendance.enums import DeviceKind, RefusedCode, SessionStatus, Source
from attendance.iclock import Reading
from attendance.models import AttendanceRecord, BiometricDevice, RefusedScan, Session, UnknownDevice
from attendance.services import configuration, device_calls, devices, readings

_PINS, _UNKNOWN_PINS = 24, ("901", "902")


@transaction.atomic
def make(campus: Campus, *, now: datetime) -> int:
    """The same in every demo; how many scans stand out."""
    office = User.objects.filter(school=campus.school, role="admin").order_by("pk").first()
    held = _held_by_the_one_who_signs_in(campus)
    if office is None or len(held) < 2:
        return 0
    _readers(campus, office, now=now)
    return _scans(held)


def forget_stranger() -> None:
    """It is of no school, so nothing takes it along."""
    UnknownDevice.objects.filter(serial=STRANGER).delete()


def _held_by_the_one_who_signs_in(campus: Campus) -> list[Session]:
    login = campus.plan.logins.get("faculty", "")
    held = Session.objects.filter(
        school=campus.school, faculty__user__username=login, status__in=SessionStatus.counted()
    )
    return list(held.order_by("-starts_at")[:2])


def _scans(held: Sequence[Session]) -> int:
    """One phone in two classes, somebody at the edge, some from outside and some after the end."""
    last, before = held
    here = [_scanned(session) for session in (last, before)]
    if min(map(len, here)) < 8:
        return 0
    for session, record in ((last, here[0][1]), (before, here[1][2])):
        _of(session, record).update(device_key="demo-phone-1")
    _of(last, here[0][3]).update(
        location={"latitude": 16.5074, "longitude": 80.6480, "accuracy": 46.0, "distance": 133.4,
                  "radius": 100, "allowance": 46.0}
    )  # fmt: skip
    outside = {"latitude": 16.5190, "longitude": 80.6301, "accuracy": 18.0, "distance": 2377.0, "radius": 100,
               "allowance": 18.0}  # fmt: skip
    refused = [
        *_refused(last, here[0][4:6], RefusedCode.OUTSIDE, last.starts_at + timedelta(minutes=4), outside),
        *_refused(before, here[1][4:8], RefusedCode.NOT_OPEN, before.ends_at + timedelta(minutes=2)),
    ]
    RefusedScan.objects.bulk_create(refused)
    return len(refused) + 3


def _scanned(session: Session) -> list[AttendanceRecord]:
    found = AttendanceRecord.objects.filter(session=session, held_on=session.held_on, source=Source.QR)
    return list(found.order_by("student__enrollment_no"))


def _of(session: Session, record: AttendanceRecord) -> QuerySet[AttendanceRecord]:
    found: QuerySet[AttendanceRecord] = AttendanceRecord.objects.filter(pk=record.pk, held_on=session.held_on)
    return found


def _refused(
    session: Session,
    records: Iterable[AttendanceRecord],
    code: RefusedCode,
    at: datetime,
    location: dict[str, float] | None = None,
) -> Iterable[RefusedScan]:
    for number, record in enumerate(records):
        yield RefusedScan(
            school_id=session.school_id,
            session=session,
            student_id=record.student_id,
            code=code,
            at=at + timedelta(seconds=7 * number),
            location=location,
        )


def _readers(campus: Campus, office: User, *, now: datetime) -> None:
    """One at a gate that lives and knows some students, one in a room that has been silent since yesterday."""
    rules = configuration.ensure(campus.school)
    configuration.update(
        configuration=rules, changes={"biometric_enabled": True}, version=rules.version, by=office, now=now
    )
    school = campus.school
    gate = devices.register(
        school=school,
        serial=f"CKUH2110{school.pk:05d}",
        kind=DeviceKind.FINGERPRINT,
        name="Main gate",
        allowed_networks=["10.20.0.0/16"],
        by=office,
        now=now - timedelta(days=30),
    ).device
    lab = devices.register(
        school=school,
        serial=f"OID7030056{school.pk:05d}",
        kind=DeviceKind.FACE,
        name="Library",
        room=campus.rooms[0] if campus.rooms else None,
        clock_offset=95,
        by=office,
        now=now - timedelta(days=12),
    ).device
    students: list[Student] = campus.students[:_PINS]
    pins = [devices.Pin(str(1001 + number), student) for number, student in enumerate(students)]
    devices.assign_pins(device=gate, pins=pins, by=office, now=now)
    gate.refresh_from_db()
    told = [Reading(now - timedelta(hours=2, minutes=7 * n), pin=pin) for n, pin in enumerate(_UNKNOWN_PINS)]
    readings.take(device=gate, readings=told, now=now)
    devices.set_clock(device=lab, by=office, now=now)
    device_calls.seen(device=gate, firmware="Ver 8.0.4.3-20190926", now=now)
    BiometricDevice.objects.filter(pk=lab.pk).update(
        last_seen_at=now - timedelta(days=1), firmware="ZAM170-NF-1.5.9"
    )
    device_calls.meet_unknown(serial=STRANGER, address="10.20.4.77", now=now)
