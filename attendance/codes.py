"""What the class screen shows and what a phone carries away from it: codes and tickets.

A **code** is ``base64url(session 16 | school 4 | generation 4 | step start 4 | rotation 2 | mac 16)``; the MAC is
HMAC-SHA256, cut to 128 bits (RFC 2104 §5), under a key derived per school and session. Rotation travels inside,
so a code is judged without reading anything; generation and life are compared with the session's row later.

A **ticket** is what a browser keeps, in a signed HttpOnly cookie, after it opened a fresh code: it remembers the
moment, so that signing in first costs nobody their place. It belongs to one browser (the device cookie).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID, uuid4

from django.conf import settings
from django.core import signing

from attendance.errors import CodeExpired, CodeInvalid, DeviceRequired

_BODY = struct.Struct(">16sIIIH")
_MAC_BYTES = 16
_TOKEN_CHARS = 4 * ((_BODY.size + _MAC_BYTES + 2) // 3)

TICKET_LIFE = timedelta(minutes=5)
DEVICE_COOKIE = "campushub_device"
TICKET_COOKIE = "campushub_ticket"


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was issued by this site: who it is for and since when it is shown.

    `rotation` is in seconds; 0 means the code does not change within its generation.
    """

    session_id: UUID
    school_id: int
    generation: int
    step_start: int
    rotation: int

    @property
    def valid_until(self) -> datetime | None:
        """The end of its own step and the next one; None for a static code."""
        if not self.rotation:
            return None
        return datetime.fromtimestamp(self.step_start + 2 * self.rotation, UTC)

    @property
    def shown_until(self) -> datetime | None:
        """When the screen shows the next one; None for a static code."""
        if not self.rotation:
            return None
        return datetime.fromtimestamp(self.step_start + self.rotation, UTC)

    @property
    def step(self) -> int:
        return self.step_start // self.rotation if self.rotation else 0


def code_at(*, session_id: UUID, school_id: int, generation: int, rotation: int, now: datetime) -> Code:
    """The code that the screen shows at `now`."""
    seconds = int(now.timestamp())
    start = seconds - seconds % rotation if rotation else 0
    return Code(session_id, school_id, generation, start, rotation)


def encode(code: Code) -> str:
    """The code as it stands in the URL."""
    body = _BODY.pack(code.session_id.bytes, code.school_id, code.generation, code.step_start, code.rotation)
    return base64.urlsafe_b64encode(body + _mac(code.school_id, code.session_id, body)).decode().rstrip("=")


def decode(token: str) -> Code:
    """The code a token stands for, if this site signed it. Raises CodeInvalid."""
    if len(token) > _TOKEN_CHARS or not token.isascii():
        raise CodeInvalid
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        session, school_id, generation, step_start, rotation = _BODY.unpack(raw[: _BODY.size])
    except (binascii.Error, ValueError, struct.error):
        raise CodeInvalid from None
    session_id = UUID(bytes=session)
    if not hmac.compare_digest(raw[_BODY.size :], _mac(school_id, session_id, raw[: _BODY.size])):
        raise CodeInvalid
    # One spelling per code: stray bits in the last character would be a second one.
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != token.rstrip("="):
        raise CodeInvalid
    return Code(session_id, school_id, generation, step_start, rotation)


def check_fresh(code: Code, *, now: datetime) -> None:
    """The shown code and the one before it pass. Raises CodeExpired, or CodeInvalid for one from the future."""
    if not code.rotation:
        return
    age = now.timestamp() - code.step_start
    if age >= 2 * code.rotation:
        raise CodeExpired
    # One step ahead is another machine's clock; more is nobody's.
    if age < -code.rotation:
        raise CodeInvalid


def url_of(token: str) -> str:
    """What the QR code contains: enough for a phone's own camera."""
    return f"{settings.PUBLIC_URL}/s/{token}"


@lru_cache(maxsize=4096)
def _key(school_id: int, session_id: UUID) -> bytes:
    master = hmac.digest(settings.SECRET_KEY.encode(), b"campushub attendance code v1", hashlib.sha256)
    return hmac.digest(master, b"%d|%s" % (school_id, session_id.bytes), hashlib.sha256)


def _mac(school_id: int, session_id: UUID, body: bytes) -> bytes:
    return hmac.digest(_key(school_id, session_id), body, hashlib.sha256)[:_MAC_BYTES]


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to redeem one opened code: for one browser, once, within `TICKET_LIFE` of `opened_at`."""

    session_id: UUID
    school_id: int
    generation: int
    opened_at: datetime
    nonce: UUID
    device: str


_tickets = signing.Signer(salt="campushub.attendance.ticket")
_devices = signing.Signer(salt="campushub.attendance.device")


def issue_ticket(code: Code, *, device: str, now: datetime) -> str:
    """A ticket for a code that was just found fresh, as a signed cookie value."""
    return _tickets.sign_object(
        {
            "s": str(code.session_id),
            "c": code.school_id,
            "g": code.generation,
            "o": now.timestamp(),
            "n": str(uuid4()),
            "d": device,
        }
    )


def read_ticket(value: str, *, device: str | None, now: datetime) -> Ticket:
    """The ticket behind a cookie value.

    Raises CodeInvalid for one that is not ours, DeviceRequired without the device cookie it was given with,
    CodeExpired when its five minutes are over.
    """
    try:
        raw = _tickets.unsign_object(value)
        ticket = Ticket(
            session_id=UUID(raw["s"]),
            school_id=int(raw["c"]),
            generation=int(raw["g"]),
            opened_at=datetime.fromtimestamp(raw["o"], UTC),
            nonce=UUID(raw["n"]),
            device=str(raw["d"]),
        )
    except (signing.BadSignature, KeyError, ValueError, TypeError):
        raise CodeInvalid from None
    if device is None or not hmac.compare_digest(ticket.device, device):
        raise DeviceRequired
    if not timedelta(0) <= now - ticket.opened_at <= TICKET_LIFE:
        raise CodeExpired
    return ticket


def new_device() -> str:
    """A device name for a browser that has none."""
    return str(uuid4())


def sign_device(device: str) -> str:
    """The device name as a cookie value that the browser cannot make up."""
    return _devices.sign(device)


def read_device(value: str | None) -> str | None:
    """The device name behind a cookie value; None when it is missing or not ours."""
    if not value:
        return None
    try:
        return _devices.unsign(value)
    except signing.BadSignature:
        return None


def device_key(device: str, *, kind: str) -> str:
    """What stands in the record: tells devices apart, names none. `kind` is ``browser`` or ``api``."""
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"{kind}|{device}".encode(), hashlib.sha256)
    return f"{kind[0]}{digest.hex()[:40]}"
