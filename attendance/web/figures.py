"""Classes in figures: who is below the threshold, a section, a department."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from academics.models import Department, Section, Term
from accounts.enums import Role
from accounts.models import School, User
from attendance import policies
from attendance.selectors import anomalies, substitutes
from attendance.selectors.course_summary import Bar, course_summary
from attendance.selectors.departments import department_summary
from attendance.selectors.figures import term_for
from attendance.selectors.shortage import BELOW, Shortages
from attendance.selectors.trends import Trend
from attendance.services import configuration as rules
from attendance.web.access import person
from attendance.web.forms import ShortageForm
from attendance.web.office import school_of
from core import clock
from core.web import understood

_PAGE = 30
#: So many days of classes the page of a department offers, today included.
DAYS_AHEAD = 7


@require_GET
@login_required
def shortage(request: HttpRequest) -> HttpResponse:
    """Students below the threshold in the sections that one may see, who needs most classes first."""
    user = person(request)
    if not policies.can_view_summaries(user):
        raise PermissionDenied
    school = school_of(request)
    today = school.local_date(clock.now())
    term = term_for(school=school, on=today)
    sections = sections_of(user, school, term)
    departments = departments_of(user, school)
    form = ShortageForm(request.GET, sections=sections, departments=departments)
    wanted = understood(form)
    section, department, band = wanted["section"], wanted.get("department"), wanted["band"]
    asked = [section] if section else list(sections)
    if department:
        asked = [one for one in asked if one.course.department_id == department.pk]
    found: Sequence[Any] = []
    if term is not None:
        found = Shortages(
            sections=[one.pk for one in asked], term=term, today=today, bands=[band] if band else BELOW
        )
    # Theirs are few enough to be named one by one; the office finds hundreds in the form.
    named = user.role == Role.FACULTY and section is None
    page = Paginator(found, _PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "attendance/shortage.html",
        {
            "term": term,
            "threshold": rules.ensure(school).attendance_threshold_percent,
            "form": form,
            "band": band,
            "bands": BELOW,
            "section": section,
            "department": department,
            "page": page,
            "named": sections if named else [],
        },
    )


@require_GET
@login_required
def section(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One section: its average, how its students are spread, the weeks, and each student."""
    user = person(request)
    sections = Section.objects.select_related("course", "cohort", "term", "school", "faculty__user")
    found = sections.filter(pk=pk).first()
    if found is None or not user.may_reach(found.school_id):
        raise Http404
    if not policies.can_view_section_figures(user, found):
        raise PermissionDenied
    timezone.activate(found.school.tz)
    today = found.school.local_date(clock.now())
    summary = course_summary(course=found.course, term=found.term, sections=[found.pk], today=today)
    return render(
        request,
        "attendance/section_figures.html",
        {
            "section": found,
            "term": found.term,
            "threshold": summary.threshold,
            "sessions": summary.sessions,
            "average": summary.average,
            "bands": summary.bands,
            "stats": _stats(summary.average.percentage, summary.bands),
            "distribution": _distribution(summary.histogram),
            "most": _round_up(max(bar.students for bar in summary.histogram)),
            "students": summary.students,
            "anomalies": _anomalies(user, found, today),
            **_weeks(summary.trend),
        },
    )


@require_GET
@login_required
def department(request: HttpRequest) -> HttpResponse:
    """All sections of a department, for its head and the office; ``?department=CODE`` chooses one of several."""
    user = person(request)
    if not policies.can_view_summaries(user):
        raise PermissionDenied
    school = school_of(request)
    departments = list(departments_of(user, school))
    if not departments and user.role == Role.FACULTY:
        raise PermissionDenied
    code = request.GET.get("department")
    chosen = next((one for one in departments if code in (None, one.code)), None)
    if chosen is None and code is not None:
        raise Http404
    today = school.local_date(clock.now())
    term = term_for(school=school, on=today)
    summary = department_summary(department=chosen, term=term, today=today) if chosen else None
    day = _day_within_a_week(request.GET.get("day", ""), today)
    return render(
        request,
        "attendance/department_figures.html",
        {
            "departments": departments,
            "department": chosen,
            "term": term,
            "threshold": rules.ensure(school).attendance_threshold_percent,
            "sections": summary.sections if summary else [],
            "today": today,
            "day": day,
            "days": [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD)],
            "classes": substitutes.classes_of(chosen, day) if chosen else [],
            **_weeks(summary.trend if summary else Trend([], None)),
        },
    )


def _anomalies(user: User, section: Section, today: date) -> int:
    """Cases of the last week that wait for this person, of their classes of the section."""
    if not policies.can_view_anomalies(user):
        return 0
    classes = anomalies.classes_of(user=user, school=section.school, section=section.pk, today=today)
    return len(anomalies.find(classes, school=section.school))


def _day_within_a_week(text: str, today: date) -> date:
    """The day that is asked for; today for what is none of the coming week's."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if today <= day < today + timedelta(days=DAYS_AHEAD) else today


def sections_of(user: User, school: School, term: Term | None) -> QuerySet[Section]:
    """The sections of the term that the person may see, by course and group."""
    mine = Section.objects.visible_to(user).filter(school=school, term=term).values("pk")
    found: QuerySet[Section] = (
        Section.objects.filter(pk__in=mine)
        .select_related("course", "cohort")
        .order_by("course__title", "cohort__code", "name")
    )
    return found


def departments_of(user: User, school: School) -> QuerySet[Department]:
    """Those whose figures the person may see: faculty the ones they head, the office all."""
    found: QuerySet[Department] = Department.objects.filter(school=school).order_by("name")
    return found.filter(head__user=user) if user.role == Role.FACULTY else found


def _stats(percentage: Any, bands: Any) -> list[dict[str, Any]]:
    return [
        {
            "label": _("Class average"),
            "value": "–" if percentage is None else percentage,
            "unit": "" if percentage is None else "%",
            "hint": "",
            "tone": "",
        },
        {"label": _("Clear"), "value": bands.clear, "unit": "", "hint": "", "tone": "present"},
        {"label": _("Condonable"), "value": bands.condonable, "unit": "", "hint": "", "tone": "late"},
        {"label": _("Shortage"), "value": bands.shortage, "unit": "", "hint": "", "tone": "absent"},
    ]


def _distribution(histogram: list[Bar]) -> list[dict[str, Any]]:
    return [{"label": f"{bar.low}–{bar.high}", "value": bar.students} for bar in histogram]


def _round_up(number: int) -> int:
    """The end of an axis with four steps that are whole numbers."""
    return max(4, math.ceil(number / 4) * 4)


def _weeks(trend: Trend) -> dict[str, Any]:
    """The trend as a chart has it, each week by its Monday, and how old it is."""
    return {
        "weeks": [
            {
                "label": date_format(week.monday, "j M"),
                "value": week.percentage,
                "note": ngettext("{n} class", "{n} classes", week.sessions).format(n=week.sessions),
            }
            for week in trend.weeks
        ],
        "as_of": trend.as_of,
    }
