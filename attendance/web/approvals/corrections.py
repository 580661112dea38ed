"""Corrections that wait for whoever runs the class, or once it is locked for the office."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import User
from attendance import policies
from attendance.enums import CorrectionStatus, SessionStatus
from attendance.models import CorrectionRequest
from attendance.selectors import corrections as shown
from attendance.services import corrections
from attendance.web.approvals.desk import ELSEWHERE, Batch, Desk
from attendance.web.request_forms import RemarksForm, WordForm
from core import clock


class CorrectionDesk(Desk[CorrectionRequest]):
    name, ticks, prefix, model = "corrections", "corrections", "correction", CorrectionRequest
    decided = (CorrectionStatus.APPROVED, CorrectionStatus.REJECTED)
    undecided = (CorrectionStatus.PENDING,)
    shown = [(one.value, one.label) for one in (*decided, CorrectionStatus.CANCELLED)]
    oldest_first = "requested_at"
    what, actions = "attendance/_correction_request.html", "attendance/_correction_actions.html"
    nothing = gettext_lazy(
        "When a student says that a mark in one of your classes is wrong, it appears here."
    )
    none_ticked = gettext_lazy("Tick the corrections that you want to approve.")

    def states(self, user: User) -> list[tuple[str, str | Promise]]:
        waiting, *others = super().states(user)
        # What is locked the office alone approves; faculty see where it is, and may still reject it.
        elsewhere = [] if user.is_office else [(ELSEWHERE, pgettext("requests", "With the office"))]
        return [waiting, *elsewhere, *others]

    def loaded(self, found: QuerySet[Any]) -> QuerySet[Any]:
        return shown.with_class(found)

    def row_maker(
        self, user: User, requests: Sequence[CorrectionRequest]
    ) -> Callable[[CorrectionRequest], dict[str, Any]]:
        standings = shown.standings(requests)

        def row(correction: CorrectionRequest) -> dict[str, Any]:
            mine = user.pk not in {correction.requested_by_id, correction.student.user_id}
            open_ = mine and correction.status == CorrectionStatus.PENDING
            locked = correction.session.status == SessionStatus.LOCKED
            return {
                "correction": correction,
                "course": shown.course_of(correction),
                "standing": standings[correction.pk],
                "may_decide": open_,
                "may_approve": open_ and (user.is_office or not locked),
                "may_tick": open_ and (user.is_office or not locked),
                "needs_word": locked and user.is_office,
                "locked": locked,
            }

        return row

    def forms(self, request: CorrectionRequest) -> dict[str, Form]:
        return {
            "reject": WordForm(auto_id=f"correction-{request.pk}-reject-%s"),
            "approve": RemarksForm(auto_id=f"correction-{request.pk}-approve-%s"),
        }

    def batch(self, user: User) -> Batch | None:
        # The office may have locked classes among them, which need its word.
        form = WordForm(auto_id="chosen-%s") if user.is_office else None
        word = _("Reason, if a class is locked")
        return Batch(_("Approve the selected"), "attendance:correction_approve_chosen", form, word)


_DESK = CorrectionDesk()


@never_cache
@login_required
def approvals(request: HttpRequest) -> HttpResponse:
    """Corrections that this person may decide on."""
    return _DESK.page(request)


@require_POST
@login_required
def approve(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Approve one; for a locked class with the word that it needs."""
    return _DESK.decide(
        request,
        pk,
        policies.can_review_correction,
        corrections.approve,
        _("{name}: the mark is corrected."),
        verb="approve" if "remarks" in request.POST else "",
    )


@require_POST
@login_required
def reject(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _DESK.decide(
        request,
        pk,
        policies.can_review_correction,
        corrections.reject,
        _("{name}: the mark stays as it is."),
        verb="reject",
    )


@require_POST
@login_required
def approve_chosen(request: HttpRequest) -> HttpResponse:
    """Approve all whose boxes are ticked."""
    return _DESK.decide_chosen(
        request,
        lambda chosen, user, said: corrections.approve_many(
            corrections=chosen, remarks=said["remarks"], by=user, now=clock.now()
        ),
        lambda n: ngettext("{n} mark is corrected.", "{n} marks are corrected.", n).format(n=n),
    )
