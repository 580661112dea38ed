"""Marks made without network that somebody has to decide about, and those that were refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import School, User
from attendance import policies
from attendance.enums import Keep, SessionStatus
from attendance.models import Session, SyncConflict, SyncEntry
from attendance.selectors import sync_conflicts as shown
from attendance.selectors.days import ClassView, describe
from attendance.selectors.sessions import with_details
from attendance.selectors.sync_conflicts import ConflictView
from attendance.services import sync_conflicts
from attendance.web import office
from attendance.web.access import person
from attendance.web.forms import ChosenForm, KeepForm
from core import clock
from core.errors import DomainError, Forbidden, Invalid
from core.web import understood

_PAGE, _REFUSED_BELOW, _MOST_NAMED = 12, 10, 5
_STATES = ("open", "decided", "refused")


@never_cache
@login_required
def conflicts(request: HttpRequest) -> HttpResponse:
    """Those of the classes that this person runs; ``?state=decided`` and ``?state=refused`` show the others,
    ``?session=`` one class."""
    user, school = _decider(request)
    state = request.GET.get("state", "")
    state = state if state in _STATES else "open"
    session = _session(user, request.GET.get("session"))
    refusals = shown.refused(user, school)
    if session is not None:
        refusals = refusals.filter(session=session)
    context: dict[str, Any] = {
        "state": state,
        "states": [
            {"value": "open", "label": _("To decide")},
            {"value": "decided", "label": _("Decided")},
            {"value": "refused", "label": _("Refused")},
        ],
        "session": describe(session) if session else None,
        # Decisions lead back to the same list.
        "query": request.GET.urlencode(),
        "more_refused": False,
    }
    views: list[ConflictView] = []
    entries: list[SyncEntry] = []
    if state == "refused":
        page: Page[Any] = Paginator(refusals, _PAGE).get_page(request.GET.get("page"))
        entries = list(page)
    else:
        page = _conflicts(user, school, state, session, request.GET.get("page"))
        views = shown.describe(list(page))
        if state == "open":
            entries = list(refusals[: _REFUSED_BELOW + 1])
            context["more_refused"] = len(entries) > _REFUSED_BELOW
            entries = entries[:_REFUSED_BELOW]
    classes = shown.classes(
        {view.conflict.session_id for view in views}
        | {entry.session_id for entry in entries if entry.session_id is not None}
    )
    context["rows"] = [_row(view, classes[view.conflict.session_id], user) for view in views]
    context["refused"] = [
        {"entry": entry, "class": classes.get(entry.session_id) if entry.session_id else None}
        for entry in entries
    ]
    return render(request, "attendance/conflicts.html", {**context, "page": page})


@require_POST
@login_required
def resolve(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Decide one: ``keep``, and the ``version`` of the mark that was shown."""
    conflict = _conflict_of(request, pk)
    asked = understood(KeepForm(request.POST))
    name = conflict.student.user.full_name
    try:
        sync_conflicts.resolve(conflict=conflict, by=person(request), now=clock.now(), **asked)
    except DomainError as refusal:
        messages.error(request, f"{name}: {refusal}")
    else:
        messages.success(request, _said(asked["keep"], name))
    return _back(request)


@require_POST
@login_required
def resolve_chosen(request: HttpRequest) -> HttpResponse:
    """Decide all whose boxes are ticked in one way, each by itself; says how many, and of the others why not."""
    user, school = _decider(request)
    keep = understood(ChosenForm(request.POST))["keep"]
    asked = _chosen(request.POST.getlist("conflicts"))
    if not asked:
        messages.error(request, _("Tick the conflicts that you want to decide."))
        return _back(request)
    if len(asked) > _PAGE:
        raise Invalid(attr="conflicts", detail=_("At most {n} at a time.").format(n=_PAGE))
    mine = list(
        SyncConflict.objects.visible_to(user)
        .filter(pk__in=asked, school=school)
        .select_related("student__user")
        .order_by("pk")
    )
    outcomes = sync_conflicts.resolve_many(
        conflicts=[(conflict, asked[conflict.pk]) for conflict in mine], keep=keep, by=user, now=clock.now()
    )
    refused = [
        f"{conflict.student.user.full_name}: {one}"
        for conflict, one in zip(mine, outcomes, strict=True)
        if isinstance(one, DomainError)
    ]
    refused += [str(Forbidden())] * (len(asked) - len(mine))
    _tell(request, sum(isinstance(one, SyncConflict) for one in outcomes), refused)
    return _back(request)


def _said(keep: str, name: str) -> str:
    if keep == Keep.EXISTING:
        return _("{name}: the mark stays as it is.").format(name=name)
    return _("{name}: marked as on the device.").format(name=name)


def _decider(request: HttpRequest) -> tuple[User, School]:
    """Who decides, and in which school. Raises PermissionDenied for those who never do."""
    user = person(request)
    if not policies.can_mark_classes(user):
        raise PermissionDenied
    return user, office.school_of(request)


def _conflict_of(request: HttpRequest, pk: UUID) -> SyncConflict:
    """Raises Http404 outside the user's school, PermissionDenied without the right."""
    user = person(request)
    conflict = SyncConflict.objects.select_related("school", "session", "student__user").filter(pk=pk).first()
    if conflict is None or not user.may_reach(conflict.school_id):
        raise Http404
    if not policies.can_resolve_conflict(user, conflict):
        raise PermissionDenied
    timezone.activate(conflict.school.tz)
    return conflict


def _session(user: User, text: str | None) -> Session | None:
    """The class that the address names, when this person runs it; else all are shown."""
    try:
        key = UUID(text or "")
    except ValueError:
        return None
    return with_details(Session.objects.run_by(user)).filter(pk=key).first()


def _conflicts(
    user: User, school: School, state: str, session: Session | None, number: str | None
) -> Page[SyncConflict]:
    """Who waits longest comes first; of what is decided, the newest."""
    found = SyncConflict.objects.visible_to(user).filter(school=school)
    if session is not None:
        found = found.filter(session=session)
    if state == "open":
        found = found.open().order_by("raised_at", "pk")
    else:
        found = found.filter(resolved_at__isnull=False).order_by("-resolved_at", "-pk")
    return Paginator(shown.with_people(found), _PAGE).get_page(number)


def _row(view: ConflictView, of: ClassView, user: User) -> dict[str, Any]:
    conflict = view.conflict
    locked = conflict.session.status == SessionStatus.LOCKED
    return {
        "view": view,
        "conflict": conflict,
        "class": of,
        "locked": locked,
        "may_decide": conflict.resolved_at is None and (user.is_office or not locked),
    }


def _chosen(texts: Sequence[str]) -> dict[UUID, str]:
    """``<id> <version>`` of each box; the rest names nothing."""
    found: dict[UUID, str] = {}
    for text in texts:
        ident, _space, version = text.partition(" ")
        try:
            found[UUID(ident)] = version[:64]
        except ValueError:
            continue
    return found


def _tell(request: HttpRequest, done: int, refused: list[str]) -> None:
    parts = [ngettext("{n} conflict is decided.", "{n} conflicts are decided.", done).format(n=done)]
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
    return HttpResponseRedirect(reverse("attendance:conflicts") + (f"?{query}" if query else ""))
