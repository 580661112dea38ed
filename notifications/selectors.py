"""What a person has been told, in words; and how they want to be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.functional import Promise

from accounts.models import User
from notifications import kinds
from notifications.enums import Channel, Mode
from notifications.models import Notification, Preference
from notifications.querysets import NotificationQuerySet

#: What `unread_subquery` is called on the user of a request.
UNREAD = "unread_notices"
#: A bell that shows more than this shows “99+”.
MOST_COUNTED = 99


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice as a person sees it, in the language that is active."""

    id: UUID
    kind: str
    label: str | Promise
    icon: str
    title: str
    body: str
    path: str
    created_at: datetime
    read: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """How one kind of thing is told by one channel, and what else can be chosen."""

    kind: kinds.Kind
    channel: Channel
    mode: str
    modes: list[Mode]

    @property
    def name(self) -> str:
        """The field of a form."""
        return f"{self.kind.code}.{self.channel.value}"


def inbox(user: User) -> NotificationQuerySet:
    """One's own notices, newest first, ready to be put into words."""
    found = with_facts(Notification.objects.visible_to(user)).order_by("-created_at", "-id")
    return cast(NotificationQuerySet, found)


def latest_unread(user: User, limit: int = 3) -> list[Shown]:
    """The newest that were not read; no query for whom a request knows to have read everything."""
    if getattr(user, UNREAD, None) == 0:
        return []
    return all_shown(inbox(user).unread()[:limit])


def with_facts(found: QuerySet[Notification]) -> Any:
    return found.select_related("school", "about")


def shown(notice: Notification) -> Shown:
    kind = kinds.find(notice.kind)
    text = text_of(notice)
    return Shown(
        id=notice.pk,
        kind=notice.kind,
        label=kind.label if kind else "",
        icon=kind.icon if kind else "info",
        title=text.title,
        body=text.body,
        path=text.path,
        created_at=notice.created_at,
        read=notice.read_at is not None,
    )


def text_of(notice: Notification) -> kinds.Text:
    about = str(notice.about) if notice.about is not None else ""
    return kinds.text_of(notice.kind, kinds.Facts(notice.data, about, notice.school))


def all_shown(notices: Iterable[Notification]) -> list[Shown]:
    return [shown(notice) for notice in notices]


def unread_count(user: User) -> int:
    """How many wait to be read, up to one more than `MOST_COUNTED`; one query over the unread alone."""
    return Notification.objects.filter(user=user).unread()[: MOST_COUNTED + 1].count()


def unread_subquery() -> Any:
    """The same for the person of an outer query, whatever its number."""
    unread = Notification.objects.filter(user=OuterRef("pk")).unread().order_by()
    count = unread.values("user").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(count), 0)


def choices_of(user: User) -> list[Choice]:
    """Kind by kind, each channel in order; one query."""
    rows = Preference.objects.filter(user=user).values_list("kind", "channel", "mode")
    chosen = {(kind, channel): mode for kind, channel, mode in rows}
    return [
        Choice(
            kind,
            channel,
            chosen.get((kind.code, channel.value), kind.mode(channel).value),
            Mode.of(channel),
        )
        for kind in kinds.of_role(user.role)
        for channel in Channel
    ]
