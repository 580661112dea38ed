"""Somebody else stands in for a class's faculty: who is free, and appointing one of them."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from academics.models import Department, Faculty
from accounts.models import User
from attendance import policies
from attendance.enums import SessionStatus
from attendance.models import Session
from attendance.selectors import substitutes
from attendance.selectors.days import describe
from attendance.selectors.sessions import with_details
from attendance.services import arrangement, occupancy
from attendance.web.access import person, session_of
from core import clock
from core.errors import DomainError
from core.web import understood


class SubstituteForm(forms.Form):
    """Who stands in, by employee number; nobody takes the substitute away."""

    faculty = forms.CharField(required=False, max_length=30)


@never_cache
@login_required
def choose(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Faculty who are free when the class is held; sent, one of them, or nobody.

    ``?everybody=1`` looks beyond the department.
    """
    session = session_of(request, pk, policies.can_arrange_session, load=with_details)
    user = person(request)
    if request.method == "POST":
        return _appoint(request, session, user)
    return _page(request, session, user)


def _page(request: HttpRequest, session: Session, user: User, *, status: int = 200) -> HttpResponse:
    department = _department(session)
    everybody = bool(request.GET.get("everybody")) or department is None
    asked = list(substitutes.candidates(session, department=None if everybody else department))
    free = occupancy.free_faculty(session, [teacher.pk for teacher in asked])
    shown = [teacher for teacher in asked if teacher.pk in free and teacher.pk != session.substitute_id]
    return render(
        request,
        "attendance/substitute.html",
        {
            "class": describe(session),
            "department": department,
            "everybody": everybody,
            "can_change": session.status in {SessionStatus.SCHEDULED, SessionStatus.OPEN},
            "back": _address(session, user, department),
            "taken": len(asked) - len(free),
            # Who has least to do that day comes first.
            "free": sorted(
                ({"teacher": teacher, "classes": teacher.classes_that_day} for teacher in shown),  # type: ignore[attr-defined] # annotated
                key=lambda row: row["classes"],
            ),
        },
        status=status,
    )


def _appoint(request: HttpRequest, session: Session, user: User) -> HttpResponse:
    number = understood(SubstituteForm(request.POST))["faculty"].strip()
    teacher = None
    if number:
        teacher = (
            Faculty.objects.select_related("user")
            .filter(school=session.school_id, employee_no__iexact=number)
            .first()
        )
        if teacher is None:
            messages.error(request, _("There is no faculty member with this number."))
            return _page(request, session, user, status=400)
    try:
        arrangement.substitute(session=session, faculty=teacher, by=user, now=clock.now())
    except DomainError as refusal:
        # Somebody was faster: the list is made anew.
        messages.error(request, str(refusal))
        return _page(request, session, user, status=refusal.status)
    messages.success(
        request,
        _("{name} stands in.").format(name=teacher) if teacher else _("The substitute is taken back."),
    )
    return HttpResponseRedirect(_address(session, user, _department(session)))


def _department(session: Session) -> Department | None:
    """Whose course it is; of a class of several the first's."""
    first = next(iter(session.sections.all()), None)
    if first is None or first.course.department_id is None:
        return None
    return Department.objects.select_related("head").filter(pk=first.course.department_id).first()


def _address(session: Session, user: User, department: Department | None) -> str:
    """Where the classes of that day are listed, for whoever may see that list; else home."""
    if department is None or not policies.can_view_department_figures(user, department):
        return reverse("attendance:home")
    query = urlencode({"department": department.code, "day": session.held_on.isoformat()})
    return f"{reverse('attendance:department')}?{query}"
