"""Django admin under our own roof: who may enter, what it is called."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class CampusAdminSite(AdminSite):
    site_header = _("CampusHub")
    site_title = _("CampusHub")
    index_title = _("Data")

    def has_permission(self, request: HttpRequest) -> bool:
        """Faculty, school office and operators; what they see inside is up to the policies."""
        return request.user.is_active and request.user.is_staff

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The one sign-in page of the site; 403 for somebody who is signed in but has no business here."""
        # Imported here: the site is made before the models are.
        from django.contrib.auth.views import redirect_to_login

        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
        if self.has_permission(request):
            return redirect("admin:index")
        raise PermissionDenied


class CampusAdminConfig(AdminConfig):
    default_site = "campushub.admin_site.CampusAdminSite"

    def ready(self) -> None:
        super().ready()
        from django.contrib.admin import site
        from django.contrib.auth.models import Group

        # Rights follow from roles and policies: Django's groups would be a second answer to the same question.
        site.unregister(Group)
