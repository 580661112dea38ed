"""What a person has read. Of what is read before its e-mail was due, none is sent."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from accounts.models import User
from notifications.models import Notification


def mark_read(*, user: User, now: datetime, only: Collection[UUID] | None = None) -> int:
    """Mark all of a person's notices read, or only these; how many were not. Harmless to repeat."""
    found = Notification.objects.filter(user=user).unread()
    if only is not None:
        found = found.filter(pk__in=only)
    return found.update(read_at=now, mail_due_at=None)
