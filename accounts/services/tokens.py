"""Sign-ins through the API: a family of refresh tokens each, of which only the newest is good.

Every function locks the family's row first (`RefreshFamily`, FOR NO KEY UPDATE); `revoke_all` in order of id.
Why families, and what an access token outlives: docs/decisions/0002-refresh-families.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.signals import user_logged_in
from django.db import transaction

from accounts.errors import TokenInvalid, TokenReused
from accounts.models import RefreshFamily, User
from accounts.selectors import numbers_of
from accounts.services import credentials
from audit.services import entries
from core import tokens
from core.tokens import RefreshClaims

#: Two tabs, or a client whose answer got lost, may ask once more within it and get the same successor.
REPLAY_WINDOW = timedelta(seconds=10)
#: So long the office can still see from where somebody was signed in.
KEPT_AFTER_EXPIRY = timedelta(days=30)
_AGENT_CHARS = 200


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str


def sign_in(
    *, request: Any, username: str, password: str, school: str = "", user_agent: str = "", now: datetime
) -> TokenPair:
    """Tokens for a user name and a password. Raises InvalidCredentials, SchoolRequired, LockedOut."""
    user = credentials.check(request=request, username=username, password=password, school=school)
    pair = issue(user=user, user_agent=user_agent, now=now)
    # Django's own word for “the password was right”: last_login, and django-axes forgets the failures.
    user_logged_in.send(sender=User, request=request, user=user)
    return pair


@transaction.atomic
def issue(*, user: User, user_agent: str = "", now: datetime) -> TokenPair:
    """Begin a family for somebody whose identity is beyond doubt."""
    family = RefreshFamily.objects.create(
        user=user,
        current_jti=uuid4(),
        current_issued_at=now,
        created_at=now,
        expires_at=now + tokens.REFRESH_LIFE,
        user_agent=user_agent[:_AGENT_CHARS],
    )
    with entries.operation(by=user, at=now) as operation:
        operation.record("sign_in.start", family, school_id=user.school_id, after={"via": "api"})
    return _pair(family)


def rotate(*, refresh: str, now: datetime) -> TokenPair:
    """The successor of a refresh token, with an access token.

    The token before the newest gets the same answer again within `REPLAY_WINDOW`; any other old one was
    copied, and ends its family. Raises TokenInvalid, TokenReused. Must not run inside a transaction that a
    refusal rolls back: the end of the family would be lost with it.
    """
    claims = tokens.verify_refresh(refresh, now=now)
    with transaction.atomic():
        family = _locked(claims)
        if family is None or not _may_go_on(family, now):
            raise TokenInvalid
        if claims.jti == family.current_jti:
            family.previous_jti, family.current_jti = family.current_jti, uuid4()
            family.rotated_at = family.current_issued_at = now
            family.expires_at = now + tokens.REFRESH_LIFE
            family.save(
                update_fields=["previous_jti", "current_jti", "rotated_at", "current_issued_at", "expires_at"]
            )
            return _pair(family)
        if _is_replay(family, claims, now):
            return _pair(family)
        _end([family], user=family.user, reason="reused", by=None, now=now)
    raise TokenReused


def revoke(*, refresh: str, now: datetime) -> None:
    """Sign out: end the family of a refresh token, the newest or an older one. Harmless when it has ended.

    Raises TokenInvalid for a token that is not ours or has expired.
    """
    claims = tokens.verify_refresh(refresh, now=now)
    with transaction.atomic():
        family = _locked(claims)
        if family is None:
            raise TokenInvalid
        if family.revoked_at is None:
            _end([family], user=family.user, reason="signed_out", by=family.user, now=now)


def revoke_everywhere(*, refresh: str, now: datetime) -> int:
    """Sign the token's owner out of every API client; how many that were. Raises TokenInvalid.

    Only for a token that could still be rotated: whoever holds an old one ends that one family at most.
    """
    claims = tokens.verify_refresh(refresh, now=now)
    family = RefreshFamily.objects.select_related("user__school").filter(pk=claims.family_id).first()
    if family is None or claims.jti != family.current_jti or not _may_go_on(family, now):
        raise TokenInvalid
    return revoke_all(user=family.user, by=family.user, reason="everywhere", now=now)


@transaction.atomic
def revoke_all(*, user: User, by: User | None, reason: str, now: datetime) -> int:
    """End every family of a person; how many that were. `reason` has at most 20 characters."""
    families = list(
        RefreshFamily.objects.select_for_update(no_key=True)
        .filter(user=user, revoked_at__isnull=True, expires_at__gt=now)
        .order_by("pk")
    )
    _end(families, user=user, reason=reason, by=by, now=now)
    return len(families)


def forget(*, now: datetime) -> int:
    """Delete families none of whose tokens has been good for `KEPT_AFTER_EXPIRY`; how many that were.

    That they began and ended stays in the audit trail.
    """
    count, _ = RefreshFamily.objects.filter(expires_at__lt=now - KEPT_AFTER_EXPIRY).delete()
    return count


def _locked(claims: RefreshClaims) -> RefreshFamily | None:
    return (
        RefreshFamily.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user__school")
        .filter(pk=claims.family_id, user_id=claims.user_id)
        .first()
    )


def _may_go_on(family: RefreshFamily, now: datetime) -> bool:
    school = family.user.school
    return (
        family.revoked_at is None
        and family.expires_at > now
        and family.user.is_active
        and (school is None or school.is_active)
    )


def _is_replay(family: RefreshFamily, claims: RefreshClaims, now: datetime) -> bool:
    return (
        claims.jti == family.previous_jti
        and family.rotated_at is not None
        and now - family.rotated_at <= REPLAY_WINDOW
    )


def _end(families: list[RefreshFamily], *, user: User, reason: str, by: User | None, now: datetime) -> None:
    with entries.operation(by=by, at=now) as operation:
        for family in families:
            family.revoked_at, family.revoke_reason = now, reason
            family.save(update_fields=["revoked_at", "revoke_reason"])
            operation.record(
                "sign_in.end",
                family,
                school_id=user.school_id,
                after={"via": "api", "revoke_reason": reason},
            )


def _pair(family: RefreshFamily) -> TokenPair:
    """The family's newest tokens: made from the row alone, so that asking again gives the very same."""
    user = family.user
    return TokenPair(
        access=tokens.encode_access(
            user_id=user.pk,
            school_id=user.school_id,
            role=user.role,
            student_id=numbers_of(user).student_id,
            family_id=family.pk,
            issued_at=family.current_issued_at,
        ),
        refresh=tokens.encode_refresh(
            user_id=user.pk,
            family_id=family.pk,
            jti=family.current_jti,
            issued_at=family.current_issued_at,
        ),
    )
