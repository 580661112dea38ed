"""Filters of notices and deliveries."""

from __future__ import annotations

from typing import Any

from django_filters import rest_framework as filters

from core.api.truth import TruthFilter
from notifications.enums import SendState
from notifications.models import Notification, WebhookDelivery


class NotificationFilterSet(filters.FilterSet):
    unread = TruthFilter(field_name="read_at", lookup_expr="isnull")
    kind = filters.CharFilter(field_name="kind", max_length=40)

    class Meta:
        model = Notification
        fields: list[Any] = []


class DeliveryFilterSet(filters.FilterSet):
    endpoint = filters.UUIDFilter(field_name="endpoint")
    state = filters.ChoiceFilter(choices=SendState.choices)
    kind = filters.CharFilter(field_name="kind", max_length=40)

    class Meta:
        model = WebhookDelivery
        fields: list[Any] = []
