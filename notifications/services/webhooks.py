"""The endpoints of a school: made, changed, tried, resumed. Their secret is shown where it is made and nowhere else."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction

from accounts.models import School, User
from audit.services.entries import difference, operation
from core.db import still_there
from core.locks import lock
from notifications import errors, kinds, transport
from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.services import deliveries, telling

#: A school that needs more has its own way of handing things on.
MOST = 20
#: How long the old secret is signed with as well after a change.
OVERLAP = timedelta(hours=24)
CHANGEABLE = frozenset({"name", "url", "kinds", "is_active"})


@dataclass(frozen=True, slots=True)
class WithSecret:
    """An endpoint and the secret that was just made for it."""

    endpoint: WebhookEndpoint
    secret: str


@transaction.atomic
def create(
    *, school: School, url: str, name: str = "", wanted: Sequence[str] = (), by: User, now: datetime
) -> WithSecret:
    """Tell another system of things from now on; of all of them when no kinds are `wanted`.

    Raises AddressRefused, UnknownKind, WebhookExists, TooManyWebhooks.
    """
    lock("webhooks", school.pk)
    if WebhookEndpoint.objects.filter(school=school).count() >= MOST:
        raise errors.TooManyWebhooks(most=MOST)
    secret = _new_secret()
    endpoint = WebhookEndpoint(school=school, secret=secret, created_by=by, created_at=now, next_try_at=now)
    _judge(endpoint, {"url": url, "kinds": list(wanted), "name": name})
    endpoint.url, endpoint.name, endpoint.kinds = url, name, _sorted(wanted)
    endpoint.save(force_insert=True)
    with operation(by=by, at=now) as op:
        op.record("webhook.create", endpoint, school_id=school.pk, after=_facts(endpoint))
    return WithSecret(endpoint, secret)


@transaction.atomic
def update(
    *, endpoint: WebhookEndpoint, changes: Mapping[str, Any], by: User, now: datetime
) -> WebhookEndpoint:
    """Change some of `CHANGEABLE`. Raises AddressRefused, UnknownKind, WebhookExists."""
    lock("webhooks", endpoint.school_id)
    endpoint = _locked(endpoint)
    wanted = {name: value for name, value in changes.items() if name in CHANGEABLE}
    _judge(endpoint, wanted)
    if "kinds" in wanted:
        wanted["kinds"] = _sorted(wanted["kinds"])
    before, after = difference(endpoint, wanted)
    if not after:
        return endpoint
    for name, value in wanted.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=sorted(wanted))
    with operation(by=by, at=now) as op:
        op.record(
            "webhook.update", endpoint, school_id=endpoint.school_id, before=_told(before), after=_told(after)
        )
    return endpoint


@transaction.atomic
def remove(*, endpoint: WebhookEndpoint, by: User, now: datetime) -> None:
    """Tell it nothing more; what is on its way to it goes as well."""
    # Whoever writes a delivery at this moment is waited for, and nobody writes another one.
    endpoint = _locked(endpoint, no_key=False)
    with operation(by=by, at=now) as op:
        op.record("webhook.remove", endpoint, school_id=endpoint.school_id, before=_facts(endpoint))
    endpoint.delete()


@transaction.atomic
def rotate_secret(*, endpoint: WebhookEndpoint, by: User, now: datetime) -> WithSecret:
    """A new secret; for `OVERLAP` everything is signed with the old one as well."""
    endpoint = _locked(endpoint)
    endpoint.previous_secret, endpoint.previous_until = endpoint.secret, now + OVERLAP
    endpoint.secret = _new_secret()
    endpoint.save(update_fields=["secret", "previous_secret", "previous_until"])
    with operation(by=by, at=now) as op:
        op.record(
            "webhook.rotate_secret",
            endpoint,
            school_id=endpoint.school_id,
            after={"old_secret_until": endpoint.previous_until},
        )
    return WithSecret(endpoint, endpoint.secret)


@transaction.atomic
def send_test(*, endpoint: WebhookEndpoint, by: User, now: datetime) -> WebhookDelivery:
    """Put an event of the kind `test` on its way. Raises WebhookOff for an endpoint that takes none."""
    endpoint = _locked(endpoint)
    if not endpoint.is_sending:
        raise errors.WebhookOff
    event = telling.body_of(
        kind=kinds.TEST, key=str(uuid4()), data={"webhook": str(endpoint.pk)}, school=endpoint.school, now=now
    )
    delivery = WebhookDelivery.objects.create(
        school_id=endpoint.school_id,
        endpoint=endpoint,
        event_id=event.id,
        kind=kinds.TEST,
        body=event.body,
        created_at=now,
        next_try_at=now,
    )
    with operation(by=by, at=now) as op:
        op.record(
            "webhook.test", endpoint, school_id=endpoint.school_id, after={"delivery": str(delivery.pk)}
        )
    return delivery


@transaction.atomic
def resume(*, endpoint: WebhookEndpoint, by: User, now: datetime) -> WebhookEndpoint:
    """Try an endpoint again that was given up or rests, with everything that waits for it. Harmless to repeat."""
    endpoint = _locked(endpoint)
    if not (endpoint.failures or endpoint.parked_at):
        return endpoint
    before = {"parked_at": endpoint.parked_at, "failures": endpoint.failures}
    endpoint.parked_at, endpoint.failures, endpoint.next_try_at = None, 0, now
    endpoint.save(update_fields=["parked_at", "failures", "next_try_at"])
    deliveries.wake(endpoint, now)
    with operation(by=by, at=now) as op:
        op.record(
            "webhook.resume",
            endpoint,
            school_id=endpoint.school_id,
            before=before,
            after={"parked_at": None, "failures": 0},
        )
    return endpoint


def _locked(endpoint: WebhookEndpoint, *, no_key: bool = True) -> WebhookEndpoint:
    found = WebhookEndpoint.objects.select_for_update(of=("self",), no_key=no_key).select_related("school")
    return still_there(found, endpoint.pk)


def _judge(endpoint: WebhookEndpoint, wanted: Mapping[str, Any]) -> None:
    if "url" in wanted:
        try:
            transport.judge(wanted["url"])
        except transport.Refused as refusal:
            raise errors.AddressRefused(reason=refusal) from None
        others = WebhookEndpoint.objects.filter(school=endpoint.school, url=wanted["url"]).exclude(
            pk=endpoint.pk
        )
        if others.exists():
            raise errors.WebhookExists
    known = {kind.code for kind in kinds.for_webhooks()}
    for kind in wanted.get("kinds", ()):
        if kind not in known:
            raise errors.UnknownKind(kind=kind)


def _sorted(wanted: Sequence[str]) -> list[str]:
    return sorted(set(wanted))


def _facts(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return _told(
        {
            "url": endpoint.url,
            "name": endpoint.name,
            "kinds": endpoint.kinds,
            "is_active": endpoint.is_active,
        }
    )


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """An endpoint's name is no personal field: it goes into the trail in clear, under a key that says so."""
    return {"title" if name == "name" else name: value for name, value in values.items()}


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"
