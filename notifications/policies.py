"""Who may do what with notices and webhooks; nobody but their reader has anything to do with a notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.enums import Role
from accounts.models import School, User

if TYPE_CHECKING:
    from notifications.models import Notification, WebhookDelivery, WebhookEndpoint


def can_read_notice(user: User, notice: Notification) -> bool:
    return notice.user_id == user.pk


def can_manage_webhooks(user: User, school: School | None) -> bool:
    """The office, and programs that the school lets in."""
    if school is None or not user.may_reach(school.pk):
        return False
    return user.is_office or user.role == Role.INTEGRATOR


def can_see_webhooks(user: User) -> bool:
    """Whether this person has anything to do with webhooks at all."""
    return user.is_office or user.role == Role.INTEGRATOR


def can_change_webhook(user: User, endpoint: WebhookEndpoint) -> bool:
    return can_manage_webhooks(user, endpoint.school)


def can_resend(user: User, delivery: WebhookDelivery) -> bool:
    return can_manage_webhooks(user, delivery.school)


def can_resend_mail(user: User, school: School) -> bool:
    """Try a mail again that was given up: the office."""
    return user.is_office and user.may_reach(school.pk)
