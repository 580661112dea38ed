"""Pages of the school office: the day at a glance, and the rules."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from accounts.models import School
from attendance import policies
from attendance.models import AttendanceConfiguration
from attendance.selectors import days, figures, overview
from attendance.services import configuration as rules
from attendance.web.access import person
from attendance.web.forms import ConfigurationForm
from core import clock
from core.errors import DomainError
from core.web import back_to

_TREND_DAYS = 20


def overview_of(school: School) -> dict[str, Any]:
    """Everything the Overview shows."""
    now = clock.now()
    today = school.local_date(now)
    term = figures.term_for(school=school, on=today)
    configuration = rules.ensure(school)
    day, attention = overview.at_a_glance(school, today)
    trend = overview.trend(school, today - timedelta(days=_TREND_DAYS), today)
    percentage = trend[-1].percentage if trend and trend[-1].day == today else None
    return {
        "today": today,
        "threshold": configuration.attendance_threshold_percent,
        "stats": _stats(day, percentage),
        "trend": [
            {
                "label": date_format(item.day, "j M"),
                "value": item.percentage,
                "note": ngettext("{n} class", "{n} classes", item.held).format(n=item.held),
            }
            for item in trend
        ],
        "running": [
            {
                **{name: getattr(view, name) for name in view.__slots__},
                "faculty": view.substitute or view.faculty,
                "here": counts.present + counts.late,
                "total": counts.total,
            }
            for view, counts in days.running([school.pk])
        ],
        "attention": _attention(attention),
        "sections": [
            {
                "id": row.section_id,
                "course": row.course,
                "section": row.group,
                "faculty": row.faculty,
                "percentage": row.percentage,
                "band": row.band,
                "below": row.below,
                "students": row.students,
            }
            for row in overview.lowest_sections(school, term.pk if term else None, today)
        ],
    }


def overview_page(request: HttpRequest, school: School) -> HttpResponse:
    return render(request, "attendance/admin_overview.html", overview_of(school))


def _stats(day: overview.DayFigures, percentage: Decimal | None) -> list[dict[str, Any]]:
    return [
        {
            "label": _("Classes today"),
            "value": day.planned,
            "unit": "",
            "hint": _cancelled(day.cancelled),
            "tone": "",
        },
        {"label": _("Open now"), "value": day.running, "unit": "", "hint": "", "tone": ""},
        {"label": _("Held"), "value": day.held, "unit": "", "hint": "", "tone": ""},
        {"label": _("Students seen"), "value": day.students_seen, "unit": "", "hint": "", "tone": ""},
        {
            "label": _("Attendance today"),
            "value": "–" if percentage is None else percentage,
            "unit": "" if percentage is None else "%",
            "hint": "",
            "tone": "",
        },
    ]


def _cancelled(number: int) -> str:
    if not number:
        return ""
    return ngettext("{n} cancelled", "{n} cancelled", number).format(n=number)


def _attention(found: overview.Attention) -> list[dict[str, Any]]:
    items = []
    waiting, on_holidays = found.unconfirmed, found.held_on_holidays
    if waiting:
        items.append(
            {
                "count": waiting,
                "text": ngettext(
                    "class was never opened: was it held?",
                    "classes were never opened: were they held?",
                    waiting,
                ),
                "url": reverse("admin:attendance_session_changelist") + "?status__exact=unconfirmed",
                "action": _("Show"),
            }
        )
    if on_holidays:
        items.append(
            {
                "count": on_holidays,
                "text": ngettext("class was held on a holiday", "classes were held on holidays", on_holidays),
                "url": reverse("admin:attendance_session_changelist") + "?status__exact=closed",
                "action": _("Show"),
            }
        )
    return items


def school_of(request: HttpRequest) -> School:
    """The school whose office this is; an operator of several looks at the first, or at ``?school=CODE``."""
    user = person(request)
    if user.school is not None:
        return user.school
    schools = School.objects.visible_to(user).filter(is_active=True).order_by("pk")
    chosen = schools.filter(code__iexact=request.GET.get("school", "")).first() or schools.first()
    if chosen is None:
        raise PermissionDenied
    timezone.activate(chosen.tz)
    return chosen


def overview_view(request: HttpRequest) -> HttpResponse:
    return overview_page(request, school_of(request))


@never_cache
@login_required
def configuration(request: HttpRequest) -> HttpResponse:
    """Every rule of the school with its meaning; saved as a whole, refused when somebody else was faster."""
    if not person(request).is_office:
        raise PermissionDenied
    school = school_of(request)
    row = rules.ensure(school)
    form = ConfigurationForm(
        request.POST or None,
        instance=AttendanceConfiguration.objects.get(pk=row.pk),
        initial={"version": row.version},
    )
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                rules.update(
                    configuration=row,
                    changes=form.changes(),
                    version=form.cleaned_data["version"],
                    by=person(request),
                    now=clock.now(),
                )
            except DomainError as refusal:
                # The page comes back with everything that was typed.
                form.add_error(refusal.attr if refusal.attr in form.fields else None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("The rules are saved."))
                return back_to("attendance:configuration")
        else:
            status = 400
    return render(
        request,
        "attendance/admin_configuration.html",
        {
            "form": form,
            "can_edit": policies.can_configure(person(request), school.pk),
            "updated_at": row.updated_at,
            "updated_by": "",
        },
        status=status,
    )
