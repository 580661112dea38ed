"""Addresses of the pages of notifications, below /notices/."""

from __future__ import annotations

from django.urls import path

from notifications.web import views

app_name = "notifications"

urlpatterns = [
    path("", views.notices, name="notices"),
    path("read/", views.read_all, name="read_all"),
    path("preferences/", views.preferences, name="preferences"),
    path("<uuid:pk>/", views.open_notice, name="open"),
]
