"""The two ways to be somebody in the API: an access token, or the session of a page.

Every protected endpoint accepts both; a token wins. Without either the answer is 401, with
``WWW-Authenticate``.
An access token is good for its 15 minutes even if its sign-in was ended meanwhile, but never for a person or
school that was switched off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.auth import get_backends
from django.contrib.auth.base_user import AbstractBaseUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from core import tokens
from core.logging import bind_person

_CHALLENGE = 'Bearer realm="api"'


@dataclass(frozen=True, slots=True)
class ClaimedPerson:
    """Somebody as their token has them. What else one may want to know of a user is not here, and asking raises."""

    pk: int
    school_id: int | None
    role: str
    is_authenticated: ClassVar[bool] = True


class AccessTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer <access token>``; ``request.auth`` is its `core.tokens.AccessClaims`."""

    def authenticate(
        self, request: Request
    ) -> tuple[AbstractBaseUser | ClaimedPerson, tokens.AccessClaims] | None:
        """The user and what the token says; None without a bearer token. One query."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise _refused()
        try:
            claims = tokens.verify_access(parts[1].decode("ascii"))
        except (tokens.InvalidToken, UnicodeDecodeError):
            raise _refused() from None
        user = self._person(claims)
        if user is None:
            raise _refused()
        bind_person(user)
        return user, claims

    def _person(self, claims: tokens.AccessClaims) -> AbstractBaseUser | ClaimedPerson | None:
        return _user(claims.user_id)

    def authenticate_header(self, request: Request) -> str:
        return _CHALLENGE


class ClaimedAuthentication(AccessTokenAuthentication):
    """Takes the token's word for who it is, without a query: for an action whose own statement looks at the person.

    `request.user` is then a `ClaimedPerson`. Before such an action tells a refusal it has to ask `confirmed`: somebody
    who was switched off since the token was made is told nothing but 401.
    """

    def _person(self, claims: tokens.AccessClaims) -> ClaimedPerson:
        return ClaimedPerson(claims.user_id, claims.school_id, claims.role)


def confirmed(request: Request) -> Any:
    """The sender as they are now. Raises AuthenticationFailed for whoever may not be signed in any more."""
    found = AccessTokenAuthentication().authenticate(request)
    # Whoever came with a browser session was looked up already.
    return found[0] if found else request.user


class BrowserSessionAuthentication(SessionAuthentication):
    """The session of the pages, with Django's CSRF check on every request that may change something."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found = super().authenticate(request)
        if found is not None:
            bind_person(found[0])
        return found

    def enforce_csrf(self, request: Request) -> None:
        """Raises PermissionDenied, ``csrf_failed``."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(str(error.detail), code="csrf_failed") from None

    def authenticate_header(self, request: Request) -> str:
        return _CHALLENGE


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # as the library has it
    target_class = "core.api.authentication.AccessTokenAuthentication"
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access` token of `POST /api/v1/auth/token/`. Good for 15 minutes.",
        }


class BrowserSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # the same
    target_class = "core.api.authentication.BrowserSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            # The name in production: development adds the port to it.
            "name": "campushub_session",
            "description": "The session of the pages. What changes something needs `X-CSRFToken` as well.",
        }


def _refused() -> AuthenticationFailed:
    return AuthenticationFailed(tokens.InvalidToken.message, code=tokens.InvalidToken.code)


def _user(user_id: int) -> AbstractBaseUser | None:
    """Through the project's backend, which knows who may be signed in: the rule of sessions too."""
    for backend in get_backends():
        # django-axes only watches attempts: its backend knows nobody.
        if hasattr(backend, "get_user"):
            user = backend.get_user(user_id)
            if user is not None:
                return user
    return None
