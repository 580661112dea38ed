"""A student's leave: what became of it, and the form to ask for it."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from academics.models import Student
from attendance import errors, policies
from attendance.enums import LeaveStatus
from attendance.evidence_files import download, upload_of
from attendance.models import LeaveApplication
from attendance.selectors import leaves as shown
from attendance.services import leaves
from attendance.services.evidence import MOST_BYTES
from attendance.web.access import person, request_of, student_of
from attendance.web.leave_forms import DaysForm, LeaveForm, described
from core import clock
from core.errors import DomainError, InvalidTransition
from core.web import attempt, back_to

_PAGE = 20


@never_cache
@login_required
def own(request: HttpRequest) -> HttpResponse:
    """The student's applications, newest first."""
    student = student_of(request)
    mine = shown.with_people(LeaveApplication.objects.filter(student=student))
    page = Paginator(mine.order_by("-applied_at", "-pk"), _PAGE).get_page(request.GET.get("page"))
    found = list(page)
    shown.load_classes(found)
    effects = shown.effects(found)
    return render(
        request,
        "attendance/leave.html",
        {
            "page": page,
            "rows": [
                {
                    "leave": leave,
                    "ident": str(leave.pk),
                    "made": effects[leave.pk].made if leave.pk in effects else 0,
                    "open": leave.status == LeaveStatus.PENDING,
                }
                for leave in found
            ],
        },
    )


@never_cache
@login_required
def apply(request: HttpRequest) -> HttpResponse:
    """The empty form; sent, an application."""
    return _form_page(request, student_of(request), None)


@never_cache
@login_required
def change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same form over an application that nobody has decided yet."""
    student = student_of(request)
    leave = request_of(request, LeaveApplication, pk, policies.can_change_leave)
    if leave.status != LeaveStatus.PENDING and request.method != "POST":
        return _too_late(request)
    return _form_page(request, student, leave)


@require_POST
@login_required
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    student_of(request)
    leave = request_of(request, LeaveApplication, pk, policies.can_change_leave)
    attempt(
        request,
        lambda: leaves.cancel(leave=leave, by=person(request), now=clock.now()),
        success=_("The application is cancelled."),
    )
    return back_to("attendance:leave")


@require_GET
@login_required
def file(request: HttpRequest, pk: UUID) -> FileResponse:
    """The attached file as a download, for the student and for whoever decides."""
    return download(request_of(request, LeaveApplication, pk, policies.can_read_leave))


@never_cache
@require_GET
@login_required
def classes(request: HttpRequest) -> HttpResponse:
    """The part of the form that offers the classes of the chosen day."""
    student = student_of(request)
    day = DaysForm(request.GET).single_day()
    return render(
        request,
        "attendance/_leave_classes.html",
        _choice(student, day, request.GET.getlist("sessions")),
    )


def _form_page(request: HttpRequest, student: Student, leave: LeaveApplication | None) -> HttpResponse:
    """The form as it is asked for, or after a refusal with everything that was typed but the file."""
    status = 200
    if request.method != "POST":
        known = {} if leave is None else described(leave)
        form = LeaveForm(initial=known, student=student)
        day, ticked = DaysForm(known).single_day(), known.get("sessions", [])
    else:
        day, ticked = DaysForm(request.POST).single_day(), request.POST.getlist("sessions")
        if "show_classes" in request.POST:
            # Nothing is judged yet: the classes of the day are wanted first.
            form = LeaveForm(initial=request.POST.dict(), student=student)
        else:
            form = LeaveForm(request.POST, request.FILES, student=student)
            refusal = _refused(request, form, student, leave)
            if refusal is None:
                return back_to("attendance:leave")
            status = refusal
    return render(
        request,
        "attendance/leave_form.html",
        {
            "form": form,
            "leave": leave,
            "file_lost": bool(request.FILES),
            "most_bytes": MOST_BYTES,
            **_choice(student, day, ticked),
        },
        status=status,
    )


def _refused(
    request: HttpRequest, form: LeaveForm, student: Student, leave: LeaveApplication | None
) -> int | None:
    """Send the form in. The HTTP status of a refusal, which then stands beside its field; None when it is done."""
    if not form.is_valid():
        return 400
    values = {**form.values(), "upload": upload_of(form.cleaned_data["file"])}
    try:
        if leave is None:
            leaves.apply_for(student=student, by=person(request), now=clock.now(), **values)
        else:
            leaves.change(leave=leave, changes=values, by=person(request), now=clock.now())
    except InvalidTransition:
        # Somebody decided while the form was open: the list says how.
        _too_late(request)
        return None
    except DomainError as refusal:
        form.add_error(_field_of(refusal, form), str(refusal))
        return refusal.status
    messages.success(
        request,
        _("Your application is sent. Here you see what becomes of it.")
        if leave is None
        else _("The application is changed."),
    )
    return None


def _too_late(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("This application is decided and cannot be changed any more."))
    return back_to("attendance:leave")


def _field_of(refusal: DomainError, form: LeaveForm) -> str | None:
    """Beside which field a refusal stands."""
    if isinstance(refusal, errors.LeaveOverlaps):
        return "from_date"
    return refusal.attr if refusal.attr in form.fields else None


def _choice(student: Student, day: date | None, ticked: list[str]) -> dict[str, Any]:
    """What `_leave_classes.html` shows: the classes of a single day, and which of them are chosen."""
    return {
        "day": day,
        "classes": [
            {"view": view, "ticked": str(view.id) in ticked}
            for view in (shown.classes_to_choose(student, day) if day else [])
        ],
    }
