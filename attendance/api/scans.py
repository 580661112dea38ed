"""The plain way of a scan through the API: the reference that the scan gate must equal."""

from __future__ import annotations

from datetime import datetime

from rest_framework.request import Request

from academics.api.scope import user_of
from attendance import codes, errors, policies
from attendance.api.serializers.records import ScanSerializer
from attendance.services import scanning
from attendance.services.scan_queue import queue
from core import clock, context
from core.api.authentication import confirmed

#: In the WSGI environment of a scan that has failed among others already: it is not to hold up more of them.
ALONE = "campushub.scan_alone"

#: Kept, since each new one copies all of its fields, which costs as much as validating. Validating leaves no trace.
_FIELDS = ScanSerializer()


def scan(request: Request) -> scanning.ScanAnswer:
    """Read the request, judge the code, record the scan. Raises what `scanning.scan_one` raises,
    DatabaseUnavailable, StudentsOnly.

    The sender is who the token says; the statement looks at the person, and a refusal only goes to somebody who was
    looked at.
    """
    now = clock.now()
    try:
        asked = _asked(request, now)
    except Exception:
        # Whatever it is, it goes on; but somebody who was switched off is told 401 instead.
        confirmed(request)
        raise
    answer = queue.scan(asked, now=now, alone=ALONE in request.META)
    if answer.code == "unknown_person" and not policies.can_scan(confirmed(request)):
        raise errors.StudentsOnly
    if not answer.ok:
        raise answer.refusal()
    return answer


def _asked(request: Request, now: datetime) -> scanning.ScanRequest:
    user = user_of(request)
    if not policies.can_scan(user) and not policies.can_scan(confirmed(request)):
        raise errors.StudentsOnly
    values = _FIELDS.run_validation(request.data)
    code = codes.decode(values["token"])
    codes.check_fresh(code, now=now)
    here = context.current()
    return scanning.ScanRequest(
        session_id=code.session_id,
        school_id=code.school_id,
        generation=code.generation,
        captured_at=now,
        user_id=user.pk,
        device_key=_device_key(request, values["device_id"]),
        latitude=values["latitude"],
        longitude=values["longitude"],
        accuracy=values["accuracy"],
        ip=here.ip,
        request_id=here.request_id,
    )


def _device_key(request: Request, device_id: str | None) -> str | None:
    """A client with a token names its device; a browser with a session is known by the cookie we gave it."""
    if request.auth is None:
        device = codes.read_device(request.COOKIES.get(codes.DEVICE_COOKIE))
        return codes.device_key(device, kind="browser") if device else None
    return codes.device_key(device_id, kind="api") if device_id else None
