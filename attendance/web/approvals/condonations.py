"""Condonation: recommended by a head of department, decided by the office."""

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
from attendance.enums import CondonationStatus
from attendance.models import CondonationRequest
from attendance.selectors import condonations as shown
from attendance.services import condonations
from attendance.web.approvals.desk import ELSEWHERE, Batch, Desk
from attendance.web.request_forms import WordForm
from core import clock


class CondonationDesk(Desk[CondonationRequest]):
    name, ticks, prefix, model = "condonation", "condonations", "condonation", CondonationRequest
    decided = (CondonationStatus.APPROVED, CondonationStatus.REJECTED)
    undecided = CondonationStatus.undecided()
    shown = [(one.value, one.label) for one in (*decided, CondonationStatus.CANCELLED)]
    oldest_first = "requested_at"
    what, actions = "attendance/_condonation_request.html", "attendance/_condonation_actions.html"
    nothing = gettext_lazy(
        "Students between the floor and the threshold apply at the end of a term: the head of department "
        "recommends, the office decides."
    )
    none_ticked = gettext_lazy("Tick the applications that you want to decide on.")

    def states(self, user: User) -> list[tuple[str, str | Promise]]:
        waiting, *others = super().states(user)
        where = (
            pgettext("requests", "With the department")
            if user.is_office
            else pgettext("requests", "With the office")
        )
        return [waiting, (ELSEWHERE, where), *others]

    def loaded(self, found: QuerySet[Any]) -> QuerySet[Any]:
        return shown.with_people(found)

    def row_maker(
        self, user: User, requests: Sequence[CondonationRequest]
    ) -> Callable[[CondonationRequest], dict[str, Any]]:
        standings = shown.standings(requests)

        def row(condonation: CondonationRequest) -> dict[str, Any]:
            standing = standings[condonation.pk]
            mine = user.pk not in {condonation.requested_by_id, condonation.student.user_id}
            pending = condonation.status == CondonationStatus.PENDING
            open_ = mine and condonation.status in CondonationStatus.undecided()
            may_recommend = open_ and pending and not user.is_office
            may_approve = open_ and user.is_office and not (pending and standing.has_head)
            return {
                "condonation": condonation,
                "standing": standing,
                "may_recommend": may_recommend,
                "may_approve": may_approve,
                "may_reject": open_ and user.is_office,
                "may_tick": may_recommend or may_approve,
            }

        return row

    def forms(self, request: CondonationRequest) -> dict[str, Form]:
        verbs = ("recommend", "approve", "reject")
        return {verb: WordForm(auto_id=f"condonation-{request.pk}-{verb}-%s") for verb in verbs}

    def batch(self, user: User) -> Batch | None:
        form = WordForm(auto_id="chosen-%s")
        if user.is_office:
            return Batch(_("Approve the selected"), "attendance:condonation_approve_chosen", form)
        return Batch(_("Recommend the selected"), "attendance:condonation_recommend_chosen", form)


_DESK = CondonationDesk()


@never_cache
@login_required
def approvals(request: HttpRequest) -> HttpResponse:
    """Applications in which this person has a say."""
    return _DESK.page(request)


@require_POST
@login_required
def recommend(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _DESK.decide(
        request,
        pk,
        policies.can_recommend_condonation,
        condonations.recommend,
        _("{name}: recommended to the office."),
        verb="recommend",
    )


@require_POST
@login_required
def approve(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _DESK.decide(
        request,
        pk,
        policies.can_decide_condonation,
        condonations.approve,
        _("{name}: condoned."),
        verb="approve",
    )


@require_POST
@login_required
def reject(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _DESK.decide(
        request,
        pk,
        policies.can_decide_condonation,
        condonations.reject,
        _("{name}: condonation refused."),
        verb="reject",
    )


@require_POST
@login_required
def recommend_chosen(request: HttpRequest) -> HttpResponse:
    """Recommend all whose boxes are ticked. The office has nothing to recommend."""
    return _DESK.decide_chosen(
        request,
        lambda chosen, user, said: condonations.recommend_many(
            condonations=chosen, remarks=said["remarks"], by=user, now=clock.now()
        ),
        lambda n: ngettext("{n} application is recommended.", "{n} applications are recommended.", n).format(
            n=n
        ),
        policies.can_recommend_condonations,
    )


@require_POST
@login_required
def approve_chosen(request: HttpRequest) -> HttpResponse:
    """Approve all whose boxes are ticked; for the office alone."""
    return _DESK.decide_chosen(
        request,
        lambda chosen, user, said: condonations.approve_many(
            condonations=chosen, remarks=said["remarks"], by=user, now=clock.now()
        ),
        lambda n: ngettext("{n} application is condoned.", "{n} applications are condoned.", n).format(n=n),
        policies.can_decide_condonations,
    )
