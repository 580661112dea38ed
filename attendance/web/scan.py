"""From the code on the wall to "Present": the deep link, the ticket, the tap, the in-page scanner."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from attendance import codes, errors, policies
from attendance.models import Session
from attendance.selectors import days
from attendance.selectors.sessions import with_details
from attendance.services import scanning
from attendance.services.scanning import ScanAnswer
from attendance.web.access import person
from attendance.web.forms import LocationForm, TokenForm
from core import clock, context
from core.errors import DomainError, Invalid
from core.web import understood

_A_YEAR = 365 * 24 * 3600
_ANSWER = "campushub.scan_answer"
# The decoder is WebAssembly; no other page may compile any.
_wasm = csp_update({"script-src": ["'wasm-unsafe-eval'"]})


@never_cache
@require_GET
def open_code(request: HttpRequest, token: str) -> HttpResponse:
    """``/s/<token>``: what a phone's camera opens. A fresh code becomes a ticket of this browser, signed in or not."""
    now = clock.now()
    try:
        code = codes.decode(token)
        codes.check_fresh(code, now=now)
    except DomainError as refusal:
        return _refused(request, refusal)
    target = reverse("attendance:scan")
    if request.user.is_authenticated:
        response: HttpResponse = redirect(target)
    else:
        response = redirect_to_login(target)
    device = codes.read_device(request.COOKIES.get(codes.DEVICE_COOKIE))
    if device is None:
        device = codes.new_device()
        _set_cookie(response, codes.DEVICE_COOKIE, codes.sign_device(device), _A_YEAR)
    ticket = codes.issue_ticket(code, device=device, now=now)
    _set_cookie(response, codes.TICKET_COOKIE, ticket, int(codes.TICKET_LIFE.total_seconds()))
    return response


@never_cache
@login_required
@_wasm
def scan(request: HttpRequest) -> HttpResponse:
    """The answer to the last scan, the question "I am here?" while a ticket waits, else the scanner."""
    if not policies.can_scan(person(request)):
        return _refused(request, errors.StudentsOnly())
    answer = request.session.pop(_ANSWER, None)
    if answer is not None:
        return _success(request, answer)
    if request.COOKIES.get(codes.TICKET_COOKIE):
        return _confirm(request)
    response = render(
        request,
        "attendance/student_scan.html",
        {
            "state": "scanner",
            "form_action": reverse("attendance:scan_token"),
            "code_path": "/s/",
        },
    )
    if codes.read_device(request.COOKIES.get(codes.DEVICE_COOKIE)) is None:
        _set_cookie(response, codes.DEVICE_COOKIE, codes.sign_device(codes.new_device()), _A_YEAR)
    return response


@require_POST
@login_required
def redeem(request: HttpRequest) -> HttpResponse:
    """The tap on "I am here": turns the ticket into a mark."""
    if not policies.can_scan(person(request)):
        return _refused(request, errors.StudentsOnly())
    if not request.COOKIES.get(codes.TICKET_COOKIE) and _ANSWER in request.session:
        # A second tap before the first one's answer was shown.
        return redirect("attendance:scan")
    now = clock.now()
    try:
        place = understood(LocationForm(request.POST))
        ticket = _ticket(request)
        answer = scanning.redeem(
            ticket,
            user_id=person(request).pk,
            latitude=place["latitude"],
            longitude=place["longitude"],
            accuracy=place["accuracy"],
            ip=context.current().ip,
            request_id=context.current().request_id,
            now=now,
        )
    except DomainError as refusal:
        response = _refused(request, refusal)
        # For the place one may try again with the same ticket; any other refusal is the end of it.
        if not isinstance(refusal, errors.LocationRequired | errors.OutsideGeofence | Invalid):
            response.delete_cookie(codes.TICKET_COOKIE)
        return response
    return _answered(request, answer)


@require_POST
@login_required
def scan_token(request: HttpRequest) -> HttpResponse:
    """A code read by the in-page scanner: becomes a ticket first, so that one rule asks for the place."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _refused(request, errors.CodeInvalid())
    return redirect("scan_code", token=form.cleaned_data["token"])


def _ticket(request: HttpRequest) -> codes.Ticket:
    value = request.COOKIES.get(codes.TICKET_COOKIE)
    if not value:
        raise errors.CodeExpired
    device = codes.read_device(request.COOKIES.get(codes.DEVICE_COOKIE))
    return codes.read_ticket(value, device=device, now=clock.now())


def _confirm(request: HttpRequest) -> HttpResponse:
    try:
        ticket = _ticket(request)
    except DomainError as refusal:
        response = _refused(request, refusal)
        response.delete_cookie(codes.TICKET_COOKIE)
        return response
    user = person(request)
    session = (
        with_details(Session.objects.filter(pk=ticket.session_id, school=user.school))
        .select_related("school__attendance_configuration", "room", "substitute__user")
        .first()
    )
    if session is None:
        response = _refused(request, errors.NotOnRoster())
        response.delete_cookie(codes.TICKET_COOKIE)
        return response
    checks_place = session.school.attendance_configuration.gps_verification
    return render(
        request,
        "attendance/student_scan.html",
        {
            "state": "confirm",
            "ticket": days.describe(session),
            "needs_location": checks_place and session.room is not None and session.room.latitude is not None,
            "form_action": reverse("attendance:redeem"),
        },
    )


def _answered(request: HttpRequest, answer: ScanAnswer) -> HttpResponse:
    """Redirect to the answer, so that reloading it cannot scan again."""
    session = Session.objects.select_related("room").get(pk=answer.session_id)
    request.session[_ANSWER] = {
        "status": answer.status,
        "marked_at": answer.marked_at.isoformat() if answer.marked_at else None,
        "course": answer.course,
        "room": session.room.code if session.room else "",
        "already": answer.code == "already_recorded",
    }
    response = redirect("attendance:scan")
    response.delete_cookie(codes.TICKET_COOKIE)
    return response


def _success(request: HttpRequest, answer: dict[str, Any]) -> HttpResponse:
    moment = datetime.fromisoformat(answer["marked_at"])
    return render(
        request,
        "attendance/student_scan.html",
        {"state": "success", "result": {**answer, "marked_at": moment}},
    )


def _refused(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    return render(
        request,
        "attendance/student_scan.html",
        {"state": "refused", "refusal": {"code": refusal.code, "message": str(refusal)}},
        status=refusal.status,
    )


def _set_cookie(response: HttpResponse, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Lax", secure=settings.SECURE)
