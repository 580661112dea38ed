"""Telling people: called by the services of the apps above, in the transaction of the change.

One statement, however many people. What is not wanted, or has been told already (the same key to the same person),
is left out by it; mail and webhooks wait as rows until the workers take them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

import orjson
from django.db import connection

from accounts.models import School
from core.ids import uuid7
from notifications import kinds
from notifications.enums import Channel
from notifications.models import Notification

#: When the daily e-mail is put together, by the school's clock: after the last class of most days.
DIGEST_AT = time(18)
#: What the id of an event is made of, so that the same event is the same to a receiver however often it is told.
_EVENTS = UUID("6f0e6a3c-52b7-5f0e-9a47-0d1c7f3b2e55")


@dataclass(frozen=True, slots=True)
class Notice:
    """One person is told `data`; `about` is whom it is about (a user's id), if that is somebody else."""

    user_id: int
    data: dict[str, Any]
    about_id: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What webhooks are told of the same thing: ids and public numbers, no names. `key` tells it from others."""

    key: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Body:
    """An event as it is sent, and its id."""

    id: UUID
    body: str


# In order of the people, so that two who tell the same people the same wait for each other and never in a circle.
_TELL = """
INSERT INTO notifications_notification
       (id, school_id, user_id, kind, about_id, key, data, created_at, in_app, mail_due_at, digest)
SELECT told.id, %(school)s, told.user_id, %(kind)s, told.about_id, %(key)s, told.data, %(now)s, told.in_app,
       CASE told.mail WHEN 'now' THEN %(now)s WHEN 'digest' THEN %(digest_at)s END, told.mail = 'digest'
  FROM (SELECT asked.id, asked.user_id, asked.about_id, asked.data,
               coalesce(shown.mode, 'now') <> 'off' AS in_app,
               CASE WHEN u.email = '' THEN 'off' ELSE coalesce(mailed.mode, %(mail)s) END AS mail
          FROM unnest(%(ids)s::uuid[], %(users)s::bigint[], %(abouts)s::bigint[], %(data)s::jsonb[])
               AS asked (id, user_id, about_id, data)
          JOIN accounts_user u ON u.id = asked.user_id AND u.is_active
          LEFT JOIN notifications_preference shown
                 ON shown.user_id = u.id AND shown.kind = %(kind)s AND shown.channel = 'in_app'
          LEFT JOIN notifications_preference mailed
                 ON mailed.user_id = u.id AND mailed.kind = %(kind)s AND mailed.channel = 'email') told
 WHERE told.in_app OR told.mail <> 'off'
 ORDER BY told.user_id
    ON CONFLICT (key, user_id) DO NOTHING
"""

_SEND = """
INSERT INTO notifications_delivery
       (id, school_id, endpoint_id, event_id, kind, body, state, attempts, next_try_at, last_error, created_at)
SELECT gen_random_uuid(), e.school_id, e.id, %(event)s, %(kind)s, %(body)s, 'waiting', 0, %(now)s, '', %(now)s
  FROM notifications_webhook e
 WHERE e.school_id = %(school)s AND e.is_active AND (e.kinds = '{}' OR %(kind)s = ANY (e.kinds))
 ORDER BY e.id FOR KEY SHARE OF e
    ON CONFLICT (endpoint_id, event_id) DO NOTHING
"""

_TELL_AND_SEND = f"""
WITH told AS ({_TELL} RETURNING 1), sent AS ({_SEND})
SELECT count(*) FROM told
"""


def notify(
    *,
    kind: str,
    key: str,
    notices: Iterable[Notice],
    school: School,
    now: datetime,
    event: Event | None = None,
) -> int:
    """Tell each person once of what `key` stands for, and webhooks of the `event`; how many people were told.

    Raises RuntimeError outside a transaction, KeyError for a kind that nobody registered.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("people are told in the transaction of what they are told of")
    wanted = kinds.get(kind)
    # Of somebody who is in it for two reasons the first one counts.
    people: dict[int, Notice] = {}
    for notice in notices:
        people.setdefault(notice.user_id, notice)
    if not people:
        if event is not None:
            emit(kind=kind, event=event, school=school, now=now)
        return 0
    values = _told(wanted, key, list(people.values()), school, now)
    with connection.cursor() as cursor:
        if event is None:
            cursor.execute(_TELL, values)
            return cursor.rowcount
        made = body_of(kind=kind, key=event.key, data=event.data, school=school, now=now)
        cursor.execute(_TELL_AND_SEND, {**values, "event": made.id, "body": made.body})
        ((count,),) = cursor.fetchall()
        return int(count)


def emit(*, kind: str, event: Event, school: School, now: datetime) -> int:
    """Tell the school's webhooks alone; how many there are that want it."""
    made = body_of(kind=kind, key=event.key, data=event.data, school=school, now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            _SEND, {"event": made.id, "kind": kind, "body": made.body, "now": now, "school": school.pk}
        )
        return cursor.rowcount


def body_of(*, kind: str, key: str, data: Mapping[str, Any], school: School, now: datetime) -> Body:
    """What is sent of an event: ``{id, kind, school, at, data}``."""
    ident = uuid5(_EVENTS, f"{school.pk}:{kind}:{key}")
    said = {"id": str(ident), "kind": kind, "school": school.code, "at": now, "data": data}
    return Body(ident, _json(said))


def retract(*, keys: Collection[str], school_id: int, users: Any = None) -> int:
    """Take back what nobody (or none of these `users`) has seen yet: not read, and in no e-mail.

    It may be told again later.
    """
    found = Notification.objects.filter(
        key__in=keys, school=school_id, read_at__isnull=True, mail__isnull=True
    )
    return (found if users is None else found.filter(user__in=users)).delete()[0]


def once(*, school: School, key: str, now: datetime) -> bool:
    """Whether this is the first time that `key` is done for the school; of two at once the second one waits.

    With the transaction it comes to be or not, like what is done after it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO notifications_round (school_id, key, at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [school.pk, key, now],
        )
        return cursor.rowcount == 1


def next_digest(school: School, now: datetime) -> datetime:
    """The next `DIGEST_AT` by the school's clock."""
    local = school.local(now)
    today = datetime.combine(local.date(), DIGEST_AT, school.tz)
    if today > now:
        return today
    return datetime.combine(local.date() + timedelta(days=1), DIGEST_AT, school.tz)


def _told(
    kind: kinds.Kind, key: str, people: Sequence[Notice], school: School, now: datetime
) -> dict[str, Any]:
    # What many are told in the same words is put into them once.
    written = {id(notice.data): notice.data for notice in people}
    texts = {ident: _json(data) for ident, data in written.items()}
    return {
        "school": school.pk,
        "kind": kind.code,
        "key": key,
        "now": now,
        "digest_at": next_digest(school, now),
        "mail": kind.mode(Channel.EMAIL).value,
        "ids": [uuid7() for _notice in people],
        "users": [notice.user_id for notice in people],
        "abouts": [notice.about_id for notice in people],
        "data": [texts[id(notice.data)] for notice in people],
    }


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z).decode()
