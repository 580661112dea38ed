"""Addresses below /api/v1/notifications/."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from notifications.api.views import NotificationViewSet, PreferencesView
from notifications.api.webhooks import DeliveryViewSet, WebhookViewSet

# Before the notices themselves, whose ids could be anything.
_named = SimpleRouter()
_named.register("webhooks", WebhookViewSet, basename="notification-webhook")
_named.register("deliveries", DeliveryViewSet, basename="notification-delivery")

_own = SimpleRouter()
_own.register("", NotificationViewSet, basename="notification")

urlpatterns = [
    path("preferences/", PreferencesView.as_view(), name="notification-preferences"),
    *_named.urls,
    *_own.urls,
]
