from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AttendanceConfig(AppConfig):
    name = "attendance"
    verbose_name = _("Attendance")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import navigation
        from attendance import notices
        from attendance.selectors import approvals, sync_conflicts

        notices.register_all()
        navigation.count_at("attendance:approvals", approvals.waiting_for)
        navigation.count_at("attendance:conflicts", sync_conflicts.waiting_for)
