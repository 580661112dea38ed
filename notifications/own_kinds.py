"""The kinds of notices that are about notices themselves."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.enums import Role
from notifications.kinds import Facts, Kind, Text, register
from notifications.services.deliveries import PARKED


def _parked(facts: Facts) -> Text:
    return Text(
        _("The webhook {name} was given up").format(name=facts.data["webhook"]),
        _("It has not answered for about a day. Everything meant for it waits until somebody resumes it."),
        reverse("admin:notifications_webhookendpoint_changelist"),
    )


def register_all() -> None:
    register(
        Kind(PARKED, gettext_lazy("Webhooks that were given up"), "alert", frozenset({Role.ADMIN}), _parked)
    )
