"""What the API says of notices, preferences and webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.models import School
from notifications.enums import Channel, Mode
from notifications.models import Notification, WebhookDelivery, WebhookEndpoint
from notifications.selectors import Shown


class NotificationSerializer(serializers.Serializer):
    """A notice, in the language of the request."""

    id = serializers.UUIDField(read_only=True)
    kind = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    body = serializers.CharField(read_only=True, help_text="May be empty.")
    path = serializers.CharField(
        read_only=True, help_text="The page of what it is about, without the host; empty for none."
    )
    data = serializers.JSONField(  # type: ignore[assignment] # a field, until the class is made
        read_only=True, help_text="Ids and names, for programs."
    )
    created_at = serializers.DateTimeField(read_only=True)
    read_at = serializers.DateTimeField(read_only=True, allow_null=True)

    def to_representation(self, pair: tuple[Notification, Shown]) -> dict[str, Any]:
        notice, shown = pair
        return {
            "id": str(notice.pk),
            "kind": notice.kind,
            "title": shown.title,
            "body": shown.body,
            "path": shown.path,
            "data": notice.data,
            "created_at": _local(notice.school, notice.created_at),
            "read_at": _local(notice.school, notice.read_at),
        }


class UnreadSerializer(serializers.Serializer):
    unread = serializers.IntegerField(read_only=True, min_value=0, max_value=100)
    more = serializers.BooleanField(read_only=True, help_text="There are more than `unread` says.")


class ReadSerializer(serializers.Serializer):
    read = serializers.IntegerField(read_only=True, min_value=0, help_text="How many were unread until now.")


class PreferenceSerializer(serializers.Serializer):
    """How one kind of thing is told by one channel."""

    kind = serializers.CharField(max_length=40)
    channel = serializers.ChoiceField(choices=Channel.choices)
    mode = serializers.ChoiceField(choices=Mode.choices, help_text="`digest` is for `email` alone.")


class PreferencesSerializer(serializers.Serializer):
    preferences = serializers.ListField(child=PreferenceSerializer(), max_length=200)


class InSchoolTime:
    """Instants with the offset of the row's school."""

    def to_representation(self, row: Any) -> Any:
        shown = super().to_representation(row)  # type: ignore[misc] # of the serializer beside which it stands
        for name in shown:
            # Not by getattr: that would fetch what the row refers to.
            value = vars(row).get(name)
            if isinstance(value, datetime):
                shown[name] = _local(row.school, value)
        return shown


class WebhookSerializer(InSchoolTime, serializers.ModelSerializer):
    """An endpoint; its secret is shown where it is made and nowhere else."""

    school = serializers.CharField(source="school.code", read_only=True)

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id",
            "school",
            "name",
            "url",
            "kinds",
            "is_active",
            "failures",
            "next_try_at",
            "parked_at",
            "last_error",
            "previous_until",
            "created_at",
        ]
        read_only_fields = fields


class WebhookInputSerializer(serializers.Serializer):
    url = serializers.CharField(max_length=500, help_text="https:// in production; no private address.")
    name = serializers.CharField(max_length=100, allow_blank=True, required=False)
    kinds = serializers.ListField(
        child=serializers.CharField(max_length=40),
        max_length=50,
        required=False,
        help_text="Empty: all, also those that come later.",
    )


class WebhookChangeSerializer(WebhookInputSerializer):
    is_active = serializers.BooleanField(required=False)


class WebhookSecretSerializer(serializers.Serializer):
    webhook = WebhookSerializer()
    secret = serializers.CharField(help_text="Keep it: nobody can show it again.")


class DeliverySerializer(InSchoolTime, serializers.ModelSerializer):
    """One event on its way to one endpoint."""

    body = serializers.CharField(read_only=True, help_text="The very text that is signed and sent.")

    class Meta:
        model = WebhookDelivery
        fields = [
            "id",
            "endpoint",
            "event_id",
            "kind",
            "state",
            "attempts",
            "next_try_at",
            "response_status",
            "last_error",
            "created_at",
            "sent_at",
            "body",
        ]
        read_only_fields = fields


def _local(school: School, instant: datetime | None) -> str | None:
    return None if instant is None else school.local(instant).isoformat()
