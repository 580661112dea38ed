"""Which reader is calling: by its key, or by its serial number from a network of its own."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable

from django.db.models import QuerySet

from attendance.models import BiometricDevice
from core.crypto import blind_index


def hash_of(key: str) -> str:
    """What is kept of a key. Keys are long and random, so one round of HMAC is enough."""
    return blind_index(key, purpose="attendance.device_key")


def by_key(key: str) -> BiometricDevice | None:
    """The active reader with this key. One query."""
    return _active().filter(key_hash=hash_of(key)).first()


def by_serial(serial: str) -> BiometricDevice | None:
    """The reader with this serial number, active or not. One query."""
    found: BiometricDevice | None = (
        BiometricDevice.objects.select_related("school__attendance_configuration")
        .filter(serial=serial)
        .first()
    )
    return found


def vouched_for(device: BiometricDevice, *, address: str | None, key: str | None) -> bool:
    """Whether a call is the reader's own: it comes from one of its networks, or knows its key."""
    if key is not None:
        return hmac.compare_digest(device.key_hash, hash_of(key))
    return address is not None and within(address, device.allowed_networks)


def within(address: str, networks: Iterable[str]) -> bool:
    known = ipaddress.ip_address(address)
    # An IPv4 reader may come by an IPv6 socket.
    known = getattr(known, "ipv4_mapped", None) or known
    return any(known in ipaddress.ip_network(network) for network in networks)


def _active() -> QuerySet[BiometricDevice]:
    return BiometricDevice.objects.select_related("school__attendance_configuration").filter(
        is_active=True, school__is_active=True
    )
