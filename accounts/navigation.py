"""The few pages that each role always has at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.enums import Role
from accounts.models import User


@dataclass(frozen=True, slots=True)
class Place:
    """A page by its route's name; `primary` is the role's next action, the big button of the bottom bar.

    `about` says in one line what is there, for those that are behind "More".
    """

    label: str | Promise
    route: str
    icon: str
    primary: bool = False
    about: str | Promise = ""


@dataclass(frozen=True, slots=True)
class NavItem:
    """One link of the navigation, as `base.html` wants it.

    `waiting`: how many things there wait for the person; asked of the database once, where a template shows it.
    """

    label: str | Promise
    url: str
    icon: str
    current: bool
    primary: bool
    waiting: int | SimpleLazyObject = 0
    about: str | Promise = ""


# Pages of higher apps are known by name only. At most four a role beside "More": five are what a phone's bottom bar
# holds.
_APPROVALS = Place(pgettext_lazy("navigation", "Approvals"), "attendance:approvals", "approvals")
_DATA = Place(pgettext_lazy("navigation", "Data"), "admin:index", "tools")
_OFFICE = (
    Place(pgettext_lazy("navigation", "Overview"), "attendance:home", "overview", primary=True),
    Place(pgettext_lazy("navigation", "Shortage"), "attendance:shortage", "alert"),
    _APPROVALS,
    _DATA,
)
PLACES: dict[str, tuple[Place, ...]] = {
    Role.STUDENT: (
        Place(pgettext_lazy("navigation", "Home"), "attendance:home", "home"),
        Place(pgettext_lazy("navigation", "Scan"), "attendance:scan", "scan", primary=True),
        Place(pgettext_lazy("navigation", "Attendance"), "attendance:history", "history"),
        Place(pgettext_lazy("navigation", "Leave"), "attendance:leave", "leave"),
    ),
    Role.FACULTY: (
        Place(pgettext_lazy("navigation", "Today"), "attendance:home", "calendar", primary=True),
        Place(pgettext_lazy("navigation", "Shortage"), "attendance:shortage", "alert"),
        _APPROVALS,
        _DATA,
    ),
    Role.ADMIN: _OFFICE,
    Role.SUPERUSER: _OFFICE,
    Role.INTEGRATOR: (),
}

_PRIVACY = Place(
    pgettext_lazy("navigation", "Privacy"),
    "attendance:privacy",
    "shield",
    about=_("What you agreed to, in which words, and how to take it back."),
)

_ANOMALIES = Place(
    pgettext_lazy("navigation", "Anomalies"),
    "attendance:anomalies",
    "eye",
    about=_(
        "Scans that somebody should look at: one phone for several students, from far away, after the end."
    ),
)
_CONFLICTS = Place(
    pgettext_lazy("navigation", "Conflicts"),
    "attendance:conflicts",
    "offline",
    about=_("Marks made without network that somebody has to decide about, and those that were refused."),
)
_EXPORTS = Place(
    pgettext_lazy("navigation", "Exports"),
    "attendance:exports",
    "download",
    about=_("Registers, records and figures as files: CSV, Excel and PDF."),
)
_OFFICE_MORE = (
    _EXPORTS,
    _CONFLICTS,
    _ANOMALIES,
    Place(
        pgettext_lazy("navigation", "Devices"),
        "attendance:devices",
        "phone",
        about=_("Readers of fingers, faces and cards: whether they live, whom they know, what they told."),
    ),
    Place(
        pgettext_lazy("navigation", "Audit trail"),
        "attendance:audit",
        "search",
        about=_("Who changed what, when and why, and that nobody changed it afterwards."),
    ),
    Place(
        pgettext_lazy("navigation", "Retention"),
        "attendance:retention",
        "clock",
        about=_("How long data is kept, what goes next, and what a legal hold keeps."),
    ),
    Place(
        pgettext_lazy("navigation", "Configuration"),
        "attendance:configuration",
        "settings",
        about=_("The school's rules: when classes open and close, what counts as late, what is checked."),
    ),
    _PRIVACY,
)
#: What a role needs less often, in the order of the list behind "More".
MORE: dict[str, tuple[Place, ...]] = {
    Role.STUDENT: (
        Place(
            pgettext_lazy("navigation", "Corrections"),
            "attendance:corrections",
            "pencil",
            about=_("Marks of yours that you said are wrong, and the answers."),
        ),
        Place(
            pgettext_lazy("navigation", "Condonation"),
            "attendance:condonation",
            "appeal",
            about=_("Below the percentage that is needed? Ask to sit the examination all the same."),
        ),
        _PRIVACY,
    ),
    Role.FACULTY: (_EXPORTS, _CONFLICTS, _ANOMALIES, _PRIVACY),
    Role.ADMIN: _OFFICE_MORE,
    Role.SUPERUSER: _OFFICE_MORE,
    Role.INTEGRATOR: (),
}

_counters: dict[str, Callable[[User], int]] = {}


def count_at(route: str, counter: Callable[[User], int]) -> None:
    """A higher app says how many things wait for a person at the page of that route; `counter` makes one query."""
    _counters[route] = counter


def items_for(user: User, path: str) -> Iterator[NavItem]:
    """The links of a signed-in person; the one that `path` lies at or below is the current one."""
    for place in PLACES[user.role]:
        yield _item(place, user, path)


def more_for(user: User, path: str) -> Iterator[NavItem]:
    """The links behind "More", in the same way."""
    for place in MORE[user.role]:
        yield _item(place, user, path)


def _item(place: Place, user: User, path: str) -> NavItem:
    url = reverse(place.route)
    current = path == url or (url != "/" and path.startswith(url))
    return NavItem(place.label, url, place.icon, current, place.primary, _waiting(place, user), place.about)


def _waiting(place: Place, user: User) -> int | SimpleLazyObject:
    counter = _counters.get(place.route)
    return SimpleLazyObject(lambda: counter(user)) if counter else 0
