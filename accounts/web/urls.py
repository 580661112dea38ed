"""Addresses of the pages of accounts."""

from __future__ import annotations

from django.urls import path

from accounts.web import views
from accounts.web.manifest import manifest

app_name = "accounts"

urlpatterns = [
    path("login/", views.SignInView.as_view(), name="login"),
    path("logout/", views.sign_out, name="logout"),
    path("more/", views.more, name="more"),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("language/", views.choose_language, name="language"),
]
