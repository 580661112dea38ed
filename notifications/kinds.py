"""What people can be told of: each app registers its kinds, and how their text comes about.

A notice holds ids, names of things and instants, no sentence. The sentence is made when somebody reads it, in their
language and on their school's clock, by the `render` of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import School
from notifications.enums import Channel, Mode

#: What is sent to try an endpoint; no notice of anybody.
TEST = "test"


@dataclass(frozen=True, slots=True)
class Text:
    """A notice in somebody's words; `path` leads to what it is about, empty for nowhere."""

    title: str
    body: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What `render` is given: the data of the notice, whom it is about (or empty), and the reader's school."""

    data: Mapping[str, Any]
    about: str
    school: School

    def time(self, name: str) -> str:
        """An instant of the data as a time of day of the school: 09:00."""
        return formats.time_format(self._local(name), "H:i")

    def day(self, name: str) -> str:
        """An instant or a date of the data as a day: Tue 3 Nov."""
        return formats.date_format(self._local(name), "D j M")

    def _local(self, name: str) -> datetime:
        found = datetime.fromisoformat(self.data[name])
        return self.school.local(found) if found.tzinfo else found


@dataclass(frozen=True, slots=True)
class Kind:
    """`roles`: whom it can reach, so who is asked how to be told. `email`: how, unless they say otherwise."""

    code: str
    label: str | Promise
    icon: str
    roles: frozenset[str]
    render: Callable[[Facts], Text]
    email: Mode = Mode.NOW
    #: Whether webhooks tell of it.
    webhook: bool = False

    def mode(self, channel: str) -> Mode:
        """What holds for somebody who chose nothing."""
        return self.email if channel == Channel.EMAIL else Mode.NOW


_kinds: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    """Make kinds known. Raises ValueError for a second one of the same code."""
    for kind in kinds:
        if _kinds.setdefault(kind.code, kind) is not kind:
            raise ValueError(f"the kind {kind.code} is registered already")


def get(code: str) -> Kind:
    """The kind of that code. Raises KeyError: whoever tells of something has registered it."""
    return _kinds[code]


def find(code: str) -> Kind | None:
    """The kind of that code, if it (still) exists."""
    return _kinds.get(code)


def of_role(role: str) -> list[Kind]:
    """Those that can reach somebody of that role, in the order in which they were registered."""
    return [kind for kind in _kinds.values() if role in kind.roles]


def for_webhooks() -> list[Kind]:
    return [kind for kind in _kinds.values() if kind.webhook]


def text_of(code: str, facts: Facts) -> Text:
    """The notice in the language that is active. One of a kind that is gone still says that there was something."""
    kind = find(code)
    return kind.render(facts) if kind else Text(_("A notice from an earlier version of CampusHub"))
