"""Signing in with a password: for pages (a session) and, through `services.tokens`, for the API.

`request` is handed through to Django's authentication and its sessions; nothing here reads it otherwise.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.db import transaction

from accounts.errors import InvalidCredentials, LockedOut
from accounts.models import User
from accounts.selectors import who_may_be_meant
from audit.services import entries


def check(*, request: Any, username: str, password: str, school: str = "") -> User:
    """Who that is. Counts towards django-axes' lock-out when it is nobody.

    Raises InvalidCredentials (whatever the reason), SchoolRequired, LockedOut.
    """
    # Bare and complete user name are one account, so they share one count of failures.
    meant = list(who_may_be_meant(username, school)[:2])
    name = meant[0].username if len(meant) == 1 else username
    user = auth.authenticate(request, username=name, password=password, school=school)
    if getattr(request, "axes_locked_out", False):
        # The whole time: how much of it is over would tell when others tried.
        raise LockedOut(wait=settings.AXES_COOLOFF_TIME)
    if not isinstance(user, User):
        raise InvalidCredentials
    return user


def sign_in(*, request: Any, username: str, password: str, school: str = "", now: datetime) -> User:
    """Sign somebody in to the pages: the request's session is theirs from here on. Raises as `check` does.

    Whoever chose a language before signing in keeps it, unless they had chosen one already.
    """
    user = check(request=request, username=username, password=password, school=school)
    with transaction.atomic(), entries.operation(by=user, at=now) as operation:
        auth.login(request, user)
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        if not user.language and chosen in dict(settings.LANGUAGES):
            user.language = chosen
            user.save(update_fields=["language"])
        operation.record("sign_in.start", user, school_id=user.school_id, after={"via": "pages"})
    return user


def sign_out(*, request: Any, by: User, now: datetime) -> None:
    """End the session of the request."""
    with transaction.atomic(), entries.operation(by=by, at=now) as operation:
        auth.logout(request)
        operation.record("sign_in.end", by, school_id=by.school_id, after={"via": "pages"})
