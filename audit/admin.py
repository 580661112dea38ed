"""The audit trail in Django admin: to read, by the office, never to change."""

from __future__ import annotations

from django.contrib import admin

from audit.models import AuditEntry, AuditSeal, RetentionRun
from core.admin import PolicyAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(PolicyAdmin):
    list_display = ("at", "action", "object_type", "object_id", "actor_id", "actor_kind", "reason")
    list_filter = ("action", "actor_kind")
    search_fields = ("=object_id", "=request_id")
    ordering = ("-at", "-id")
    school_path = "school_id"
    seen_by = ("admin", "superuser")


@admin.register(AuditSeal)
class AuditSealAdmin(PolicyAdmin):
    list_display = ("id", "year", "entries", "sealed_at")
    school_path = ""
    seen_by = ("superuser",)


@admin.register(RetentionRun)
class RetentionRunAdmin(PolicyAdmin):
    list_display = ("at", "table", "year", "school_id", "rows", "held", "duration_ms", "locked_ms")
    list_filter = ("table", "year")
    school_path = "school_id"
    seen_by = ("admin", "superuser")
