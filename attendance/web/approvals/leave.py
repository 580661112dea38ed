"""Leave that waits for a decision, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import User
from attendance import policies
from attendance.enums import LeaveStatus
from attendance.models import LeaveApplication
from attendance.selectors import leaves as shown
from attendance.services import leaves
from attendance.services.leaves import LeaveOutcome
from attendance.web.approvals.desk import Batch, Desk
from attendance.web.request_forms import RemarksForm
from core import clock


class LeaveDesk(Desk[LeaveApplication]):
    name, ticks, prefix, model = "leave", "leaves", "leave", LeaveApplication
    decided = (LeaveStatus.APPROVED, LeaveStatus.REJECTED, LeaveStatus.REVOKED)
    undecided = (LeaveStatus.PENDING,)
    shown = [(one.value, one.label) for one in (*decided, LeaveStatus.CANCELLED)]
    oldest_first = "applied_at"
    what, actions = "attendance/_leave_request.html", "attendance/_leave_actions.html"
    nothing = gettext_lazy("Applications for leave of your students appear here until somebody decides.")
    none_ticked = gettext_lazy("Tick the applications that you want to approve.")

    def loaded(self, found: QuerySet[Any]) -> QuerySet[Any]:
        return shown.with_people(found)

    def row_maker(
        self, user: User, requests: Sequence[LeaveApplication]
    ) -> Callable[[LeaveApplication], dict[str, Any]]:
        shown.load_classes(requests)
        effects = shown.effects(requests)

        def row(leave: LeaveApplication) -> dict[str, Any]:
            effect = effects.get(leave.pk, shown.LeaveEffect())
            mine = user.pk not in {leave.applied_by_id, leave.student.user_id}
            approved = mine and leave.status == LeaveStatus.APPROVED
            return {
                "leave": leave,
                "changes": effect.absences + (effect.locked if user.is_office else 0),
                "locked": 0 if user.is_office else effect.locked,
                "made": effect.made,
                "may_tick": mine and leave.status == LeaveStatus.PENDING,
                "may_decide": mine and leave.status == LeaveStatus.PENDING,
                "may_revoke": approved,
                # Approved by faculty, with classes locked that the office alone changes: approving again does.
                "may_finish": approved and user.is_office and effect.locked > 0,
            }

        return row

    def forms(self, request: LeaveApplication) -> dict[str, Form]:
        return {"remarks": RemarksForm(auto_id=f"leave-{request.pk}-%s")}

    def batch(self, user: User) -> Batch | None:
        return Batch(_("Approve the selected"), "attendance:leave_approve_chosen")

    def effects(self, done: Sequence[LeaveOutcome]) -> Iterable[str]:
        changed, locked = sum(one.changed for one in done), sum(one.locked for one in done)
        if changed:
            yield ngettext("{n} mark changed.", "{n} marks changed.", changed).format(n=changed)
        if locked:
            yield ngettext(
                "{n} mark stays because its class is locked: the office can change it.",
                "{n} marks stay because their classes are locked: the office can change them.",
                locked,
            ).format(n=locked)


_DESK = LeaveDesk()


@never_cache
@login_required
def approvals(request: HttpRequest) -> HttpResponse:
    """Leave that this person may decide on; ``?state=approved`` shows what became of others.

    The bare address of Approvals leads on to another desk when something waits there and no leave does.
    """
    return _DESK.page(request, lead_on=not request.GET)


@require_POST
@login_required
def approve(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _DESK.decide(request, pk, policies.can_review_leave, leaves.approve, _("{name}: leave approved."))


@require_POST
@login_required
def reject(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _DESK.decide(
        request, pk, policies.can_review_leave, leaves.reject, _("{name}: leave rejected."), verb="remarks"
    )


@require_POST
@login_required
def revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _DESK.decide(
        request, pk, policies.can_review_leave, leaves.revoke, _("{name}: approval revoked."), verb="remarks"
    )


@require_POST
@login_required
def approve_chosen(request: HttpRequest) -> HttpResponse:
    """Approve all whose boxes are ticked."""
    return _DESK.decide_chosen(
        request,
        lambda chosen, user, said: leaves.approve_many(
            leaves=chosen, remarks=said["remarks"], by=user, now=clock.now()
        ),
        lambda n: ngettext("{n} application is approved.", "{n} applications are approved.", n).format(n=n),
    )
