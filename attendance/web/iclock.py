"""The addresses that readers push to: plain text, and an answer that makes them go on.

Who calls is told by the serial number, and believed from a network of the reader or below ``/r/<key>/`` with its key.
What cannot be used is kept or left out and answered all the same: a reader sends again, for ever, what fails.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from attendance import iclock
from attendance.models import BiometricDevice
from attendance.selectors.devices import by_serial, vouched_for
from attendance.services import device_calls, readings
from core import clock, context, limits

View = Callable[[HttpRequest, BiometricDevice], HttpResponse]

#: The scope under which a reader's calls are counted, see `core.limits`; those of strangers by their address.
SCOPE = "reader"


def text(body: str, status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="text/plain; charset=utf-8", headers=headers)


def _reader_only(view: View) -> Callable[..., HttpResponse]:
    """Find out which reader calls, and refuse whoever is none."""

    @csrf_exempt
    @wraps(view)
    def asked(request: HttpRequest, key: str | None = None) -> HttpResponse:
        serial, address = request.GET.get("SN", ""), context.current().ip
        if not iclock.SERIAL.fullmatch(serial):
            return text("ERROR: no serial number\n", 403)
        device = by_serial(serial)
        known = device is not None and vouched_for(device, address=address, key=key)
        wait = limits.hit_shared(SCOPE, str(device.pk) if device and known else f"a{address}")
        if wait:
            return text("ERROR: too often\n", 429, **{"Retry-After": str(limits.retry_after(wait))})
        if device is None:
            device_calls.meet_unknown(serial=serial, address=address, now=clock.now())
        if device is None or not known or not device.is_active or not device.school.is_active:
            return text("ERROR: not registered\n", 403)
        return view(request, device)

    return asked


@require_http_methods(["GET", "POST"])
@_reader_only
def cdata(request: HttpRequest, device: BiometricDevice) -> HttpResponse:
    """GET: the handshake. POST: a table of the reader; of its log every line is kept, other tables are left out.

    The answer counts the lines received, so that the reader goes on to the next ones.
    """
    now = clock.now()
    if request.method == "GET":
        device_calls.seen(device=device, now=now)
        shaken = iclock.handshake(device.serial, stamp=device.log_stamp, zone=device.school.tz, now=now)
        return text(shaken)
    lines = iclock.lines_of(request.body)
    if request.GET.get("table", "").upper() != "ATTLOG":
        # Users, fingerprints and photographs as the reader has them: nobody agreed to our keeping those.
        device_calls.seen(device=device, now=now)
        return text(f"OK: {len(lines)}\n")
    found, bad = iclock.read_log(lines, zone=device.school.tz)
    readings.take(device=device, readings=found, bad=bad, now=now)
    # Only once they are kept: else what failed would never be sent again.
    device_calls.seen(device=device, stamp=_stamp(request), now=now)
    return text(f"OK: {len(lines)}\n")


@require_http_methods(["GET"])
@_reader_only
def getrequest(request: HttpRequest, device: BiometricDevice) -> HttpResponse:
    """What the reader is to do: one command a line, or ``OK`` for nothing."""
    now = clock.now()
    firmware = request.GET.get("INFO", "").split(",")[0].replace("\0", "")
    device_calls.seen(device=device, firmware=firmware, now=now)
    due = device_calls.fetch_commands(device=device, now=now)
    return text("".join(f"C:{ident}:{command}\n" for ident, command in due) or "OK\n")


@require_http_methods(["POST"])
@_reader_only
def devicecmd(request: HttpRequest, device: BiometricDevice) -> HttpResponse:
    """What became of commands."""
    now = clock.now()
    device_calls.seen(device=device, now=now)
    answers = iclock.read_answers(iclock.lines_of(request.body))
    device_calls.take_answers(device=device, answers=answers, now=now)
    return text("OK\n")


def _stamp(request: HttpRequest) -> str:
    stamp = request.GET.get("Stamp", "")
    return stamp if stamp.isascii() and stamp.isdigit() and len(stamp) <= 20 else ""
