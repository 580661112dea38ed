"""The audit trail."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audit.models import AuditEntry


class ActorSerializer(serializers.Serializer):
    username = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)


class AuditEntrySerializer(serializers.ModelSerializer):
    """One change. ``context["actors"]`` maps user ids to users."""

    actor = serializers.SerializerMethodField(help_text="Null for the system, and for people who are gone.")
    before = serializers.DictField(read_only=True, allow_null=True, help_text="Changed fields only.")
    after = serializers.DictField(read_only=True, allow_null=True, help_text="Changed fields only.")

    class Meta:
        model = AuditEntry
        fields = [
            "id",
            "at",
            "operation_id",
            "actor",
            "actor_kind",
            "action",
            "object_type",
            "object_id",
            "before",
            "after",
            "reason",
            "ip",
            "request_id",
        ]
        read_only_fields = fields

    @extend_schema_field(ActorSerializer(allow_null=True))
    def get_actor(self, entry: AuditEntry) -> dict[str, str] | None:
        user = self.context["actors"].get(entry.actor_id)
        return {"username": user.username, "name": user.full_name} if user else None
