"""What somebody should look at, and that it was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from academics.models import Section
from accounts.models import School, User
from attendance import policies
from attendance.enums import AnomalyKind
from attendance.models import AnomalyDismissal
from attendance.selectors import anomalies as cases
from attendance.selectors import anomaly_texts
from attendance.services import anomalies
from attendance.web.access import person
from attendance.web.anomaly_forms import AnomalyForm, DismissForm
from attendance.web.office import school_of
from core import clock
from core.errors import NotFound
from core.web import attempt, understood

_PAGE = 20


@never_cache
@require_GET
@login_required
def listed(request: HttpRequest) -> HttpResponse:
    """Cases in the classes that this person runs, the worst kind first; ``?show=dismissed`` those found fine."""
    user, school = _looks(request)
    today = school.local_date(clock.now())
    sections = _sections(user, school, today)
    form = AnomalyForm(request.GET, sections=sections)
    wanted = understood(form)
    classes = _classes(user, school, wanted)
    dismissed = wanted["show"] == "dismissed"
    found = cases.find(classes, school=school, dismissed=dismissed)
    chosen = [one for one in found if wanted["kind"] in ("", one.kind)]
    page = Paginator(chosen, _PAGE).get_page(request.GET.get("page"))
    first, last = cases.window(wanted["first"], wanted["until"], today=today)
    return render(
        request,
        "attendance/anomalies.html",
        {
            "form": form,
            "sections": sections,
            "kind": wanted["kind"],
            "kinds": [
                {"value": kind, "label": AnomalyKind(kind).label, "count": count}
                for kind, count in cases.counts(found).items()
            ],
            "total": len(found),
            "dismissed": dismissed,
            "session": wanted["session"],
            "first": first,
            "last": last,
            "page": page,
            "rows": [_row(one) for one in cases.with_names(list(page))],
            "query": request.GET.urlencode(),
        },
    )


@require_POST
@login_required
def dismiss(request: HttpRequest) -> HttpResponse:
    """Looked into, and fine."""
    user, school = _looks(request)
    wanted = understood(DismissForm(request.POST))
    form = AnomalyForm(request.GET, sections=Section.objects.filter(school=school))
    classes = _classes(user, school, understood(form))

    def act() -> None:
        anomaly = cases.one(classes, school=school, kind=wanted["kind"], subject=wanted["subject"])
        if anomaly is None:
            raise NotFound(what=_("anomaly"))
        anomalies.dismiss(school=school, anomaly=anomaly, remark=wanted["remark"], by=user, now=clock.now())

    attempt(request, act, success=_("Looked at. It is under “Looked at”, where it can be taken back."))
    return _back(request)


@require_POST
@login_required
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """List a case again."""
    user = person(request)
    dismissal = AnomalyDismissal.objects.select_related("session", "school").filter(pk=pk).first()
    if dismissal is None or not user.may_reach(dismissal.school_id):
        raise Http404
    if not policies.can_review_dismissal(user, dismissal):
        raise PermissionDenied
    attempt(
        request,
        lambda: anomalies.undo(dismissal=dismissal, by=user, now=clock.now()),
        success=_("It is listed again."),
    )
    return _back(request)


def _looks(request: HttpRequest) -> tuple[User, School]:
    """Who looks into cases, and in which school. Raises PermissionDenied for those who run no classes."""
    user = person(request)
    if not policies.can_view_anomalies(user):
        raise PermissionDenied
    return user, school_of(request)


def _sections(user: User, school: School, today: date) -> QuerySet[Section]:
    """Those of the running term, by course and group, to choose from."""
    mine = Section.objects.visible_to(user).filter(
        school=school, term__starts_on__lte=today, term__ends_on__gte=today
    )
    found: QuerySet[Section] = (
        Section.objects.filter(pk__in=mine.values("pk"))
        .select_related("course", "cohort")
        .order_by("course__title", "cohort__code", "name")
    )
    return found


def _classes(user: User, school: School, wanted: dict[str, Any]) -> Any:
    section = wanted.get("section")
    return cases.classes_of(
        user=user,
        school=school,
        first=wanted["first"],
        last=wanted["until"],
        section=section.pk if section else None,
        session=wanted["session"],
        today=school.local_date(clock.now()),
    )


def _row(one: cases.Anomaly) -> dict[str, Any]:
    return {
        "case": one,
        "seen": anomaly_texts.seen(one),
        "why": anomaly_texts.WHY[one.kind],
        "to_do": anomaly_texts.TO_DO[one.kind],
        "tone": "late" if one.kind in _MILD else "absent",
    }


_MILD: Sequence[str] = (AnomalyKind.LATE_BURST, AnomalyKind.EDGE, AnomalyKind.INACCURATE)


def _back(request: HttpRequest) -> HttpResponse:
    """To the list as it was filtered before."""
    query = request.GET.urlencode()
    return HttpResponseRedirect(reverse("attendance:anomalies") + (f"?{query}" if query else ""))
