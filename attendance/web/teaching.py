"""The teacher's day, the class screen and the roster."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from academics.policies import is_office_of
from accounts.web.kept import kept_on_device
from attendance import policies
from attendance.enums import SessionStatus, Source, Status
from attendance.models import Session
from attendance.selectors import anomalies, days, sync_conflicts
from attendance.selectors.live import Counts, live_state
from attendance.selectors.roster import RosterEntry
from attendance.selectors.roster import roster as roster_of
from attendance.selectors.sessions import with_details
from attendance.services import sessions
from attendance.services.marking import Mark, bulk_mark
from attendance.web.access import person, runs, session_of
from attendance.web.forms import ConfirmForm, MarkForm, ReasonForm
from core import clock
from core.web import attempt, back_to, understood

_SHOW = {"all", "unmarked", "late", "at_risk"}


@kept_on_device
def today(request: HttpRequest) -> HttpResponseBase:
    """A teacher's classes of the day, and those that wait to be confirmed."""
    user = person(request)
    now = clock.now()
    return render(
        request,
        "attendance/faculty_today.html",
        {
            "today": user.school.local_date(now) if user.school else now.date(),
            "classes": [
                {**_as_dict(item), "note": _note(item.stands_in_for, item.given_to)}
                for item in days.faculty_day(user, now=now)
            ],
            "unconfirmed": days.unconfirmed(user),
        },
    )


def _as_dict(item: days.FacultyClass) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__slots__}


def _note(stands_in_for: str, given_to: str) -> str:
    if stands_in_for:
        return _("for {name}").format(name=stands_in_for)
    return _("taken by {name}").format(name=given_to) if given_to else ""


@never_cache
@login_required
@kept_on_device
def screen(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The projector view of an open class; any other class shows its roster instead."""
    session = session_of(request, pk, runs)
    state = live_state(session.pk)
    if not session.is_open or state is None:
        return back_to("attendance:roster", session.pk)
    configuration = session.school.attendance_configuration
    return render(
        request,
        "attendance/class_screen.html",
        {
            **_common(session),
            "counts": state.counts,
            "total": state.counts.total,
            "recent": state.recent,
            "server_now": clock.now(),
            "rotation_seconds": configuration.qr_rotation_seconds,
        },
    )


@never_cache
@login_required
@kept_on_device
def roster(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everybody of the class with their mark; marks by key with JavaScript, by buttons without."""
    session = session_of(request, pk, policies.can_view_roster)
    user = person(request)
    rows = roster_of(session)
    may_run = runs(user, session)
    show = request.GET.get("show", "all")
    closed = session.is_counted
    return render(
        request,
        "attendance/class_roster.html",
        {
            **_common(session),
            "students": [_student(row) for row in rows],
            "counts": _counts(rows),
            "total": len(rows),
            "at_risk": sum(row.at_risk for row in rows),
            "show": show if show in _SHOW else "all",
            "can_mark": may_run and _markable(session, office=is_office_of(user, session.school_id)),
            "can_open": may_run and session.may_open_at(clock.now()),
            "can_close": may_run and session.is_open,
            "can_reopen": may_run and session.status == SessionStatus.CLOSED,
            "can_confirm": may_run and session.status == SessionStatus.UNCONFIRMED,
            "needs_reason": closed,
            "anomalies": anomalies.waiting_in(session) if may_run else 0,
            "sees_trail": policies.can_view_audit(user, session.school_id),
            "conflicts": sync_conflicts.open_in(session) if may_run else 0,
        },
    )


@require_POST
@login_required
def open_class(request: HttpRequest, pk: UUID) -> HttpResponse:
    session = session_of(request, pk, runs)
    opened = attempt(
        request, lambda: sessions.open_session(session=session, by=person(request), now=clock.now())
    )
    if opened and Source.QR in session.capture_modes:
        return back_to("attendance:screen", session.pk)
    return back_to("attendance:roster" if opened else "attendance:home", *([session.pk] if opened else []))


@require_POST
@login_required
def close_class(request: HttpRequest, pk: UUID) -> HttpResponse:
    session = session_of(request, pk, runs)
    attempt(
        request,
        lambda: sessions.close_session(session=session, by=person(request), now=clock.now()),
        success=_("The class is closed."),
    )
    return back_to("attendance:roster", session.pk)


@require_POST
@login_required
def reopen_class(request: HttpRequest, pk: UUID) -> HttpResponse:
    session = session_of(request, pk, runs)
    reason = understood(ReasonForm(request.POST))["reason"]
    attempt(
        request,
        lambda: sessions.reopen_session(session=session, reason=reason, by=person(request), now=clock.now()),
        success=_("The class is open again. It closes by itself after 30 minutes."),
    )
    return back_to("attendance:roster", session.pk)


@require_POST
@login_required
def confirm_class(request: HttpRequest, pk: UUID) -> HttpResponse:
    session = session_of(request, pk, runs)
    held = understood(ConfirmForm(request.POST))["held"]
    attempt(
        request,
        lambda: sessions.confirm_session(session=session, held=held, by=person(request), now=clock.now()),
        success=_("The class counts as held.") if held else _("The class is cancelled."),
    )
    return back_to("attendance:home")


@require_POST
@login_required
def mark(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Marks without JavaScript: ``mark=<number>:<status>`` or ``all=present`` for whoever is unmarked."""
    session = session_of(request, pk, runs)
    wanted = understood(MarkForm(request.POST))
    if wanted["all"]:
        marks = [Mark(row.student, Status.PRESENT) for row in roster_of(session) if row.record is None]
    else:
        number, _colon, status = wanted["mark"].partition(":")
        marks = [Mark(number, status)]

    def act() -> None:
        bulk_mark(
            session=session,
            marks=marks,
            reason=wanted["reason"],
            by=person(request),
            now=clock.now(),
        )

    said = ngettext("{n} mark is saved.", "{n} marks are saved.", len(marks)).format(n=len(marks))
    attempt(request, act, success=said)
    return back_to("attendance:roster", session.pk)


def _common(session: Session) -> dict[str, Any]:
    """What both views of a class need."""
    loaded = with_details(Session.objects.filter(pk=session.pk)).get()
    view = days.describe(loaded)
    configuration = session.school.attendance_configuration
    grace = timedelta(minutes=configuration.grace_period_minutes)
    # The addresses of the API are its contract, the same for our own scripts as for everybody.
    api = f"/api/v1/attendance/sessions/{session.pk}/"
    return {
        "session": {
            **{name: getattr(view, name) for name in view.__slots__},
            "closed_at": session.closed_at,
            "on_time_until": session.on_time_from + grace,
        },
        "api": {
            "qr": f"{api}qr/",
            "generate_qr": f"{api}generate-qr/",
            "live": f"{api}live/",
            "roster": f"{api}roster/",
            "bulk_mark": "/api/v1/attendance/records/bulk-mark/",
        },
        "stream_url": f"{settings.LIVE_URL}/live/sessions/{session.pk}/",
        "auto_mark_absent": configuration.auto_mark_absent,
    }


def _student(row: RosterEntry) -> dict[str, Any]:
    return {
        "enrollment_no": row.student,
        "name": row.name,
        "status": row.record.status if row.record else None,
        "percentage": row.percentage,
        "at_risk": row.at_risk,
        "note": row.record.remarks if row.record else "",
        "record": row.record.id if row.record else None,
    }


def _counts(rows: list[RosterEntry]) -> Counts:
    found = Counter(row.record.status if row.record else "unmarked" for row in rows)
    return Counts(**found)


def _markable(session: Session, *, office: bool) -> bool:
    if session.status == SessionStatus.LOCKED:
        return office
    return session.status in {SessionStatus.OPEN, SessionStatus.UNCONFIRMED, SessionStatus.CLOSED}
