"""The bell of the header: how much waits to be read."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from notifications import selectors


def bell(request: HttpRequest) -> dict[str, Any]:
    """`unread_notices`, up to one more than `most_notices_counted`; only asked for where a template shows it."""

    def count() -> int:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return 0
        return selectors.unread_count(cast(User, user))

    return {"unread_notices": SimpleLazyObject(count), "most_notices_counted": selectors.MOST_COUNTED}
