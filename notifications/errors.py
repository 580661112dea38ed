"""Refusals of notifications."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core import db
from core.errors import DomainError


class UnknownKind(DomainError):
    code = "unknown_kind"
    message = _("There is no such kind of notice: {kind}.")
    status = 400


class UnknownMode(DomainError):
    code = "unknown_mode"
    message = _("“{mode}” cannot be chosen for {channel}.")
    status = 400


class AddressRefused(DomainError):
    """The address of a webhook is none that we may send to."""

    code = "address_refused"
    message = _("We do not send to this address: {reason}")
    status = 400

    def __init__(self, *, reason: object) -> None:
        super().__init__(attr="url", reason=reason)


class WebhookExists(DomainError):
    code = "webhook_exists"
    message = _("This school has a webhook with that address.")

    def __init__(self, **context: object) -> None:
        super().__init__(attr="url")


class TooManyWebhooks(DomainError):
    code = "too_many_webhooks"
    message = _("A school has {most} webhooks at most.")


class WebhookOff(DomainError):
    code = "webhook_off"
    message = _("The webhook is switched off or given up. Switch it on first.")


class NotParked(DomainError):
    code = "not_parked"
    message = _("Only what was given up can be tried again.")


db.register({"webhook_url_once": WebhookExists})
