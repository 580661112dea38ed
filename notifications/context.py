"""The bell of the header: how much waits to be read."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from notifications import selectors


def bell(request: HttpRequest) -> dict[str, Any]:
    """`unread_notices`; a bell shows no more than `most_notices_counted`."""

    def count() -> int:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return 0
        # Read together with the person, wherever they signed in as browsers do.
        known = getattr(user, selectors.UNREAD, None)
        return selectors.unread_count(cast(User, user)) if known is None else int(known)

    return {"unread_notices": SimpleLazyObject(count), "most_notices_counted": selectors.MOST_COUNTED}
