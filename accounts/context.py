"""What every page knows without its view saying so: see the comment at the top of `templates/base.html`."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import School, User
from accounts.navigation import NavItem, items_for, more_for
from accounts.policies import may_mark
from accounts.web.kept import person_key
from core import context


def page(request: HttpRequest) -> dict[str, Any]:
    """`nav`, `more`, `display_name`, `school`, and what the device is told of the person who is signed in.

    Only computed where a template asks: error pages must come out when the database is away.
    """

    def nav() -> list[NavItem]:
        user = _person(request)
        return list(items_for(user, request.path)) if user else []

    def more() -> list[NavItem]:
        user = _person(request)
        return list(more_for(user, request.path)) if user else []

    def display_name() -> str:
        user = _person(request)
        return str(user) if user else ""

    def school() -> School | None:
        user = _person(request)
        return user.school if user else None

    def device() -> dict[str, Any]:
        user = _person(request)
        return {
            "person": person_key(user) if user else "",
            "works_offline": user is not None and may_mark(user),
            # Tells a copy that is kept on the device from the page that was made later.
            "page": context.current().request_id,
        }

    return {
        "nav": SimpleLazyObject(nav),
        "more": SimpleLazyObject(more),
        "display_name": SimpleLazyObject(display_name),
        "school": SimpleLazyObject(school),
        "device": SimpleLazyObject(device),
    }


def _person(request: HttpRequest) -> User | None:
    # A request that failed early never met the middleware that knows its user.
    user = getattr(request, "user", None)
    return cast(User, user) if user is not None and user.is_authenticated else None
