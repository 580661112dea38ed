"""People who are told of something, for tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.enums import Role
from accounts.models import School, User
from notifications.enums import SendState
from notifications.models import Notification, WebhookDelivery
from notifications.services import webhooks
from notifications.services.telling import Event, Notice, notify
from tests.conftest import NOW
from tests.factories import UserFactory

#: Of a kind that is mailed at once, and of one that is mailed once a day.
AT_ONCE, DAILY = "leave_decision", "absence"

DATA: dict[str, dict[str, Any]] = {
    AT_ONCE: {"status": "approved", "from": "2026-11-04", "to": "2026-11-05"},
    DAILY: {"code": "CS1", "course": "Data Structures", "starts_at": "2026-11-03T03:30:00+00:00"},
}


def person(school: School, **values: Any) -> User:
    return UserFactory(school=school, **{"role": Role.STUDENT, **values})


def tell(
    *people: User,
    key: str = "k1",
    kind: str = AT_ONCE,
    now: datetime = NOW,
    event: Event | None = None,
    school: School | None = None,
) -> int:
    """How many were told."""
    with transaction.atomic():
        return notify(
            kind=kind,
            key=key,
            notices=[Notice(user.pk, DATA[kind]) for user in people],
            school=school or people[0].school,  # type: ignore[arg-type] # people of tests have one
            now=now,
            event=event,
        )


def told(user: User) -> list[tuple[str, str]]:
    """(kind, key) of everything, oldest first."""
    return list(
        Notification.objects.filter(user=user).order_by("created_at", "id").values_list("kind", "key")
    )


def given_up(school: School, by: User) -> WebhookDelivery:
    """A webhook of the school with one event that was given up."""
    made = webhooks.create(school=school, url="https://93.184.216.34/hook", by=by, now=NOW)
    delivery = webhooks.send_test(endpoint=made.endpoint, by=by, now=NOW)
    delivery.state = SendState.PARKED
    delivery.save()
    return delivery
