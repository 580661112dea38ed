"""Addresses of the whole site: each app brings its own."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from attendance.web import iclock
from attendance.web.scan import open_code

handler400 = "core.faults.bad_request"
handler403 = "core.faults.permission_denied"
handler404 = "core.faults.page_not_found"
handler500 = "core.faults.server_error"

_api = [
    path("attendance/", include("attendance.api.urls")),
    path("notifications/", include("notifications.api.urls")),
    path("", include("accounts.api.urls")),
    path("", include("academics.api.urls")),
]

# Where the makers of readers want them; below /r/ for readers that call from anywhere.
_readers = [
    path("cdata", iclock.cdata, name="cdata"),
    path("getrequest", iclock.getrequest, name="getrequest"),
    path("devicecmd", iclock.devicecmd, name="devicecmd"),
]

urlpatterns = [
    # First and behind one prefix: addresses are tried in order, and none are asked for as often as these.
    path("api/v1/", include(_api)),
    path("", include("core.urls")),
    path("admin/", admin.site.urls),
    path("", include("accounts.web.urls")),
    path("notices/", include("notifications.web.urls")),
    path("", include("attendance.web.urls")),
    path("iclock/", include((_readers, "iclock"))),
    path("r/<str:key>/iclock/", include((_readers, "iclock"), namespace="iclock_by_key")),
    # Short, because it is what the code on the wall is made of.
    path("s/<str:token>", open_code, name="scan_code"),
]
