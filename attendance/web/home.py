"""The front door: each role its own page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from accounts.enums import Role
from attendance.web import office, student, teaching
from attendance.web.access import person


@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponseBase:
    role = person(request).role
    if role == Role.STUDENT:
        return student.home(request)
    if role == Role.FACULTY:
        return teaching.today(request)
    if person(request).is_office:
        return office.overview_view(request)
    return render(request, "attendance/integrator_home.html")
