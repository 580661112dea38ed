"""Filters of notices and deliveries."""

from __future__ import annotations

from typing import Any

import django_filters

from notifications.enums import SendState
from notifications.models import Notification, WebhookDelivery


class NotificationFilterSet(django_filters.FilterSet):
    unread = django_filters.BooleanFilter(field_name="read_at", lookup_expr="isnull")
    kind = django_filters.CharFilter(field_name="kind", max_length=40)

    class Meta:
        model = Notification
        fields: list[Any] = []


class DeliveryFilterSet(django_filters.FilterSet):
    endpoint = django_filters.UUIDFilter(field_name="endpoint")
    state = django_filters.ChoiceFilter(choices=SendState.choices)
    kind = django_filters.CharFilter(field_name="kind", max_length=40)

    class Meta:
        model = WebhookDelivery
        fields: list[Any] = []
