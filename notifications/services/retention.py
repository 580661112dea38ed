"""What has been read, sent or delivered is forgotten after a while; nobody looks back that far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from notifications.enums import SendState
from notifications.models import Notification, OutgoingMail, Round, WebhookDelivery

#: From the moment it was read.
READ = timedelta(days=90)
#: What nobody has read in a year and a half was of a year that is over.
UNREAD = timedelta(days=550)
#: From the moment it was sent or given up.
SENT = timedelta(days=30)
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Forgotten:
    notices: int
    mails: int
    deliveries: int
    rounds: int


def forget(*, now: datetime) -> Forgotten:
    """Delete what is old, in batches, each in a transaction of its own. What still waits to be sent stays."""
    gone = [SendState.SENT, SendState.PARKED]
    # What an endpoint was meant to hear that nobody has resumed in all that time is no news any more.
    old = WebhookDelivery.objects.filter(created_at__lt=now - SENT).exclude(state=SendState.SENDING)
    nobody_takes = (
        Q(endpoint__is_active=False) | Q(endpoint__parked_at__isnull=False) | Q(school__is_active=False)
    )
    # A person is told once of the same thing: what it was stays known for as long as it could be told again.
    told = Notification.objects.exclude(mail__state__in=SendState.open())
    return Forgotten(
        notices=_delete(told.filter(read_at__lt=now - READ))
        + _delete(told.filter(created_at__lt=now - UNREAD)),
        mails=_delete(OutgoingMail.objects.filter(state__in=gone, created_at__lt=now - SENT)),
        deliveries=_delete(old.filter(Q(state__in=gone) | nobody_takes)),
        rounds=_delete(Round.objects.filter(at__lt=now - UNREAD)),
    )


def _delete(found: QuerySet) -> int:
    count = 0
    while True:
        part = found.model._default_manager.filter(pk__in=list(found.values_list("pk", flat=True)[:_BATCH]))
        gone = part.delete()[1].get(found.model._meta.label, 0)
        count += gone
        if gone < _BATCH:
            return count
