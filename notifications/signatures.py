"""How a receiver knows that a webhook is ours: HMAC-SHA256 over ``<timestamp>.<body>`` (docs/webhooks.md)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

#: Seconds by which a receiver's clock may differ; what is older is a replay.
TOLERANCE = 300
SIGNATURE = "X-CampusHub-Signature"
TIMESTAMP = "X-CampusHub-Timestamp"


def sign(secrets: Iterable[str], *, timestamp: int, body: bytes) -> str:
    """The value of the header: ``v1=<hex>`` for each secret, by commas; two while a secret is being changed."""
    return ",".join(f"v1={_mac(secret, timestamp, body)}" for secret in secrets)


def verify(secret: str, *, header: str, timestamp: str, body: bytes, now: int) -> bool:
    """Whether the body was signed with the secret, not longer ago than `TOLERANCE`. What a receiver does."""
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(now - int(timestamp)) > TOLERANCE:
        return False
    wanted = _mac(secret, int(timestamp), body)
    versions = (part.partition("=") for part in header.split(","))
    return any(name == "v1" and hmac.compare_digest(value, wanted) for name, _sign, value in versions)


def _mac(secret: str, timestamp: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
