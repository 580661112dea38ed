"""Names of the background tasks of notifications."""

from __future__ import annotations

SEND_MAIL = "notifications.send_mail"
SEND_WEBHOOKS = "notifications.send_webhooks"
FORGET = "notifications.forget"
