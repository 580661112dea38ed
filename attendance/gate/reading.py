"""Reading a scan from a WSGI request: what is plain and certain, or nothing.

Whatever is missing, odd or wrong is left to Django, which knows how to say so; here it only has a name, for the
counter of what the gate passed on.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from accounts.enums import Role
from attendance import codes
from attendance.services.scanning import ScanRequest
from core import clock, context, tokens
from core.errors import DomainError

#: A scan has some 200 bytes.
_LONGEST_BODY = 2048
_LONGEST_DEVICE = 200
_FIELDS = {"token", "latitude", "longitude", "accuracy", "device_id"}
_BOUNDS = {"latitude": (-90, 90), "longitude": (-180, 180), "accuracy": (0, 1e7)}
_CONTENT_TYPES = {"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"}


class NotForTheGate(Exception):
    """Django has to answer this request; the argument says why, for the counter."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that can be decided by the database: its code is genuine and fresh, its sender signed in."""

    request: ScanRequest
    school_id: int | None


def read(environ: dict[str, Any], *, known: context.RequestContext) -> Scan:
    """The scan in a request. Raises NotForTheGate; the body can then be read again from `environ`."""
    if environ.get("QUERY_STRING"):
        raise NotForTheGate("query")
    now = clock.now()
    claims = sender(environ, now, role=Role.STUDENT)
    fields = _fields(body_of(environ, longest=_LONGEST_BODY))
    try:
        code = codes.decode(fields["token"])
        codes.check_fresh(code, now=now)
    except DomainError as refusal:
        # Only Django knows whether the sender may still be told more than 401.
        raise NotForTheGate(refusal.code) from None
    device = fields.get("device_id")
    return Scan(
        ScanRequest(
            session_id=code.session_id,
            school_id=code.school_id,
            generation=code.generation,
            captured_at=now,
            user_id=claims.user_id,
            device_key=codes.device_key(device, kind="api") if device else None,
            latitude=fields.get("latitude"),
            longitude=fields.get("longitude"),
            accuracy=fields.get("accuracy"),
            ip=known.ip,
            request_id=known.request_id,
        ),
        claims.school_id,
    )


def sender(environ: Mapping[str, Any], now: datetime, *, role: str) -> tokens.AccessClaims:
    """Who sends it, by access token alone; somebody of that role. Raises NotForTheGate."""
    if "HTTP_COOKIE" in environ:
        raise NotForTheGate("cookie")
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise NotForTheGate("no_token")
    try:
        claims = tokens.verify_access(token, now=now)
    except tokens.InvalidToken:
        raise NotForTheGate("token_not_valid") from None
    if claims.role != role:
        raise NotForTheGate(f"not_a_{role}")
    return claims


def body_of(environ: dict[str, Any], *, longest: int) -> bytes:
    """The JSON body, which stays readable for Django. Raises NotForTheGate."""
    if environ.get("CONTENT_TYPE", "").lower() not in _CONTENT_TYPES:
        raise NotForTheGate("content_type")
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit() and 0 < int(length) <= longest):
        raise NotForTheGate("content_length")
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    if len(body) != int(length):
        raise NotForTheGate("content_length")
    return body


def _fields(body: bytes) -> dict[str, Any]:
    """The fields of the scan, each of its plain type."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotForTheGate("body") from None
    if not isinstance(fields, dict) or not fields.keys() <= _FIELDS or b"\\" in body:
        raise NotForTheGate("body")
    # orjson keeps the last of two equal keys, where Django refuses them: then there are more quotation marks.
    texts = [value for value in fields.values() if isinstance(value, str)]
    if body.count(b'"') != 2 * (len(fields) + len(texts)):
        raise NotForTheGate("body")
    _check_texts(fields)
    _check_numbers(fields)
    return fields


def _check_texts(fields: Mapping[str, Any]) -> None:
    device = fields.get("device_id")
    if not isinstance(fields.get("token"), str) or not isinstance(device, str | None):
        raise NotForTheGate("body")
    # Django cuts white space off, and measures before.
    if device is not None and (device != device.strip() or len(device) > _LONGEST_DEVICE):
        raise NotForTheGate("body")


def _check_numbers(fields: Mapping[str, Any]) -> None:
    for name, (low, high) in _BOUNDS.items():
        value = fields.get(name)
        if value is not None and not (type(value) in (int, float) and low <= value <= high):
            raise NotForTheGate("body")
