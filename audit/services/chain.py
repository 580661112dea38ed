"""The arithmetic of seals: no database in here.

Over the entries of a seal, in order, runs ``h(i) = HMAC(key, h(i-1) | id(i) | digest(i))`` with HMAC-SHA256
(RFC 2104, FIPS 180-4), begun from the seal before. The manifest keeps of each entry its id and the first 8 bytes
of ``h(i)``; the seal's own MAC covers its fields and its manifest. So a seal can be checked by itself, even when
the entries of its year have been retired, and of the entries the first one that does not fit can be named.

Eight bytes are enough: without the key nobody can compute them, and guessing needs the verifier's answer each time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from datetime import UTC

from django.conf import settings

from audit.models import AuditSeal

#: What the first seal names as the one before it.
GENESIS = "0" * 64
_ID_BYTES, _MARK_BYTES = 16, 8
_ITEM_BYTES = _ID_BYTES + _MARK_BYTES
_FIELDS = ("year", "system_identifier", "from_xid", "upto_xid", "entries", "previous")


def start(previous: str) -> bytes:
    """The state before the first entry of a seal that follows the seal with the MAC `previous`."""
    return _hmac(b"campushub audit chain 1\0" + previous.encode())


def step(state: bytes, ident: bytes, digest: bytes) -> bytes:
    """The state after one more entry; `digest` is the SHA-256 of everything the entry says."""
    return _hmac(state + ident + digest)


def mark(state: bytes) -> bytes:
    """What a manifest keeps of a state."""
    return state[:_MARK_BYTES]


def manifest(previous: str, entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The manifest of a seal over ``(id, digest)`` pairs in order."""
    state, items = start(previous), bytearray()
    for ident, digest in entries:
        state = step(state, ident, digest)
        items += ident + mark(state)
    return bytes(items)


def items_of(packed: bytes) -> list[tuple[bytes, bytes]]:
    """The ``(id, mark)`` pairs, as bytes, of a manifest; what does not fill an item at its end is left out."""
    whole = len(packed) - len(packed) % _ITEM_BYTES
    return [
        (packed[at : at + _ID_BYTES], packed[at + _ID_BYTES : at + _ITEM_BYTES])
        for at in range(0, whole, _ITEM_BYTES)
    ]


def sign(seal: AuditSeal) -> str:
    """The MAC (64 hex digits) that belongs to the seal's fields and manifest."""
    fields = [str(getattr(seal, name)) for name in _FIELDS]
    fields.append(seal.sealed_at.astimezone(UTC).isoformat(timespec="microseconds"))
    header = json.dumps(fields).encode()
    return _hmac(b"campushub audit seal 1\0" + header + b"\0" + bytes(seal.manifest)).hex()


def readable(mac: str) -> str:
    """A MAC in groups, to be noted down; logs cut out long words, which could be secrets."""
    return " ".join(mac[at : at + 16] for at in range(0, len(mac), 16))


def is_whole(seal: AuditSeal) -> bool:
    """Whether nobody changed the seal's own row."""
    counted = len(seal.manifest) == seal.entries * _ITEM_BYTES
    return counted and hmac.compare_digest(sign(seal), seal.mac)


def _hmac(message: bytes) -> bytes:
    return hmac.digest(settings.CAMPUSHUB_AUDIT_SEAL_KEY, message, hashlib.sha256)
