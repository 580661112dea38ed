"""Encryption of single values, blind indexes for looking them up, fingerprints for the audit trail.

A sealed value reads ``g1.<key id>.<base64url(nonce | ciphertext | tag)>``: AES-256-GCM (NIST SP 800-38D)
with a random 96-bit nonce, which is safe for 2³² values per key. What the value belongs to (its table and
column) is authenticated with it, so that it cannot be moved elsewhere unnoticed.

Keys come from the setting ``CAMPUSHUB_ENCRYPTION_KEYS``: the first encrypts, every one of them decrypts.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

VERSION = "g1"
NONCE_BYTES = 12


class DecryptionError(Exception):
    """A sealed value cannot be opened: it was changed, moved, truncated, or its key is not in the ring."""


def encrypt(text: str, *, context: str) -> str:
    """Seal `text` with the current key for use in `context` only.

    Raises UnicodeEncodeError for text that has no UTF-8 form (lone surrogates).
    """
    key_id, key = next(iter(settings.CAMPUSHUB_ENCRYPTION_KEYS.items()))
    nonce = os.urandom(NONCE_BYTES)
    sealed = _cipher(key).encrypt(nonce, text.encode(), context.encode())
    return f"{VERSION}.{key_id}.{_encode(nonce + sealed)}"


def decrypt(token: str, *, context: str) -> str:
    """Open what `encrypt` sealed for the same context. Raises DecryptionError, never returns a guess."""
    version, key_id, payload = _split(token)
    if version != VERSION:
        raise DecryptionError("The value is not encrypted in a known format.")
    key = settings.CAMPUSHUB_ENCRYPTION_KEYS.get(key_id)
    if key is None:
        raise DecryptionError(f"The value was encrypted with the key “{key_id}”, which is not configured.")
    raw = _decode(payload)
    try:
        return _cipher(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode()).decode()
    except (InvalidTag, ValueError):
        raise DecryptionError(f"The value was changed, or does not belong to {context}.") from None


def key_id_of(token: str) -> str:
    """The id of the key that sealed the value: what key rotation looks at. Raises DecryptionError."""
    return _split(token)[1]


def blind_index(value: str, *, purpose: str) -> str:
    """HMAC-SHA256 (64 hex digits) by which equal values are found without being stored.

    `purpose` keeps indexes of different columns from being compared with each other.
    """
    message = f"{purpose}\x1f{value}".encode()
    return hmac.new(settings.CAMPUSHUB_BLIND_INDEX_KEY, message, hashlib.sha256).hexdigest()


def fingerprint(value: str) -> str:
    """What the audit trail shows for a personal value: the same for the same value, otherwise unreadable.

    ``fp:`` and 96 bits of the blind index in hex: enough to see whether two entries speak of one value.
    """
    return "fp:" + blind_index(value, purpose="audit.fingerprint")[:24]


@lru_cache(maxsize=64)
def _cipher(key: bytes) -> AESGCM:
    # Setting up the key schedule costs more than encrypting a phone number.
    return AESGCM(key)


def _split(token: str) -> tuple[str, str, str]:
    parts = token.split(".")
    if len(parts) != 3:
        raise DecryptionError("The value is not encrypted.")
    return parts[0], parts[1], parts[2]


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(payload: str) -> bytes:
    try:
        raw = urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    except (binascii.Error, ValueError):
        raise DecryptionError("The value was truncated or is not base64.") from None
    # Python's decoder skips foreign characters and ignores spare bits: one value, one spelling.
    if _encode(raw) != payload:
        raise DecryptionError("The value was changed: its base64 is not canonical.")
    return raw
