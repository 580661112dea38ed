"""Readers for the office: the registry, one reader, what they told and what waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from academics.services.imports.report import Report
from accounts.models import School, User
from attendance import policies
from attendance.enums import ReadingState
from attendance.models import BiometricDevice, DeviceCommand, DeviceEvent, UnknownDevice
from attendance.models.devices import WAITING_FIRST
from attendance.selectors import registry
from attendance.services import devices, readings
from attendance.services.imports import import_pins
from attendance.web.access import person
from attendance.web.device_forms import (
    DeviceForm,
    PinFileForm,
    PinForm,
    ReadingForm,
    RegisterForm,
    SwitchForm,
)
from attendance.web.office import school_of
from core import clock
from core.errors import DomainError
from core.web import attempt, back_to, understood

_PINS, _READINGS, _COMMANDS, _UNKNOWN = 50, 40, 20, 20
#: A file of more is no list of numbers of one reader.
MOST_BYTES = 2_000_000


@never_cache
@require_GET
@login_required
def listed(request: HttpRequest) -> HttpResponse:
    """Every reader with its health, and serial numbers that called and that nobody has registered."""
    _user, school = _office(request)
    found = registry.readers(school, now=clock.now())
    return render(
        request,
        "attendance/devices.html",
        {
            "readers": found,
            "unmatched": sum(one.unmatched for one in found),
            "unknown": UnknownDevice.objects.order_by("-last_seen_at", "-pk")[:_UNKNOWN],
        },
    )


@never_cache
@login_required
def register(request: HttpRequest) -> HttpResponse:
    """The empty form, with ``?serial=`` that of one that has called; sent, a reader with its key."""
    user, school = _office(request)
    form = RegisterForm(
        request.POST or None,
        school=school,
        initial={"serial": request.GET.get("serial", "")[:64], "clock_offset": 0},
    )
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                made = devices.register(school=school, by=user, now=clock.now(), **form.values())
            except DomainError as refusal:
                status = _refused(form, refusal)
            else:
                return _with_key(request, made)
    return render(request, "attendance/device_register.html", {"form": form}, status=status)


@never_cache
@login_required
def one(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One reader: its health, what is known of it, its numbers and what it was told to do."""
    user, device = _device(request, pk)
    form = DeviceForm(request.POST or None, school=device.school, initial=DeviceForm.of(device))
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                devices.update(device=device, changes=form.values(), by=user, now=clock.now())
            except DomainError as refusal:
                status = _refused(form, refusal)
            else:
                messages.success(request, _("The reader is saved."))
                return back_to("attendance:device", device.pk)
    return _page(request, device, form=form, status=status)


@require_POST
@never_cache
@login_required
def rotate_key(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Another key, which this answer alone shows."""
    user, device = _device(request, pk)
    return _with_key(request, devices.rotate_key(device=device, by=user, now=clock.now()))


@require_POST
@login_required
def switch(request: HttpRequest, pk: UUID) -> HttpResponse:
    user, device = _device(request, pk)
    on = understood(SwitchForm(request.POST))["on"]
    return _done(
        request,
        device,
        lambda: devices.update(device=device, changes={"is_active": on}, by=user, now=clock.now()),
        _("The reader is on.") if on else _("The reader is off: it is refused from now on."),
    )


@require_POST
@login_required
def set_clock(request: HttpRequest, pk: UUID) -> HttpResponse:
    user, device = _device(request, pk)
    return _done(
        request,
        device,
        lambda: devices.set_clock(device=device, by=user, now=clock.now()),
        _("It sets its clock when it asks next, usually within a minute."),
    )


@require_POST
@login_required
def push_users(request: HttpRequest, pk: UUID) -> HttpResponse:
    user, device = _device(request, pk)
    return _done(
        request,
        device,
        lambda: devices.push_users(device=device, by=user, now=clock.now()),
        _("It learns its numbers when it asks next."),
    )


@require_POST
@login_required
def assign_pin(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Whom a number of the reader means; an empty enrollment number takes it away."""
    user, device = _device(request, pk)
    form = PinForm(request.POST, school=device.school)
    if not form.is_valid():
        return _page(request, device, pin=form, status=400)
    pin = devices.Pin(form.cleaned_data["pin"], form.cleaned_data["student"])
    outcome = devices.assign_pins(device=device, pins=[pin], by=user, now=clock.now())
    _tell_assigned(request, outcome.changed, outcome.matched)
    return back_to("attendance:device", device.pk)


@require_POST
@login_required
def upload_pins(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Numbers from a file; a bad line changes nothing and is named."""
    user, device = _device(request, pk)
    form = PinFileForm(request.POST, request.FILES)
    report: Report | None = None
    if form.is_valid():
        file = form.cleaned_data["file"]
        if file.size > MOST_BYTES:
            form.add_error("file", _("That file is larger than 2 MB, which no list of numbers is."))
        else:
            report = import_pins(device=device, data=file.read(), by=user, now=clock.now())
    if report is None or not report.imported:
        return _page(request, device, file=form, report=report, status=400)
    _tell_assigned(request, report.updated, 0)
    return back_to("attendance:device", device.pk)


@never_cache
@require_GET
@login_required
def told(request: HttpRequest) -> HttpResponse:
    """What readers told: what waits for a student or a class first, with the reason."""
    _user, school = _office(request)
    wanted = understood(ReadingForm(request.GET, school=school))
    found = (
        DeviceEvent.objects.filter(school=school)
        .select_related("device", "student__user")
        .alias(waiting=WAITING_FIRST)
        .order_by("waiting", "-received_at", "-pk")
    )
    if wanted["state"]:
        found = found.filter(state=wanted["state"])
    if wanted["device"]:
        found = found.filter(device=wanted["device"])
    # One more than the page shows tells whether there is another: nobody counts millions of readings.
    number = _page_number(request)
    rows = list(found[(number - 1) * _READINGS : number * _READINGS + 1])
    return render(
        request,
        "attendance/device_readings.html",
        {
            "rows": rows[:_READINGS],
            "state": wanted["state"],
            "device": wanted["device"],
            "states": ReadingState.choices,
            "previous": number - 1,
            "next": number + 1 if len(rows) > _READINGS else 0,
        },
    )


@require_POST
@login_required
def match_again(request: HttpRequest) -> HttpResponse:
    """Look again at what waits: of one reader all of it, else the recent ones of all."""
    _user, school = _office(request)
    device = understood(ReadingForm(request.POST, school=school))["device"]

    def act() -> None:
        outcome = readings.rematch(school=school, device=device, now=clock.now())
        said = ngettext(
            "{n} reading found its class.", "{n} readings found their classes.", outcome.matched
        ).format(n=outcome.matched)
        messages.success(request, said if outcome.matched else _("Nothing new was found for them."))

    attempt(request, act)
    return back_to("attendance:device_readings")


def _office(request: HttpRequest) -> tuple[User, School]:
    """Who keeps the readers, and of which school. Raises PermissionDenied."""
    user = person(request)
    if not user.is_office:
        raise PermissionDenied
    school = school_of(request)
    if not policies.can_manage_devices(user, school.pk):
        raise PermissionDenied
    return user, school


def _device(request: HttpRequest, pk: UUID) -> tuple[User, BiometricDevice]:
    """Raises Http404 outside the user's school, PermissionDenied without the right."""
    user = person(request)
    device = registry.with_counts(BiometricDevice.objects.filter(pk=pk)).first()
    if device is None or not user.may_reach(device.school_id):
        raise Http404
    if not policies.can_change_device(user, device):
        raise PermissionDenied
    timezone.activate(device.school.tz)
    return user, device


def _page(
    request: HttpRequest,
    device: BiometricDevice,
    *,
    form: DeviceForm | None = None,
    pin: PinForm | None = None,
    file: PinFileForm | None = None,
    report: Report | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a reader, with what was typed and refused in its place."""
    now = clock.now()
    unmatched = DeviceEvent.objects.filter(
        device=device, state=ReadingState.UNMATCHED, school=device.school_id
    )
    known = device.pins.select_related("student__user").order_by("pin")
    return render(
        request,
        "attendance/device.html",
        {
            "device": device,
            "reader": registry.reader(device, unmatched=unmatched.count(), now=now),
            "form": form or DeviceForm(school=device.school, initial=DeviceForm.of(device)),
            "pin": pin or PinForm(school=device.school, auto_id="pin-%s"),
            "file": file or PinFileForm(auto_id="file-%s"),
            "report": report,
            "problems": report.in_order()[:_COMMANDS] if report else [],
            "page": Paginator(known, _PINS).get_page(request.GET.get("page")),
            "commands": DeviceCommand.objects.filter(device=device)
            .select_related("created_by")
            .order_by("-pk")[:_COMMANDS],
        },
        status=status,
    )


def _with_key(request: HttpRequest, made: devices.Registered) -> HttpResponse:
    """The only page that ever shows the key. No redirect: there is nowhere it could be kept on the way."""
    return render(request, "attendance/device_key.html", {"device": made.device, "key": made.key})


def _done(
    request: HttpRequest, device: BiometricDevice, act: Callable[[], Any], success: str
) -> HttpResponse:
    attempt(request, act, success=success)
    return back_to("attendance:device", device.pk)


def _tell_assigned(request: HttpRequest, changed: int, matched: int) -> None:
    said = ngettext("{n} number is changed.", "{n} numbers are changed.", changed).format(n=changed)
    if matched:
        said += " " + ngettext(
            "{n} reading found its class.", "{n} readings found their classes.", matched
        ).format(n=matched)
    messages.success(request, said)


def _refused(form: DeviceForm, refusal: DomainError) -> int:
    """What the service said, beside its field; the HTTP status of it."""
    form.add_error(refusal.attr if refusal.attr in form.fields else None, str(refusal))
    return refusal.status


def _page_number(request: HttpRequest) -> int:
    raw = request.GET.get("page", "1")
    return min(int(raw), 1000) if raw.isascii() and raw.isdigit() and 0 < len(raw) < 6 and int(raw) else 1
