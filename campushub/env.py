"""Reading and judging the environment: what is missing or unsafe is one clear sentence at start."""

from __future__ import annotations

import base64
import binascii
import os
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

#: Values that stand in examples and must never protect a real site.
KNOWN_SECRETS = {"", "change-me", "changeme", "secret", "insecure"}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def number(name: str, default: int) -> int:
    value = text(name)
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not “{value}”.") from None


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty parts."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def key(name: str, *, length: int = 32) -> bytes:
    """A base64 key of at least `length` bytes. Raises ImproperlyConfigured."""
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: give it {length} random bytes in base64.")
    return _decode(name, value, length)


def key_ring(name: str) -> dict[str, bytes]:
    """``id:base64,id:base64`` as an ordered mapping; the first key encrypts, all of them decrypt."""
    ring: dict[str, bytes] = {}
    for part in words(name):
        ident, _, value = part.partition(":")
        if not ident.isalnum():
            raise ImproperlyConfigured(f"{name}: a key looks like “k1:base64”, not “{ident}”.")
        raw = _decode(name, value, 32)
        if len(raw) != 32:
            raise ImproperlyConfigured(f"{name}: key {ident} must have exactly 32 bytes.")
        ring[ident] = raw
    if not ring:
        raise ImproperlyConfigured(f"{name} is not set: personal data cannot be encrypted without a key.")
    return ring


def database(url: str, *, name: str) -> dict[str, Any]:
    """Django's settings for a ``postgresql://user:password@host:port/name`` address."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} must look like postgresql://user:password@host:5432/campushub.")
    return {
        "ENGINE": "core.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {"prepare_threshold": 5, "application_name": "campushub", "connect_timeout": 5},
    }


def _decode(name: str, value: str, length: int) -> bytes:
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ImproperlyConfigured(f"{name} is not base64.") from None
    if len(raw) < length or len(set(raw)) < 8:
        raise ImproperlyConfigured(f"{name} must be {length} random bytes in base64.")
    return raw
