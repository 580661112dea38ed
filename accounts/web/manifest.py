"""The site as an app on a phone or laptop."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.navigation import items_for


@require_safe
@never_cache
def manifest(request: HttpRequest) -> JsonResponse:
    """The site as an app, in the language of whoever installs it; what they need most is a shortcut."""
    user = request.user
    places = items_for(user, "") if isinstance(user, User) else ()
    return JsonResponse(
        {
            "id": "/",
            "name": "CampusHub",
            "short_name": "CampusHub",
            "description": _("Classes, marks and percentages of your college."),
            "start_url": reverse("attendance:home"),
            "scope": "/",
            "display": "standalone",
            "background_color": "#f6f7fb",
            "theme_color": "#4353d6",
            "icons": [
                {"src": static("img/mark.svg"), "type": "image/svg+xml", "sizes": "any"},
                {"src": static("img/icon-192.png"), "type": "image/png", "sizes": "192x192"},
                {"src": static("img/icon-512.png"), "type": "image/png", "sizes": "512x512"},
                {
                    "src": static("img/icon-maskable-512.png"),
                    "type": "image/png",
                    "sizes": "512x512",
                    "purpose": "maskable",
                },
            ],
            "shortcuts": [
                {
                    "name": str(place.label),
                    "url": place.url,
                    "icons": [{"src": static("img/icon-192.png"), "sizes": "192x192", "type": "image/png"}],
                }
                for place in places
                if place.url != reverse("attendance:home")
            ],
        },
        content_type="application/manifest+json",
    )
