"""What the desks of Approvals share: the list with its states, one decision, and many at once.

A desk names its requests, loads what a reviewer needs to know of them, and says who may do what; everything else is
the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import School, User
from attendance import policies
from attendance.selectors import approvals
from attendance.web import office
from attendance.web.access import R, person, request_of
from attendance.web.request_forms import WordForm
from core import clock
from core.errors import DomainError, Forbidden, Invalid

_PAGE, _RECENT, _MOST_NAMED = 12, 5, 5

#: The states that are none of the model's: what this person can decide on, and what waits for somebody else.
WAITING, ELSEWHERE = "pending", "elsewhere"

#: (route, label), by the names under which `selectors.approvals.waiting` counts.
TABS: dict[str, tuple[str, Promise]] = {
    "leave": ("attendance:approvals", gettext_lazy("Leave")),
    "corrections": ("attendance:approvals_corrections", gettext_lazy("Corrections")),
    "condonation": ("attendance:approvals_condonation", gettext_lazy("Condonation")),
}


@dataclass(frozen=True, slots=True)
class Batch:
    """What can be done with all that are ticked: the button, where it sends them, and whether a word goes with it."""

    label: str
    route: str
    form: Form | None = None
    word: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed about one of the requests and refused: it comes back in the place where it was typed."""

    pk: UUID
    verb: str
    form: Form


class Desk(Generic[R]):
    """One kind of request. A subclass fills in what differs."""

    #: Key of `TABS`; name of the boxes to tick; beginning of the ids of a request's card and fields.
    name: ClassVar[str]
    ticks: ClassVar[str]
    prefix: ClassVar[str]
    model: Any
    #: States of the model in which somebody decided, and those that the list can be narrowed to beside WAITING.
    decided: ClassVar[Collection[str]]
    shown: ClassVar[Sequence[tuple[str, str | Promise]]]
    undecided: ClassVar[Collection[str]]
    oldest_first: ClassVar[str]
    #: Parts of the page: what is asked for, and what can be done about it.
    what: ClassVar[str]
    actions: ClassVar[str]
    #: What the page says when nothing waits, and when nothing was ticked.
    nothing: ClassVar[str | Promise]
    none_ticked: ClassVar[str | Promise]

    def loaded(self, found: QuerySet[Any]) -> QuerySet[Any]:
        """With everything a row shows, in a number of queries that does not grow."""
        raise NotImplementedError

    def row_maker(self, user: User, requests: Sequence[R]) -> Callable[[R], dict[str, Any]]:
        """What the parts show of a request, looked up for all of them at once."""
        raise NotImplementedError

    def forms(self, request: R) -> dict[str, Form]:
        """By verb, the forms in which something is typed about a request."""
        raise NotImplementedError

    def batch(self, user: User) -> Batch | None:
        """What this person can do with many at once."""
        raise NotImplementedError

    def states(self, user: User) -> list[tuple[str, str | Promise]]:
        """What the list can be narrowed to."""
        return [(WAITING, _("Waiting")), *self.shown]

    # -- the page ---------------------------------------------------------------------------------------------------

    def page(
        self, request: HttpRequest, *, typed: Typed | None = None, status: int = 200, lead_on: bool = False
    ) -> HttpResponse:
        """The list in the chosen state, what waits at the other desks, and below what was decided lately.

        With `lead_on`, and nothing waiting here, on to the desk at which something does.
        """
        user, school = reviewer(request)
        counts = approvals.waiting(user, school)
        if lead_on and not counts[self.name] and any(counts.values()):
            return HttpResponseRedirect(_address(next(name for name in TABS if counts[name]), request))
        states = self.states(user)
        state = request.GET.get("state", "")
        state = state if state in dict(states) else WAITING
        page = self._requests(user, school, state, request.GET.get("page"))
        listed: list[R] = list(page)
        recent: list[R] = self._recent(user, school) if state == WAITING else []
        both: list[R] = listed + [one for one in recent if one not in listed]
        make = self.row_maker(user, both)

        def row(one: R) -> dict[str, Any]:
            forms = self.forms(one)
            here = typed is not None and typed.pk == one.pk
            if typed is not None and here:
                forms[typed.verb] = typed.form
            return {"request": one, "typed": here, **forms, **make(one)}

        rows = [row(one) for one in listed]
        return render(
            request,
            "attendance/approvals.html",
            {
                "desk": self,
                "tabs": [
                    {
                        "url": _address(name, request),
                        "label": label,
                        "waiting": counts[name],
                        "current": name == self.name,
                    }
                    for name, (_route, label) in TABS.items()
                ],
                "state": state,
                "states": [{"value": value, "label": label} for value, label in states],
                "page": page,
                "rows": rows,
                "batch": self.batch(user) if sum(bool(row.get("may_tick")) for row in rows) > 1 else None,
                "recent": [row(one) for one in recent],
                # Decisions lead back to the same list.
                "query": request.GET.urlencode(),
            },
            status=status,
        )

    def _requests(self, user: User, school: School, state: str, number: str | None) -> Page[R]:
        """Who waits longest comes first; of what is decided, the newest."""
        oldest, newest = [self.oldest_first, "pk"], [f"-{self.oldest_first}", "-pk"]
        if state == WAITING:
            found = self.model.objects.waiting_for(user).order_by(*oldest)
        elif state == ELSEWHERE:
            mine = self.model.objects.waiting_for(user).values("pk")
            found = self.model.objects.reviewable_by(user).filter(status__in=self.undecided)
            found = found.exclude(pk__in=mine).order_by(*oldest)
        else:
            found = self.model.objects.reviewable_by(user).filter(status=state).order_by(*newest)
        return Paginator(self.loaded(found.filter(school=school)), _PAGE).get_page(number)

    def _recent(self, user: User, school: School) -> list[R]:
        found = self.model.objects.reviewable_by(user).filter(
            school=school, status__in=self.decided, reviewed_at__isnull=False
        )
        return list(self.loaded(found).order_by("-reviewed_at", "-pk")[:_RECENT])

    # -- decisions --------------------------------------------------------------------------------------------------

    def decide(
        self,
        request: HttpRequest,
        pk: UUID,
        allowed: Callable[[User, R], bool],
        act: Callable[..., Any],
        success: str,
        *,
        verb: str = "",
    ) -> HttpResponse:
        """Decide on one. With `verb` there is something typed: refused, it comes back in its place."""
        one = request_of(request, self.model, pk, allowed)
        known: dict[str, Any] = {self.prefix: one, "by": person(request), "now": clock.now()}
        form: Form | None = None
        if verb:
            kind = self.forms(one)[verb]
            form = type(kind)(request.POST, auto_id=kind.auto_id)
            if not form.is_valid():
                return self.page(request, typed=Typed(one.pk, verb, form), status=400)
            known["remarks"] = form.cleaned_data["remarks"]
        try:
            outcome = act(**known)
        except DomainError as refusal:
            if form is not None and refusal.attr in form.fields:
                form.add_error(refusal.attr, str(refusal))
                return self.page(request, typed=Typed(one.pk, verb, form), status=refusal.status)
            messages.error(request, str(refusal))
        else:
            self.tell(request, success.format(name=one.student.user.full_name), [outcome], [])
        return self.back(request)

    def decide_chosen(
        self,
        request: HttpRequest,
        act: Callable[[list[R], User, Mapping[str, Any]], Sequence[Any]],
        said: Callable[[int], str],
        allowed: Callable[[User], bool] = policies.can_mark_classes,
    ) -> HttpResponse:
        """Decide on all whose boxes are ticked, each by itself; says how many, and of the others why not."""
        user, school = reviewer(request)
        if not allowed(user):
            raise PermissionDenied
        asked = _idents(request.POST.getlist(self.ticks))
        if not asked:
            messages.error(request, str(self.none_ticked))
            return self.back(request)
        if len(asked) > _PAGE:
            raise Invalid(attr=self.ticks, detail=_("At most {n} at a time.").format(n=_PAGE))
        form = WordForm(request.POST)
        if not form.is_valid():
            raise Invalid(attr="remarks", detail=form.errors["remarks"][0])
        found = self.model.objects.reviewable_by(user).filter(pk__in=asked, school=school)
        mine = list(self.loaded(found))
        outcomes = act(mine, user, form.cleaned_data)
        done = [one for one in outcomes if not isinstance(one, DomainError)]
        refused = [
            f"{one.student.user.full_name}: {outcome}"
            for one, outcome in zip(mine, outcomes, strict=True)
            if isinstance(outcome, DomainError)
        ]
        refused += [str(Forbidden())] * (len(asked) - len(mine))
        self.tell(request, said(len(done)), done, refused)
        return self.back(request)

    def effects(self, done: Sequence[Any]) -> Iterable[str]:
        """What decisions did beside being made, a sentence each."""
        return ()

    def tell(self, request: HttpRequest, said: str, done: Sequence[Any], refused: Sequence[str]) -> None:
        """One message: what is decided, what that did, and what could not be decided and why."""
        parts = [said, *self.effects(done)]
        if refused:
            why = " ".join(dict.fromkeys(refused[:_MOST_NAMED]))
            parts.append(
                ngettext("{n} could not be: {why}", "{n} could not be: {why}", len(refused)).format(
                    n=len(refused), why=why
                )
            )
        (messages.warning if refused else messages.success)(request, " ".join(parts))

    def back(self, request: HttpRequest) -> HttpResponse:
        """To the list as it was filtered before."""
        query = request.GET.urlencode()
        address = f"{reverse(TABS[self.name][0])}?{query}" if query else _address(self.name, request)
        return HttpResponseRedirect(address)


def reviewer(request: HttpRequest) -> tuple[User, School]:
    """Who decides, and in which school. Raises PermissionDenied for those who never do."""
    user = person(request)
    if not policies.can_mark_classes(user):
        raise PermissionDenied
    return user, office.school_of(request)


def _address(name: str, request: HttpRequest) -> str:
    """A desk's own list, for an operator in the school looked at. Bare, the first desk's leads to where work waits."""
    query = QueryDict(mutable=True)
    if name == "leave":
        query["state"] = WAITING
    if "school" in request.GET:
        query["school"] = request.GET["school"]
    return reverse(TABS[name][0]) + (f"?{query.urlencode()}" if query else "")


def _idents(texts: list[str]) -> list[UUID]:
    """What can be an id, once each; the rest names nothing."""
    found: dict[UUID, None] = {}
    for text in texts:
        try:
            found[UUID(text)] = None
        except ValueError:
            continue
    return list(found)
