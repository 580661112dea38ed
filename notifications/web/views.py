"""What a person was told, and how they want to be told."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from core import clock
from core.errors import DomainError
from core.web import back_to
from notifications import selectors
from notifications.enums import Channel
from notifications.services import preferences as choices
from notifications.services import reading

_PAGE = 30


@never_cache
@require_GET
@login_required
def notices(request: HttpRequest) -> HttpResponse:
    """Newest first, day by day; ``?unread=1`` only what was not read."""
    user = _person(request)
    only_unread = request.GET.get("unread") == "1"
    found = selectors.inbox(user)
    page = Paginator(found.unread() if only_unread else found, _PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "notifications/notices.html",
        {
            "page": page,
            "only_unread": only_unread,
            "days": _by_day(selectors.all_shown(page)),
            "today": timezone.localdate(clock.now()),
        },
    )


@never_cache
@require_GET
@login_required
def open_notice(request: HttpRequest, pk: UUID) -> HttpResponse:
    """To what a notice is about; having been there it is read. Raises Http404 for what is not one's own."""
    user = _person(request)
    notice = selectors.with_facts(user.notifications.filter(pk=pk)).first()
    if notice is None:
        raise Http404
    reading.mark_read(user=user, only=[pk], now=clock.now())
    # Not redirect(path): that would look for a page of that name.
    path = selectors.text_of(notice).path
    return redirect(path) if path.startswith("/") else back_to("notifications:notices")


@require_POST
@login_required
def read_all(request: HttpRequest) -> HttpResponse:
    reading.mark_read(user=_person(request), now=clock.now())
    return back_to("notifications:notices")


@never_cache
@login_required
def preferences(request: HttpRequest) -> HttpResponse:
    """Kind by kind and channel by channel; sent, what was chosen."""
    user = _person(request)
    chosen = selectors.choices_of(user)
    refusal: DomainError | None = None
    if request.method == "POST":
        wanted = {
            (choice.kind.code, choice.channel.value): request.POST[choice.name]
            for choice in chosen
            if choice.name in request.POST
        }
        try:
            choices.choose(user=user, choices=wanted, by=user, now=clock.now())
        except DomainError as error:
            refusal = error
        else:
            messages.success(request, _("From now on you are told as you chose."))
            return back_to("notifications:preferences")
    return render(
        request,
        "notifications/preferences.html",
        {
            "rows": _rows(chosen),
            "channels": [channel.label for channel in Channel],
            "email": user.email,
            "refusal": refusal,
        },
        status=refusal.status if refusal else 200,
    )


def _by_day(shown: list[selectors.Shown]) -> list[dict[str, Any]]:
    """Notices by the day of the school on which they came, in their order."""
    days: list[dict[str, Any]] = []
    for notice in shown:
        day = timezone.localdate(notice.created_at)
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "notices": []})
        days[-1]["notices"].append(notice)
    return days


def _rows(chosen: list[selectors.Choice]) -> list[dict[str, Any]]:
    step = len(Channel)
    return [
        {"kind": chosen[start].kind, "choices": chosen[start : start + step]}
        for start in range(0, len(chosen), step)
    ]


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
