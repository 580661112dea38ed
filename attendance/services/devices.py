"""The registry of readers: who they are, whom they know, and what they are told to do.

A reader's key is shown once, when it is made; kept is only what finds it again.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from academics.models import Room, Student
from academics.services.scope import same_school
from accounts.models import School, User
from attendance import errors
from attendance.enums import DeviceKind
from attendance.iclock import PIN, SERIAL, put_user
from attendance.models import BiometricDevice, DeviceCommand, DevicePin, UnknownDevice
from attendance.selectors.devices import hash_of
from attendance.services import readings
from audit.services.entries import changed, operation
from core.db import still_there
from core.errors import Invalid, NotFound

#: A clock that is wrong by more than a day was never set.
_FARTHEST = 24 * 3600
_CHANGEABLE = {"kind", "name", "room", "allowed_networks", "clock_offset", "firmware", "is_active"}


@dataclass(frozen=True, slots=True)
class Registered:
    """A reader and its new key, which nobody can show again."""

    device: BiometricDevice
    key: str


@dataclass(frozen=True, slots=True)
class Pin:
    """The number by which a reader knows a student; None: it knows nobody by it any more."""

    pin: str
    student: Student | None


@dataclass(frozen=True, slots=True)
class Assigned:
    """How many numbers changed, and how many readings found their class by it."""

    changed: int
    matched: int


@transaction.atomic
def register(
    *,
    school: School,
    serial: str,
    kind: str,
    name: str = "",
    room: Room | None = None,
    allowed_networks: Iterable[str] = (),
    clock_offset: int = 0,
    by: User,
    now: datetime,
) -> Registered:
    """Let a reader in. Raises DeviceExists, CrossSchool, Invalid."""
    if not SERIAL.fullmatch(serial):
        raise Invalid(attr="serial", detail=_("A serial number has letters and digits, at most 64."))
    if BiometricDevice.objects.filter(serial=serial).exists():
        raise errors.DeviceExists
    key = _new_key()
    device = BiometricDevice(school=school, serial=serial, key_hash=hash_of(key), key_rotated_at=now)
    values = {"kind": kind, "name": name, "room": room, "allowed_networks": allowed_networks}
    _set(device, {**values, "clock_offset": clock_offset})
    with operation(by=by, at=now) as op:
        device.save(force_insert=True)
        UnknownDevice.objects.filter(serial=serial).delete()
        op.record("device.register", device, school_id=school.pk, after={"serial": serial, **_facts(device)})
    return Registered(device, key)


@transaction.atomic
def accept(*, school: School, serial: str, kind: str, by: User, now: datetime, **values: Any) -> Registered:
    """Register a reader that has called already. Raises NotFound for one that has not, and what `register` raises."""
    if not UnknownDevice.objects.filter(serial=serial).exists():
        raise NotFound(what=_("reader"))
    return register(school=school, serial=serial, kind=kind, by=by, now=now, **values)


@transaction.atomic
def update(
    *, device: BiometricDevice, changes: Mapping[str, Any], by: User, now: datetime
) -> BiometricDevice:
    """Change what is known of a reader; its serial number stays. Raises CrossSchool, Invalid, NotFound."""
    device = _locked(device)
    before = _facts(device)
    _set(device, changes)
    after = _facts(device)
    if before != after:
        device.save()
        with operation(by=by, at=now) as op:
            op.record("device.update", device, school_id=device.school_id, **changed(before, after))
    return device


@transaction.atomic
def deactivate(*, device: BiometricDevice, by: User, now: datetime) -> BiometricDevice:
    """Switch a reader off: it is refused from now on. What it told stays. Harmless to repeat."""
    return update(device=device, changes={"is_active": False}, by=by, now=now)


@transaction.atomic
def rotate_key(*, device: BiometricDevice, by: User, now: datetime) -> Registered:
    """Give a reader another key; the old one is refused at once. Raises NotFound."""
    device = _locked(device)
    key = _new_key()
    before = device.key_rotated_at
    device.key_hash, device.key_rotated_at = hash_of(key), now
    device.save(update_fields=["key_hash", "key_rotated_at"])
    with operation(by=by, at=now) as op:
        op.record(
            "device.rotate_key",
            device,
            school_id=device.school_id,
            before={"key_of": before},
            after={"key_of": now},
        )
    return Registered(device, key)


@transaction.atomic
def assign_pins(*, device: BiometricDevice, pins: Sequence[Pin], by: User, now: datetime) -> Assigned:
    """Say whom the reader's numbers mean; readings that waited for it are matched. Raises CrossSchool, Invalid."""
    wanted: dict[str, Student | None] = {}
    for pin in pins:
        if not PIN.fullmatch(pin.pin) or pin.pin in wanted:
            raise Invalid(
                attr="pins", detail=_("“{pin}” is no number, or stands here twice.").format(pin=pin.pin)
            )
        same_school(device.school_id, student=pin.student)
        wanted[pin.pin] = pin.student
    device = _locked(device)
    kept = {row.pin: row.student_id for row in DevicePin.objects.filter(device=device, pin__in=wanted)}
    new = {pin: student for pin, student in wanted.items() if (student and student.pk) != kept.get(pin)}
    if not new:
        return Assigned(0, 0)
    DevicePin.objects.filter(device=device, pin__in=new).delete()
    DevicePin.objects.bulk_create(
        DevicePin(device=device, pin=pin, student=student)
        for pin, student in new.items()
        if student is not None
    )
    with operation(by=by, at=now) as op:
        op.record("device.assign_pins", device, school_id=device.school_id, after={"count": len(new)})
        outcome = readings.rematch(school=device.school, device=device, now=now)
    return Assigned(len(new), outcome.matched)


@transaction.atomic
def set_clock(*, device: BiometricDevice, by: User, now: datetime) -> DeviceCommand:
    """Have the reader set its clock when it asks next. Raises DeviceInactive."""
    return _queue(device, [""], by=by, now=now)[0]


@transaction.atomic
def push_users(*, device: BiometricDevice, by: User, now: datetime) -> int:
    """Have the reader learn its numbers, with the enrollment number for a name; returns how many. DeviceInactive."""
    known = device.pins.order_by("pin").values_list("pin", "student__enrollment_no")
    return len(_queue(device, [put_user(pin, number) for pin, number in known], by=by, now=now))


def _queue(device: BiometricDevice, texts: Sequence[str], *, by: User, now: datetime) -> list[DeviceCommand]:
    if not device.is_active:
        raise errors.DeviceInactive
    made = DeviceCommand.objects.bulk_create(
        DeviceCommand(device=device, text=text, created_at=now, created_by=by) for text in texts
    )
    if made:
        with operation(by=by, at=now) as op:
            op.record("device.command", device, school_id=device.school_id, after={"count": len(made)})
    return made


def _new_key() -> str:
    return secrets.token_urlsafe(32)


def _locked(device: BiometricDevice) -> BiometricDevice:
    found = BiometricDevice.objects.select_for_update(of=("self",)).select_related(
        "school__attendance_configuration", "room"
    )
    return still_there(found, device.pk)


def _set(device: BiometricDevice, values: Mapping[str, Any]) -> None:
    """Raises CrossSchool, Invalid."""
    for name, value in values.items():
        if name not in _CHANGEABLE:
            raise Invalid(attr=name, detail=_("This cannot be changed."))
        setattr(device, name, value)
    same_school(device.school_id, room=device.room)
    if device.kind not in DeviceKind.values:
        raise Invalid(attr="kind", detail=_("There is no such kind of reader."))
    for name in ("name", "firmware"):
        text = getattr(device, name)
        if len(text) > 100 or "\0" in text:
            raise Invalid(attr=name, detail=_("At most {n} characters.").format(n=100))
    if abs(device.clock_offset) > _FARTHEST:
        raise Invalid(attr="clock_offset", detail=_("A clock is wrong by a day at most."))
    device.allowed_networks = [_network(text) for text in device.allowed_networks]


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError:
        raise Invalid(
            attr="allowed_networks",
            detail=_("“{text}” is no network such as 10.20.0.0/16.").format(text=text[:60]),
        ) from None


def _facts(device: BiometricDevice) -> dict[str, Any]:
    """A reader's name is no personal field: it goes into the trail in clear, under a key that says so."""
    return {
        "kind": str(device.kind),
        "title": device.name,
        "room": device.room.code if device.room else None,
        "allowed_networks": list(device.allowed_networks),
        "clock_offset": device.clock_offset,
        "firmware": device.firmware,
        "is_active": device.is_active,
    }
