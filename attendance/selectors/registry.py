"""The readers of a school as its office sees them: whether they live, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from accounts.models import School
from attendance.enums import ReadingState
from attendance.models import BiometricDevice, DeviceEvent

#: Readers call every minute or so: who has been silent for so long is asked about.
SILENT_AFTER = timedelta(minutes=15)
#: A clock that is wrong by more makes people late who are not (seconds).
CLOCK_TOLERANCE = 60


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader with its health: ``alive``, ``silent``, ``never`` called or switched ``off``; numbers and commands."""

    device: BiometricDevice
    health: str
    clock_wrong: bool
    pins: int
    commands: int
    unmatched: int


def readers(school: School, *, now: datetime) -> list[Reader]:
    """All of a school, those that need somebody first. Two queries."""
    found = with_counts(BiometricDevice.objects.filter(school=school)).order_by("serial")
    waiting = dict(
        DeviceEvent.objects.filter(school=school, state=ReadingState.UNMATCHED)
        .values_list("device")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return sorted(
        (reader(device, unmatched=waiting.get(device.pk, 0), now=now) for device in found),
        key=lambda one: (_ORDER[one.health], str(one.device)),
    )


def with_counts(devices: QuerySet[BiometricDevice]) -> QuerySet[BiometricDevice]:
    """Each row knows `pins_known` and `commands_waiting`."""
    return devices.select_related("school__attendance_configuration", "room").annotate(
        pins_known=Count("pins", distinct=True),
        commands_waiting=Count("commands", filter=Q(commands__answered_at__isnull=True), distinct=True),
    )


def reader(device: BiometricDevice, *, unmatched: int, now: datetime) -> Reader:
    """One that `with_counts` has loaded."""
    return Reader(
        device,
        _health(device, now),
        abs(device.clock_offset) > CLOCK_TOLERANCE,
        device.pins_known,  # type: ignore[attr-defined] # annotated
        device.commands_waiting,  # type: ignore[attr-defined] # annotated
        unmatched,
    )


_ORDER = {"silent": 0, "never": 1, "alive": 2, "off": 3}


def _health(device: BiometricDevice, now: datetime) -> str:
    if not device.is_active:
        return "off"
    if device.last_seen_at is None:
        return "never"
    return "alive" if now - device.last_seen_at <= SILENT_AFTER else "silent"
