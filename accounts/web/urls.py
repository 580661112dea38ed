"""Addresses of the pages of accounts."""

from __future__ import annotations

from django.urls import path

from accounts.web import views

app_name = "accounts"

urlpatterns = [
    path("login/", views.SignInView.as_view(), name="login"),
    path("logout/", views.sign_out, name="logout"),
    path("more/", views.more, name="more"),
    path("language/", views.choose_language, name="language"),
]
