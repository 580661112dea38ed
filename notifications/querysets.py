"""Filters of notifications, and who sees what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models

from accounts.enums import Role

if TYPE_CHECKING:
    from accounts.models import User


class NotificationQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """One's own, and of those what is shown in CampusHub: nobody reads another's notices."""
        return self.filter(user=user, in_app=True)

    def unread(self) -> Self:
        return self.filter(in_app=True, read_at__isnull=True)


class OfficeQuerySet(models.QuerySet[Any]):
    """What the office sees of its own school, and operators of every school."""

    def visible_to(self, user: User) -> Self:
        if user.role == Role.SUPERUSER:
            return self
        return self.filter(school_id=user.school_id) if user.is_office else self.none()


class WebhookQuerySet(models.QuerySet[Any]):
    """What the office and the school's integrators see."""

    def visible_to(self, user: User) -> Self:
        if user.role == Role.SUPERUSER:
            return self
        mine = self.filter(school_id=user.school_id)
        return mine if user.is_office or user.role == Role.INTEGRATOR else self.none()
