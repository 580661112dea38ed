"""The few pages that each role always has at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from accounts.enums import Role
from accounts.models import User


@dataclass(frozen=True, slots=True)
class Place:
    """A page by its route's name; `primary` is the role's next action, the big button of the bottom bar."""

    label: str | Promise
    route: str
    icon: str
    primary: bool = False


@dataclass(frozen=True, slots=True)
class NavItem:
    """One link of the navigation, as `base.html` wants it."""

    label: str | Promise
    url: str
    icon: str
    current: bool
    primary: bool


# Pages of higher apps are known by name only. At most five a role: that is what a phone's bottom bar holds.
_DATA = Place(pgettext_lazy("navigation", "Data"), "admin:index", "tools")
_OFFICE = (
    Place(pgettext_lazy("navigation", "Overview"), "attendance:home", "overview", primary=True),
    Place(pgettext_lazy("navigation", "Shortage"), "attendance:shortage", "alert"),
    Place(pgettext_lazy("navigation", "Configuration"), "attendance:configuration", "settings"),
    _DATA,
)
PLACES: dict[str, tuple[Place, ...]] = {
    Role.STUDENT: (
        Place(pgettext_lazy("navigation", "Home"), "attendance:home", "home"),
        Place(pgettext_lazy("navigation", "Scan"), "attendance:scan", "scan", primary=True),
        Place(pgettext_lazy("navigation", "Attendance"), "attendance:history", "history"),
    ),
    Role.FACULTY: (
        Place(pgettext_lazy("navigation", "Today"), "attendance:home", "calendar", primary=True),
        Place(pgettext_lazy("navigation", "Shortage"), "attendance:shortage", "alert"),
        _DATA,
    ),
    Role.ADMIN: _OFFICE,
    Role.SUPERUSER: _OFFICE,
    Role.INTEGRATOR: (),
}


def items_for(user: User, path: str) -> Iterator[NavItem]:
    """The links of a signed-in person; the one that `path` lies at or below is the current one."""
    for place in PLACES[user.role]:
        url = reverse(place.route)
        current = path == url or (url != "/" and path.startswith(url))
        yield NavItem(place.label, url, place.icon, current, place.primary)
