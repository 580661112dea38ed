"""Choices of notifications."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Channel(TextChoices):
    IN_APP = "in_app", _("In CampusHub")
    EMAIL = "email", _("E-mail")


class Mode(TextChoices):
    """When a channel tells of something. `DIGEST` is e-mail's alone: once a day, everything together."""

    NOW = "now", pgettext_lazy("notification", "At once")
    DIGEST = "digest", pgettext_lazy("notification", "Once a day")
    OFF = "off", pgettext_lazy("notification", "Off")

    @classmethod
    def of(cls, channel: str) -> list[Mode]:
        """What somebody may choose for a channel."""
        return [cls.NOW, cls.DIGEST, cls.OFF] if channel == Channel.EMAIL else [cls.NOW, cls.OFF]


class SendState(TextChoices):
    """What became of something that leaves the house."""

    WAITING = "waiting", pgettext_lazy("sending", "Waiting")
    SENDING = "sending", pgettext_lazy("sending", "Being sent")
    FAILED = "failed", pgettext_lazy("sending", "Failed, will be tried again")
    SENT = "sent", pgettext_lazy("sending", "Sent")
    PARKED = "parked", pgettext_lazy("sending", "Given up")

    @classmethod
    def open(cls) -> list[SendState]:
        """Neither sent nor given up."""
        return [cls.WAITING, cls.SENDING, cls.FAILED]
