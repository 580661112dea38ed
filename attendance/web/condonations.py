"""A student's condonation: what became of it, and the form to apply for it."""

from __future__ import annotations

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
from attendance import policies
from attendance.enums import Band, CondonationStatus
from attendance.evidence_files import download, upload_of
from attendance.models import CondonationRequest
from attendance.selectors import condonations as shown
from attendance.selectors import figures
from attendance.selectors.figures import CourseFigures, StudentSummary
from attendance.services import condonations
from attendance.services.evidence import MOST_BYTES
from attendance.web.access import person, request_of, student_of
from attendance.web.request_forms import CondonationForm, add_refusal
from core import clock
from core.errors import DomainError
from core.web import attempt, back_to

_PAGE = 20


@never_cache
@login_required
def own(request: HttpRequest) -> HttpResponse:
    """What the student applied for, newest first, and in which courses they may."""
    student = student_of(request)
    mine = shown.with_people(CondonationRequest.objects.filter(student=student))
    page = Paginator(mine.order_by("-requested_at", "-pk"), _PAGE).get_page(request.GET.get("page"))
    summary = _summary(student)
    return render(
        request,
        "attendance/condonation.html",
        {
            "page": page,
            "floor": summary.floor,
            "threshold": summary.threshold,
            "courses": _open_courses(summary),
            "rows": [
                {
                    "condonation": condonation,
                    "ident": str(condonation.pk),
                    "open": condonation.status in CondonationStatus.undecided(),
                    "way": _way(condonation),
                }
                for condonation in page
            ],
        },
    )


@never_cache
@login_required
def apply(request: HttpRequest) -> HttpResponse:
    """The form, ``?course=CODE`` chosen in it; sent, an application."""
    student = student_of(request)
    summary = _summary(student)
    courses = _open_courses(summary)
    if request.method != "POST":
        wanted = (one.course_id for one in courses if one.code == request.GET.get("course"))
        form = CondonationForm(initial={"course": next(wanted, None)}, offered=courses, known=summary.courses)
        return _form_page(request, summary, form, courses)
    form = CondonationForm(request.POST, request.FILES, offered=courses, known=summary.courses)
    status = _refused(request, form, summary)
    return (
        _form_page(request, summary, form, courses, status) if status else back_to("attendance:condonation")
    )


@require_POST
@login_required
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    student_of(request)
    condonation = request_of(request, CondonationRequest, pk, policies.can_cancel_request)
    attempt(
        request,
        lambda: condonations.cancel(condonation=condonation, by=person(request), now=clock.now()),
        success=_("The application is cancelled."),
    )
    return back_to("attendance:condonation")


@require_GET
@login_required
def file(request: HttpRequest, pk: UUID) -> FileResponse:
    """The attached file as a download, for the student and for those who have a say."""
    return download(request_of(request, CondonationRequest, pk, policies.can_read_request))


def _summary(student: Student) -> StudentSummary:
    today = student.school.local_date(clock.now())
    term = figures.term_for(school=student.school, on=today)
    return figures.student_summary(student=student, term=term, on=today)


def _open_courses(summary: StudentSummary) -> list[CourseFigures]:
    """Courses of the term in which the student may apply and has not."""
    taken = shown.standing_of(summary.student, summary.term) if summary.term else {}
    return [
        course
        for course in summary.courses
        if course.figures.band == Band.CONDONABLE and course.course_id not in taken
    ]


def _way(condonation: CondonationRequest) -> list[dict[str, Any]]:
    """How far an application that stands has come; nothing of one that was refused or taken back."""
    if condonation.status not in CondonationStatus.standing():
        return []
    approved_at = condonation.reviewed_at if condonation.status == CondonationStatus.APPROVED else None
    steps = [
        (_("applied"), condonation.requested_at),
        (_("recommended"), condonation.recommended_at),
        (_("approved"), approved_at),
    ]
    if approved_at is not None:
        # Where nobody heads the department the office approves what nobody recommended.
        steps = [step for step in steps if step[1] is not None]
    return [{"label": label, "at": at} for label, at in steps]


def _form_page(
    request: HttpRequest,
    summary: StudentSummary,
    form: CondonationForm,
    courses: list[CourseFigures],
    status: int = 200,
) -> HttpResponse:
    return render(
        request,
        "attendance/condonation_form.html",
        {
            "form": form,
            "courses": courses,
            "floor": summary.floor,
            "threshold": summary.threshold,
            "file_lost": bool(request.FILES),
            "most_bytes": MOST_BYTES,
        },
        status=status,
    )


def _refused(request: HttpRequest, form: CondonationForm, summary: StudentSummary) -> int | None:
    """Send the form in. The HTTP status of a refusal, which then stands beside its field; None when it is done."""
    # In a school without terms there is no course to choose either.
    if not form.is_valid() or summary.term is None:
        return 400
    values = {**form.cleaned_data, "upload": upload_of(form.cleaned_data["file"])}
    del values["file"]
    try:
        condonations.apply(
            student=summary.student, term=summary.term, by=person(request), now=clock.now(), **values
        )
    except DomainError as refusal:
        add_refusal(form, refusal, other="course")
        return refusal.status
    messages.success(request, _("Your application is sent. Here you see what becomes of it."))
    return None
