from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Notifications")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.selectors import ask_along
        from notifications import own_kinds, selectors

        own_kinds.register_all()
        ask_along(selectors.UNREAD, selectors.unread_subquery())
