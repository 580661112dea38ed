"""What leaves the house, every minute; what is forgotten, every night."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from core import clock
from core.tasks import scheduled
from notifications import jobs
from notifications.services import deliveries, mails, retention

_MINUTE = timedelta(minutes=1)


class MailServerAway(Exception):
    """Mail waits; the next run tries again. Raised so that the health page tells."""


@scheduled(jobs.SEND_MAIL, every=_MINUTE)
def send_mail() -> dict[str, Any]:
    """Put mails together, and send those that are due."""
    made = mails.gather(now=clock.now())
    run = mails.deliver()
    if run.server_away:
        raise MailServerAway(f"sent {run.sent}, the rest waits")
    return {"made": made, "sent": run.sent, "failed": run.failed}


@scheduled(jobs.SEND_WEBHOOKS, every=_MINUTE)
def send_webhooks() -> dict[str, int]:
    """Send the events that are due."""
    return asdict(deliveries.deliver())


@scheduled(jobs.FORGET, every=timedelta(days=1), nightly=True)
def forget() -> dict[str, int]:
    """Forget what was read and sent long ago."""
    return asdict(retention.forget(now=clock.now()))
