"""The audit trail for the office: who did what, when and why, and how far it is sealed."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.models import School
from attendance import policies
from attendance.selectors import trail
from attendance.web.access import person
from attendance.web.office import school_of
from attendance.web.trail_forms import TrailForm
from core.web import understood


@never_cache
@require_GET
@login_required
def audit(request: HttpRequest) -> HttpResponse:
    """Operations with their entries, latest first; ``?operation=`` shows all of one."""
    user = person(request)
    if not user.is_office:
        raise PermissionDenied
    school = school_of(request)
    if not policies.can_view_audit(user, school.pk):
        raise PermissionDenied
    form = TrailForm(request.GET)
    wanted = understood(form)
    found = trail.matching(
        school,
        object_type=wanted["object_type"],
        object_id=wanted["object_id"].strip(),
        actor=wanted["actor"].strip(),
        action=wanted["action"].strip(),
        operation=wanted["operation"],
        since=_midnight(school, wanted["first"]),
        until=_midnight(school, wanted["until"], days=1),
    )
    page = trail.page_of(found, cursor=request.GET.get("cursor", ""), school=school)
    asked = [name for name in form.fields if wanted.get(name)]
    return render(
        request,
        "attendance/audit.html",
        {
            "form": form,
            "operations": page.operations,
            "cursor": page.cursor,
            "asked": asked,
            "operation": wanted["operation"],
            "first_page": not request.GET.get("cursor"),
            "seals": trail.seals(),
        },
    )


def _midnight(school: School, day: object, *, days: int = 0) -> datetime | None:
    """The beginning of that day of the school, or of one some days later."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=days), time(0), school.tz)  # type: ignore[operator, arg-type] # a date
