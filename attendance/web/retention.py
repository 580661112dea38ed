"""How long data is kept, what goes next, what a legal hold keeps, and evidence of what went.

Nothing is deleted from here. The night does that, by the same code that works out the plan; an operator who cannot
wait calls `apply_retention` where its output can be kept.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import School, User
from attendance import jobs, policies
from attendance.models import AttendanceRecord, LegalHold
from attendance.selectors import keeping
from attendance.services import holds, retention
from attendance.services.retention_rules import Part, Rules
from attendance.web.access import person
from attendance.web.office import school_of
from attendance.web.retention_forms import HoldForm, LiftForm
from audit.models import RetentionRun
from core import clock, partitions
from core.errors import DomainError
from core.models import TaskHealth
from core.web import attempt, back_to

_RUNS, _HOLDS, _LIFTED = 30, 50, 5


@never_cache
@require_GET
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """The page; with ``?plan=1`` also what a run at this moment would take, which takes a while to work out."""
    _user, school = _keeper(request)
    return _page(request, school, planned="plan" in request.GET)


@require_POST
@login_required
def place(request: HttpRequest) -> HttpResponse:
    """Keep what is stored about somebody, or everybody, beyond its time."""
    user, school = _keeper(request)
    form = HoldForm(request.POST, school=school)
    if not form.is_valid():
        return _page(request, school, form=form, status=400)
    try:
        holds.place(school=school, by=user, now=clock.now(), **form.cleaned_data)
    except DomainError as refusal:
        form.add_error(refusal.attr if refusal.attr in form.fields else None, str(refusal))
        return _page(request, school, form=form, status=refusal.status)
    messages.success(request, _("The hold is placed: nothing that it covers goes."))
    return back_to("attendance:retention")


@require_POST
@login_required
def lift(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let it go again."""
    user = person(request)
    hold = LegalHold.objects.select_related("school").filter(pk=pk).first()
    if hold is None or not user.may_reach(hold.school_id):
        raise Http404
    if not policies.can_place_hold(user, hold.school_id):
        raise PermissionDenied
    timezone.activate(hold.school.tz)
    form = LiftForm(request.POST, auto_id=f"hold-{hold.pk}-%s")
    if not form.is_valid():
        return _page(request, hold.school, lifting=(hold.pk, form), status=400)
    attempt(
        request,
        lambda: holds.lift(hold=hold, reason=form.cleaned_data["reason"], by=user, now=clock.now()),
        success=_("The hold is lifted: the next run takes what nothing else keeps."),
    )
    return back_to("attendance:retention")


def _keeper(request: HttpRequest) -> tuple[User, School]:
    """Who answers for what is kept, and of which school. Raises PermissionDenied."""
    user = person(request)
    if not user.is_office:
        raise PermissionDenied
    school = school_of(request)
    if not policies.can_place_hold(user, school.pk):
        raise PermissionDenied
    return user, school


def _page(
    request: HttpRequest,
    school: School,
    *,
    planned: bool = False,
    form: HoldForm | None = None,
    lifting: tuple[UUID, LiftForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    rules = Rules(now)
    last = rules.last[school.pk]
    this_year = school.local_date(now).year
    standing = (
        LegalHold.objects.standing()
        .filter(school=school)
        .select_related("student__user", "placed_by")
        .order_by("-placed_at", "-pk")[:_HOLDS]
    )
    runs = list(
        RetentionRun.objects.filter(Q(school_id=school.pk) | Q(school_id=None)).order_by("-pk")[:_RUNS]
    )
    names = dict(
        User.objects.filter(pk__in={run.actor_id for run in runs if run.actor_id}).values_list(
            "pk", "full_name"
        )
    )
    return render(
        request,
        "attendance/retention.html",
        {
            # Whose hold it would be: the address of a refused lifting does not say it.
            "code": school.code,
            "classes": keeping.data_classes(
                records=this_year - 1 - last, trail=this_year - 1 - rules.audit if rules.last else 0
            ),
            "expired_until": last,
            "years": partitions.years(AttendanceRecord),
            "plan": [_part(part) for part in retention.plan_of(school, now=now)] if planned else None,
            "holds": [
                {
                    "hold": hold,
                    "form": lifting[1]
                    if lifting and lifting[0] == hold.pk
                    else LiftForm(auto_id=f"hold-{hold.pk}-%s"),
                }
                for hold in standing
            ],
            "lifted": LegalHold.objects.filter(school=school, lifted_at__isnull=False)
            .select_related("student__user", "lifted_by")
            .order_by("-lifted_at", "-pk")[:_LIFTED],
            "form": form or HoldForm(school=school),
            "runs": [
                {"run": run, "table": _table(run.table), "by": names.get(run.actor_id or 0, "")}
                for run in runs
            ],
            "nightly": TaskHealth.objects.filter(pk=jobs.APPLY_RETENTION).first(),
        },
        status=status,
    )


def _part(part: Part) -> dict[str, Any]:
    return {"table": _table(part.table), "part": part}


def _table(name: str) -> str:
    return str(keeping.TABLES.get(name, name))
