"""Calls of readers: that they live, what they fetch, and those that nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from attendance.iclock import set_time
from attendance.models import BiometricDevice, DeviceCommand, UnknownDevice
from audit.services.entries import operation

#: Anybody can call with any number: so many are enough to look through.
MOST_UNKNOWN = 500
#: What was fetched and not answered for so long is fetched again.
_RESEND = timedelta(minutes=10)
#: Readers read an answer into a small buffer.
_AT_ONCE = 50


def seen(*, device: BiometricDevice, stamp: str = "", firmware: str = "", now: datetime) -> None:
    """The reader has called; with `stamp`, its log is known as far as that."""
    changes: dict[str, object] = {"last_seen_at": now}
    if stamp:
        changes["log_stamp"] = stamp[:20]
    if firmware:
        changes["firmware"] = firmware[:100]
    BiometricDevice.objects.filter(pk=device.pk).update(**changes)


@transaction.atomic
def meet_unknown(*, serial: str, address: str | None, now: datetime) -> None:
    """Remember a serial number that nobody has registered, for the office to look at."""
    known = UnknownDevice.objects.filter(serial=serial)
    if known.update(last_seen_at=now, address=address, count=F("count") + 1):
        return
    if UnknownDevice.objects.count() >= MOST_UNKNOWN:
        return
    first = UnknownDevice(serial=serial, first_seen_at=now, last_seen_at=now, address=address)
    UnknownDevice.objects.bulk_create([first], ignore_conflicts=True)


@transaction.atomic
def fetch_commands(*, device: BiometricDevice, now: datetime) -> list[tuple[int, str]]:
    """(id, text) of what the reader is to do now, in the order in which it was asked for."""
    fresh = Q(sent_at__isnull=True) | Q(sent_at__lte=now - _RESEND)
    due = list(
        DeviceCommand.objects.select_for_update(skip_locked=True)
        .filter(fresh, device=device, answered_at__isnull=True)
        .order_by("pk")[:_AT_ONCE]
    )
    DeviceCommand.objects.filter(pk__in=[command.pk for command in due]).update(sent_at=now)
    return [(command.pk, command.text or set_time(device.school.tz, now)) for command in due]


@transaction.atomic
def take_answers(*, device: BiometricDevice, answers: Sequence[tuple[int, int]], now: datetime) -> int:
    """What became of commands; returns how many were waiting for it. A clock that was set is right from now on."""
    results = dict(answers)
    waiting = list(
        DeviceCommand.objects.select_for_update().filter(
            device=device, pk__in=results, sent_at__isnull=False, answered_at__isnull=True
        )
    )
    for command in waiting:
        command.answered_at, command.result = now, results[command.pk]
    DeviceCommand.objects.bulk_update(waiting, ["answered_at", "result"])
    right = any(command.text == "" and command.result == 0 for command in waiting)
    if right and device.clock_offset:
        BiometricDevice.objects.filter(pk=device.pk).update(clock_offset=0)
        with operation(by=None, at=now) as op:
            op.record(
                "device.update",
                device,
                school_id=device.school_id,
                before={"clock_offset": device.clock_offset},
                after={"clock_offset": 0},
            )
    return len(waiting)
