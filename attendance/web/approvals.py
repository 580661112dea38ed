"""What waits for a decision: leave, one by one or many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import School, User
from attendance import policies
from attendance.enums import LeaveStatus
from attendance.models import LeaveApplication
from attendance.selectors import leaves as shown
from attendance.services import leaves
from attendance.services.leaves import LeaveOutcome
from attendance.web import office
from attendance.web.access import leave_of, person
from attendance.web.leave_forms import RemarksForm
from core import clock
from core.errors import DomainError, Forbidden, Invalid

_PAGE, _RECENT, _MOST_NAMED = 12, 5, 5
_DECIDED = [LeaveStatus.APPROVED, LeaveStatus.REJECTED, LeaveStatus.REVOKED]
_STATES = [LeaveStatus.PENDING, *_DECIDED, LeaveStatus.CANCELLED]


@never_cache
@login_required
def approvals(request: HttpRequest) -> HttpResponse:
    """Leave that this person may decide on; ``?state=approved`` shows what became of others."""
    return _page(request)


@require_POST
@login_required
def approve(request: HttpRequest, pk: UUID) -> HttpResponse:
    leave = leave_of(request, pk, policies.can_review_leave)
    return _decided(
        request,
        lambda: leaves.approve(leave=leave, by=person(request), now=clock.now()),
        _("{name}: leave approved."),
    )


@require_POST
@login_required
def reject(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _with_remarks(request, pk, leaves.reject, _("{name}: leave rejected."))


@require_POST
@login_required
def revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _with_remarks(request, pk, leaves.revoke, _("{name}: approval revoked."))


@require_POST
@login_required
def approve_chosen(request: HttpRequest) -> HttpResponse:
    """Approve all whose boxes are ticked, each by itself; says how many, and of the others why not."""
    user, school = _reviewer(request)
    asked = _idents(request.POST.getlist("leaves"))
    if not asked:
        messages.error(request, _("Tick the applications that you want to approve."))
        return _back(request)
    if len(asked) > _PAGE:
        raise Invalid(attr="leaves", detail=_("At most {n} at a time.").format(n=_PAGE))
    mine = list(
        shown.with_people(LeaveApplication.objects.reviewable_by(user).filter(pk__in=asked, school=school))
    )
    outcomes = leaves.approve_many(leaves=mine, by=user, now=clock.now())
    done = [one for one in outcomes if isinstance(one, LeaveOutcome)]
    refused = [
        f"{leave.student.user.full_name}: {one}"
        for leave, one in zip(mine, outcomes, strict=True)
        if isinstance(one, DomainError)
    ]
    refused += [str(Forbidden())] * (len(asked) - len(mine))
    said = ngettext("{n} application is approved.", "{n} applications are approved.", len(done)).format(
        n=len(done)
    )
    _tell(request, said, done, refused)
    return _back(request)


def _reviewer(request: HttpRequest) -> tuple[User, School]:
    """Who decides, and in which school. Raises PermissionDenied for those who never do."""
    user = person(request)
    if not policies.can_mark_classes(user):
        raise PermissionDenied
    return user, office.school_of(request)


def _page(
    request: HttpRequest, *, asked: tuple[UUID, RemarksForm] | None = None, status: int = 200
) -> HttpResponse:
    """The page; `asked` is what was typed about one of the applications and refused."""
    user, school = _reviewer(request)
    state = request.GET.get("state", "")
    state = state if state in _STATES else LeaveStatus.PENDING.value
    page = _leaves(user, school, state, request.GET.get("page"))
    listed = list(page)
    recent = _recent(user, school) if state == LeaveStatus.PENDING else []
    both = [*listed, *(leave for leave in recent if leave not in listed)]
    shown.load_classes(both)
    effects = shown.effects(both)

    def row(leave: LeaveApplication) -> dict[str, Any]:
        effect = effects.get(leave.pk, shown.LeaveEffect())
        mine = user.pk not in {leave.applied_by_id, leave.student.user_id}
        form = asked[1] if asked and asked[0] == leave.pk else RemarksForm(auto_id=f"leave-{leave.pk}-%s")
        return {
            "leave": leave,
            "changes": effect.absences + (effect.locked if user.is_office else 0),
            "locked": 0 if user.is_office else effect.locked,
            "made": effect.made,
            "may_decide": mine and leave.status == LeaveStatus.PENDING,
            "may_revoke": mine and leave.status == LeaveStatus.APPROVED,
            # Approved by faculty, with classes locked that the office alone changes: approving again does.
            "may_finish": mine
            and leave.status == LeaveStatus.APPROVED
            and user.is_office
            and effect.locked > 0,
            "remarks": form,
        }

    return render(
        request,
        "attendance/approvals.html",
        {
            "state": state,
            "states": [
                {"value": one.value, "label": _("Waiting") if one == LeaveStatus.PENDING else one.label}
                for one in _STATES
            ],
            "page": page,
            "rows": [row(leave) for leave in listed],
            "recent": [row(leave) for leave in recent],
            # Decisions lead back to the same list.
            "query": request.GET.urlencode(),
        },
        status=status,
    )


def _leaves(user: User, school: School, state: str, number: str | None) -> Page[LeaveApplication]:
    """Who waits longest comes first; of what is decided, the newest."""
    if state == LeaveStatus.PENDING:
        found = LeaveApplication.objects.waiting_for(user).order_by("applied_at", "pk")
    else:
        found = (
            LeaveApplication.objects.reviewable_by(user).filter(status=state).order_by("-applied_at", "-pk")
        )
    return Paginator(shown.with_people(found.filter(school=school)), _PAGE).get_page(number)


def _recent(user: User, school: School) -> list[LeaveApplication]:
    decided = LeaveApplication.objects.reviewable_by(user).filter(school=school, status__in=_DECIDED)
    return list(shown.with_people(decided).order_by("-reviewed_at", "-pk")[:_RECENT])


def _with_remarks(
    request: HttpRequest, pk: UUID, act: Callable[..., LeaveOutcome], success: str
) -> HttpResponse:
    """A decision that has to be explained; unexplained, the page comes back and says so beside the field."""
    leave = leave_of(request, pk, policies.can_review_leave)
    form = RemarksForm(request.POST, auto_id=f"leave-{leave.pk}-%s")
    if not form.is_valid():
        return _page(request, asked=(leave.pk, form), status=400)
    remarks = form.cleaned_data["remarks"]
    return _decided(
        request, lambda: act(leave=leave, remarks=remarks, by=person(request), now=clock.now()), success
    )


def _decided(request: HttpRequest, act: Callable[[], LeaveOutcome], success: str) -> HttpResponse:
    """Decide, and say on the page what it changed or why it cannot be."""
    try:
        outcome = act()
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        _tell(request, success.format(name=outcome.leave.student.user.full_name), [outcome], [])
    return _back(request)


def _tell(request: HttpRequest, said: str, done: list[LeaveOutcome], refused: list[str]) -> None:
    """One message: what is decided, what that did to marks, and what could not be decided and why."""
    parts = [said]
    changed, locked = sum(one.changed for one in done), sum(one.locked for one in done)
    if changed:
        parts.append(ngettext("{n} mark changed.", "{n} marks changed.", changed).format(n=changed))
    if locked:
        parts.append(
            ngettext(
                "{n} mark stays because its class is locked: the office can change it.",
                "{n} marks stay because their classes are locked: the office can change them.",
                locked,
            ).format(n=locked)
        )
    if refused:
        parts.append(
            ngettext("{n} could not be: {why}", "{n} could not be: {why}", len(refused)).format(
                n=len(refused), why=" ".join(dict.fromkeys(refused[:_MOST_NAMED]))
            )
        )
    (messages.warning if refused else messages.success)(request, " ".join(parts))


def _back(request: HttpRequest) -> HttpResponse:
    """To the list as it was filtered before."""
    query = request.GET.urlencode()
    return HttpResponseRedirect(reverse("attendance:approvals") + (f"?{query}" if query else ""))


def _idents(texts: list[str]) -> list[UUID]:
    """What can be an id, once each; the rest names nothing."""
    found: dict[UUID, None] = {}
    for text in texts:
        try:
            found[UUID(text)] = None
        except ValueError:
            continue
    return list(found)
