"""Webhooks on their way: each event once to each endpoint, with patience for one that is away.

An endpoint that fails rests, longer each time, with everything that is meant for it; after `MOST_FAILURES` in a row
(about a day) it is given up: parked, with all that waits, until somebody resumes it. The office is told. How a crash
between sending and noting ends: `services.leases`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from accounts.enums import Role
from accounts.models import User
from audit.services.entries import operation
from core import clock
from core.db import still_there
from core.logging import scrub
from notifications import errors, transport
from notifications.enums import SendState
from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.services import leases
from notifications.services.telling import Notice, notify
from notifications.signatures import SIGNATURE, TIMESTAMP, sign

log = structlog.get_logger(__name__)

#: Failures in a row after which an endpoint is given up.
MOST_FAILURES = 10
#: Seconds of one run after which an endpoint that answers slowly lets the others go first.
_SHARE = 3.0
#: The kind of notice by which the office learns of it (see `notifications.own_kinds`).
PARKED = "webhook_parked"
USER_AGENT = "CampusHub-Webhooks/1"


@dataclass(slots=True)
class Delivered:
    """What one run did."""

    sent: int = 0
    failed: int = 0
    parked: int = 0


def deliver(*, now: Callable[[], datetime] = clock.now, seconds: float = leases.BUDGET) -> Delivered:
    """Send what is due until nothing is or time is up; `now` is asked for each, since each may take its time."""
    run = Delivered()
    spent: dict[UUID, float] = defaultdict(float)
    for _more in leases.while_time(seconds):
        at = now()
        ready = WebhookDelivery.objects.filter(
            endpoint__is_active=True,
            endpoint__parked_at__isnull=True,
            endpoint__next_try_at__lte=at,
            school__is_active=True,
        ).exclude(endpoint__in=[ident for ident, used in spent.items() if used > _SHARE])
        delivery = leases.claim(ready.select_related("endpoint__school"), now=at)
        if delivery is None:
            break
        begun = time.monotonic()
        _send(delivery, run, now)
        spent[delivery.endpoint_id] += time.monotonic() - begun
    return run


def _send(delivery: WebhookDelivery, run: Delivered, now: Callable[[], datetime]) -> None:
    endpoint = delivery.endpoint
    body = delivery.body.encode()
    timestamp = int(now().timestamp())
    status: int | None = None
    try:
        status = transport.post(
            endpoint.url,
            body=body,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": USER_AGENT,
                "X-CampusHub-Delivery": str(delivery.pk),
                TIMESTAMP: str(timestamp),
                SIGNATURE: sign(_secrets(endpoint, now()), timestamp=timestamp, body=body),
            },
        )
        error = "" if 200 <= status < 300 else f"answered {status}"
    except (transport.Refused, transport.Unreachable) as failure:
        error = scrub(str(failure))
    except Exception as failure:
        # Whatever is wrong with this one must not keep the others.
        log.exception("webhook_failed", delivery=str(delivery.pk))
        error = scrub(f"{type(failure).__name__}: {failure}")
    if error:
        run.failed += 1
        run.parked += _failed(delivery, error, status, now())
    else:
        run.sent += _sent(delivery, status, now())


def _secrets(endpoint: WebhookEndpoint, now: datetime) -> Iterable[str]:
    yield endpoint.secret
    if endpoint.previous_secret and endpoint.previous_until and now < endpoint.previous_until:
        yield endpoint.previous_secret


@transaction.atomic
def _sent(delivery: WebhookDelivery, status: int | None, now: datetime) -> bool:
    noted = leases.sent(delivery, now=now, response_status=status)
    WebhookEndpoint.objects.filter(pk=delivery.endpoint_id, failures__gt=0).update(
        failures=0, next_try_at=now, last_error=""
    )
    return noted


@transaction.atomic
def _failed(delivery: WebhookDelivery, error: str, status: int | None, now: datetime) -> bool:
    """Whether the endpoint was given up by this."""
    if not leases.failed(delivery, error=error, now=now, response_status=status):
        return False
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=delivery.endpoint_id)
    endpoint.failures += 1
    endpoint.last_error = delivery.last_error
    endpoint.next_try_at = now + leases.pause(endpoint.failures)
    parks = endpoint.failures >= MOST_FAILURES and endpoint.parked_at is None
    if parks:
        endpoint.parked_at = now
    endpoint.save(update_fields=["failures", "last_error", "next_try_at", "parked_at"])
    if parks:
        _tell(endpoint, now)
    return parks


def _tell(endpoint: WebhookEndpoint, now: datetime) -> None:
    with operation(by=None, at=now) as op:
        op.record(
            "webhook.park",
            endpoint,
            school_id=endpoint.school_id,
            before={"parked_at": None},
            after={"parked_at": now},
        )
    office = User.objects.filter(school=endpoint.school_id, role=Role.ADMIN, is_active=True)
    notify(
        kind=PARKED,
        key=f"{PARKED}:{endpoint.pk}:{now:%Y%m%d%H%M}",
        notices=[Notice(pk, {"webhook": str(endpoint)}) for pk in office.values_list("pk", flat=True)],
        school=endpoint.school,
        now=now,
    )


@transaction.atomic
def resend(*, delivery: WebhookDelivery, by: User, now: datetime) -> WebhookDelivery:
    """Try one again that was given up. Raises NotParked for any other, WebhookOff while its endpoint takes none."""
    found = WebhookDelivery.objects.select_for_update(of=("self",)).select_related("endpoint")
    delivery = still_there(found, delivery.pk)
    if delivery.state != SendState.PARKED:
        raise errors.NotParked
    if not delivery.endpoint.is_sending:
        raise errors.WebhookOff
    delivery.state, delivery.attempts, delivery.next_try_at = SendState.WAITING, 0, now
    delivery.save(update_fields=["state", "attempts", "next_try_at"])
    with operation(by=by, at=now) as op:
        op.record(
            "delivery.resend",
            delivery,
            school_id=delivery.school_id,
            before={"state": SendState.PARKED.value},
            after={"state": SendState.WAITING.value},
        )
    return delivery


def wake(endpoint: WebhookEndpoint, now: datetime) -> int:
    """Let everything go to the endpoint that waits for it or was given up; how many were."""
    WebhookDelivery.objects.filter(endpoint=endpoint, state=SendState.FAILED).update(next_try_at=now)
    return WebhookDelivery.objects.filter(endpoint=endpoint, state=SendState.PARKED).update(
        state=SendState.WAITING, attempts=0, next_try_at=now
    )
