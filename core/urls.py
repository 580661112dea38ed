"""Health, the API's description, and what a browser keeps for when there is no network."""

from __future__ import annotations

from django.urls import path

from core import health, service_worker
from core.api.docs import RedocView, SchemaView, SwaggerView

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("sw.js", service_worker.service_worker, name="service-worker"),
    path("offline/", service_worker.offline, name="offline"),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SwaggerView.as_view(), name="api-docs"),
    path("api/redoc/", RedocView.as_view(), name="api-redoc"),
]
