"""Access and refresh tokens: what they say, how they are signed, when they are good. No database, no DRF.

JSON Web Tokens (RFC 7519) signed with HS256. Each kind has a key of its own, derived from ``SECRET_KEY`` by
HKDF (RFC 5869), and its explicit type in the header (RFC 8725 §3.11), so that neither can pass for the other.
An access token carries all that the scan gate needs to know; whether a refresh token is still the newest of
its family is for the database to say (`accounts.services.tokens`).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt
import orjson
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core import clock
from core.errors import DomainError

ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=7)

_ALGORITHM = "HS256"
_ACCESS = "at+jwt"
_REFRESH = "rt+jwt"
#: A token from another of our machines may seem to come from the future by so many seconds.
_CLOCK_SKEW = 30
#: Ours have about 400; whatever is longer is not worth parsing.
_MAX_CHARS = 2048


class InvalidToken(DomainError):
    """Not ours, of the other kind, malformed, expired, or ended. Which of these is nobody's business."""

    code = "token_not_valid"
    message = _("The sign-in has expired. Sign in again.")
    status = 401


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Who asks. `school_id` is None for operators of several schools, `student_id` for all but students."""

    user_id: int
    school_id: int | None
    role: str
    student_id: int | None
    family_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """Which token of which family asks for its successor."""

    user_id: int
    family_id: UUID
    jti: UUID
    expires_at: datetime


def encode_access(
    *,
    user_id: int,
    school_id: int | None,
    role: str,
    student_id: int | None,
    family_id: UUID,
    issued_at: datetime,
) -> str:
    """A token that is good for `ACCESS_LIFE`. The same arguments give the same token."""
    return _sign(
        _ACCESS,
        issued_at,
        issued_at + ACCESS_LIFE,
        {"sub": str(user_id), "sch": school_id, "rol": role, "stu": student_id, "fam": family_id.hex},
    )


def encode_refresh(*, user_id: int, family_id: UUID, jti: UUID, issued_at: datetime) -> str:
    """A token that is good for `REFRESH_LIFE`. The same arguments give the same token."""
    return _sign(
        _REFRESH,
        issued_at,
        issued_at + REFRESH_LIFE,
        {"sub": str(user_id), "fam": family_id.hex, "jti": jti.hex},
    )


def verify_access(token: str, *, now: datetime | None = None) -> AccessClaims:
    """What an access token says, if it is good at `now` (default: the clock). Raises InvalidToken."""
    claims, expires_at = _verify(token, _ACCESS, now or clock.now())
    role = claims.get("rol")
    if not isinstance(role, str):
        raise InvalidToken
    return AccessClaims(
        user_id=_subject(claims),
        school_id=_optional_id(claims, "sch"),
        role=role,
        student_id=_optional_id(claims, "stu"),
        family_id=_uuid(claims, "fam"),
        expires_at=expires_at,
    )


def verify_refresh(token: str, *, now: datetime | None = None) -> RefreshClaims:
    """What a refresh token says, if it is good at `now` (default: the clock). Raises InvalidToken."""
    claims, expires_at = _verify(token, _REFRESH, now or clock.now())
    return RefreshClaims(
        user_id=_subject(claims),
        family_id=_uuid(claims, "fam"),
        jti=_uuid(claims, "jti"),
        expires_at=expires_at,
    )


def _sign(kind: str, issued_at: datetime, expires_at: datetime, claims: dict[str, Any]) -> str:
    payload = claims | {"iat": int(issued_at.timestamp()), "exp": int(expires_at.timestamp())}
    return jwt.encode(payload, _key(kind, settings.SECRET_KEY), _ALGORITHM, headers={"typ": kind})


def _verify(token: str, kind: str, now: datetime) -> tuple[dict[str, Any], datetime]:
    """Claims and expiry of a token of that kind.

    The scan gate asks this thousands of times a second, so PyJWT, which takes several times as long, is left out:
    a header that we sign has one spelling, so it is compared and not read. Tests hold both to the same answers.
    """
    if len(token) > _MAX_CHARS or not token.isascii():
        raise InvalidToken
    signed, _, signature = token.rpartition(".")
    header, _, body = signed.partition(".")
    expected = hmac.digest(_key(kind, settings.SECRET_KEY), signed.encode(), "sha256")
    if header != _header(kind) or not hmac.compare_digest(_base64(expected), signature):
        raise InvalidToken
    claims = _claims(body)
    issued, expires = claims.get("iat"), claims.get("exp")
    if type(issued) is not int or type(expires) is not int:
        raise InvalidToken
    if not issued - _CLOCK_SKEW <= now.timestamp() < expires:
        raise InvalidToken
    return claims, datetime.fromtimestamp(expires, UTC)


@lru_cache(maxsize=8)
def _key(kind: str, secret: str) -> bytes:
    info = f"campushub token {kind} v1".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret.encode())


@lru_cache(maxsize=2)
def _header(kind: str) -> str:
    return jwt.encode({}, bytes(32), _ALGORITHM, headers={"typ": kind}).partition(".")[0]


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _claims(body: str) -> dict[str, Any]:
    try:
        claims = orjson.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except ValueError:
        raise InvalidToken from None
    if not isinstance(claims, dict):
        raise InvalidToken
    return claims


def _subject(claims: dict[str, Any]) -> int:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not (subject.isascii() and subject.isdigit()):
        raise InvalidToken
    return int(subject)


def _optional_id(claims: dict[str, Any], name: str) -> int | None:
    value = claims.get(name)
    if value is not None and type(value) is not int:
        raise InvalidToken
    return value


def _uuid(claims: dict[str, Any], name: str) -> UUID:
    try:
        return UUID(hex=claims[name])
    except (KeyError, ValueError, AttributeError, TypeError):
        raise InvalidToken from None
