"""A student's corrections: what became of them, and the form to say that a mark is wrong."""

from __future__ import annotations

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
from attendance.enums import CorrectionStatus, Status
from attendance.evidence_files import download, upload_of
from attendance.models import CorrectionRequest, Session
from attendance.selectors import corrections as shown
from attendance.selectors.days import describe
from attendance.selectors.sessions import with_details
from attendance.services import corrections
from attendance.services.evidence import MOST_BYTES
from attendance.web.access import person, request_of, session_of, student_of
from attendance.web.request_forms import CorrectionForm, add_refusal
from core import clock
from core.errors import DomainError
from core.web import attempt, back_to

_PAGE = 20


@never_cache
@login_required
def own(request: HttpRequest) -> HttpResponse:
    """What the student asked for, newest first."""
    student = student_of(request)
    mine = shown.with_class(CorrectionRequest.objects.filter(student=student))
    page = Paginator(mine.order_by("-requested_at", "-pk"), _PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "attendance/corrections.html",
        {
            "page": page,
            "days": student.school.attendance_configuration.max_correction_days,
            "rows": [
                {
                    "correction": correction,
                    "course": shown.course_of(correction),
                    "ident": str(correction.pk),
                    "open": correction.status == CorrectionStatus.PENDING,
                }
                for correction in page
            ],
        },
    )


@never_cache
@login_required
def ask(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The form about the mark in one class; sent, a request. Where none can be made, the page says why."""
    student = student_of(request)
    session = session_of(request, pk, policies.can_view_session)
    try:
        mark = corrections.standing_mark(session=session, student=student, now=clock.now())
    except DomainError as refusal:
        return _page(request, session, refusal=refusal, status=refusal.status)
    if request.method != "POST":
        likely = Status.ABSENT if mark == Status.PRESENT else Status.PRESENT
        return _page(request, session, mark, CorrectionForm(initial={"requested_status": likely}, mark=mark))
    form = CorrectionForm(request.POST, request.FILES, mark=mark)
    status = _refused(request, form, session, student)
    return _page(request, session, mark, form, status=status) if status else back_to("attendance:corrections")


@require_POST
@login_required
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    student_of(request)
    correction = request_of(request, CorrectionRequest, pk, policies.can_cancel_request)
    attempt(
        request,
        lambda: corrections.cancel(correction=correction, by=person(request), now=clock.now()),
        success=_("The correction is taken back."),
    )
    return back_to("attendance:corrections")


@require_GET
@login_required
def file(request: HttpRequest, pk: UUID) -> FileResponse:
    """The attached file as a download, for the student and for whoever decides."""
    return download(request_of(request, CorrectionRequest, pk, policies.can_read_request))


def _page(
    request: HttpRequest,
    session: Session,
    mark: str = "",
    form: CorrectionForm | None = None,
    *,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    return render(
        request,
        "attendance/correction_form.html",
        {
            "class": describe(with_details(Session.objects.filter(pk=session.pk)).get()),
            "mark": mark,
            "form": form,
            "refusal": str(refusal) if refusal else "",
            "file_lost": bool(request.FILES),
            "most_bytes": MOST_BYTES,
        },
        status=status,
    )


def _refused(request: HttpRequest, form: CorrectionForm, session: Session, student: Student) -> int | None:
    """Send the form in. The HTTP status of a refusal, which then stands beside its field; None when it is done."""
    if not form.is_valid():
        return 400
    values = {**form.cleaned_data, "upload": upload_of(form.cleaned_data["file"])}
    del values["file"]
    try:
        corrections.request_correction(
            session=session, student=student, by=person(request), now=clock.now(), **values
        )
    except DomainError as refusal:
        add_refusal(form, refusal)
        return refusal.status
    messages.success(request, _("Your request is sent. Here you see what becomes of it."))
    return None
