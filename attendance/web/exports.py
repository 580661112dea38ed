"""Taking data out: what, as what, and what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import School, User
from attendance import policies
from attendance.enums import ExportKind
from attendance.models import ExportJob
from attendance.selectors.exports import jobs as listed
from attendance.selectors.figures import term_for
from attendance.services import exports
from attendance.web.access import person
from attendance.web.export_forms import FORMS, ExportForm
from attendance.web.figures import departments_of, sections_of
from attendance.web.office import school_of
from core import clock, limits
from core.downloads import attachment
from core.errors import DomainError
from core.web import attempt, back_to

_PAGE = 10
#: What a link may say beforehand.
_PREFILLED = ("section", "department", "month", "band", "first", "last", "student", "format")


@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponseBase:
    """The form of one kind (``?kind=``) and one's own exports; sent, a file, or a job among them."""
    user, school = _exporter(request)
    kinds = _kinds(user, school)
    kind = request.GET.get("kind", ExportKind.REGISTER)
    if kind not in kinds:
        if kind in ExportKind.values:
            raise PermissionDenied
        raise Http404
    form = _form(request, user, school, kind)
    status = 200
    if request.method == "POST":
        answer = _asked(request, form, user, school)
        if not isinstance(answer, int):
            return answer
        status = answer
    return render(
        request,
        "attendance/exports.html",
        {
            "form": form,
            "kind": kind,
            "kinds": [(one, ExportKind(one).label) for one in kinds],
            "at_once": exports.AT_ONCE,
            "pdf_at_once": exports.PDF_AT_ONCE,
            "kept_days": exports.KEPT.days,
            **_jobs(request, user),
        },
        status=status,
    )


@never_cache
@require_GET
@login_required
def jobs(request: HttpRequest) -> HttpResponse:
    """The list alone, which asks for itself again while something is under way."""
    user, _school = _exporter(request)
    return render(request, "attendance/_export_jobs.html", _jobs(request, user))


@require_GET
@login_required
def file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The file as a download; a refusal stands above the list."""
    job = _job(request, pk)
    try:
        found = exports.fetch(job=job, by=person(request), now=clock.now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return back_to("attendance:exports")
    return attachment(found.content, name=found.name, content_type=found.content_type)


@require_POST
@login_required
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    job = _job(request, pk)
    attempt(
        request,
        lambda: exports.cancel(job=job, by=person(request), now=clock.now()),
        success=_("The export is cancelled."),
    )
    return back_to("attendance:exports")


def _exporter(request: HttpRequest) -> tuple[User, School]:
    user = person(request)
    if not policies.can_export_pages(user):
        raise PermissionDenied
    return user, school_of(request)


def _kinds(user: User, school: School) -> list[str]:
    kinds = [ExportKind.REGISTER, ExportKind.RECORDS, ExportKind.SUMMARY, ExportKind.SHORTAGE]
    if policies.can_view_audit(user, school.pk):
        kinds.append(ExportKind.AUDIT)
    return [kind.value for kind in kinds]


def _form(request: HttpRequest, user: User, school: School, kind: str) -> ExportForm:
    today = school.local_date(clock.now())
    return FORMS[kind](
        request.POST if request.method == "POST" else None,
        today=today,
        sections=sections_of(user, school, term_for(school=school, on=today)),
        departments=departments_of(user, school),
        initial={name: request.GET[name] for name in _PREFILLED if request.GET.get(name)},
    )


def _asked(request: HttpRequest, form: ExportForm, user: User, school: School) -> HttpResponseBase | int:
    """The file or the way back to the list; the HTTP status of a refusal, which then stands in the form."""
    if not form.is_valid():
        return 400
    # The same count as for the API.
    if wait := limits.hit_shared("export", f"u{user.pk}"):
        minutes = -(-limits.retry_after(wait) // 60)
        form.add_error(None, _("That were many exports. Try again in {n} minutes.").format(n=minutes))
        return 429
    try:
        answer = exports.ask(
            by=user,
            school=school,
            kind=form.kind,
            file_format=form.cleaned_data["format"],
            filters=form.filters(),
            now=clock.now(),
        )
    except DomainError as refusal:
        form.add_error(_field_of(refusal, form), str(refusal))
        return refusal.status
    if isinstance(answer, ExportJob):
        messages.success(request, _("This takes a moment. You find it in the list when it is ready."))
        return back_to("attendance:exports")
    return attachment(answer.content, name=answer.name, content_type=answer.content_type)


def _field_of(refusal: DomainError, form: ExportForm) -> str | None:
    """Beside which field a refusal stands."""
    named = (refusal.attr or "").removeprefix("filters.")
    field = {"from": "first", "to": "last"}.get(named, named)
    return field if field in form.fields else None


def _jobs(request: HttpRequest, user: User) -> dict[str, Any]:
    page = Paginator(listed.own_jobs(user), _PAGE).get_page(request.GET.get("page"))
    rows = listed.shown(list(page))
    return {"page": page, "rows": rows, "busy": any(row.job.is_unfinished for row in rows)}


def _job(request: HttpRequest, pk: UUID) -> ExportJob:
    """The job of the address. Raises Http404 outside the user's school, PermissionDenied for somebody else's."""
    user = person(request)
    job = ExportJob.objects.select_related("school").filter(pk=pk).first()
    if job is None or not user.may_reach(job.school_id):
        raise Http404
    if not policies.can_view_export(user, job):
        raise PermissionDenied
    timezone.activate(job.school.tz)
    return job
