"""The plain way of a scan through the API: the reference that the scan gate must equal."""

from __future__ import annotations

from rest_framework.request import Request

from academics.api.scope import user_of
from attendance import codes, errors, policies
from attendance.api.serializers.records import ScanSerializer
from attendance.services import scanning
from core import clock, context


def scan(request: Request) -> scanning.ScanAnswer:
    """Read the request, judge the code, record the scan. Raises what `scanning.scan_one` raises, StudentsOnly."""
    user = user_of(request)
    if not policies.can_scan(user):
        raise errors.StudentsOnly
    asked = ScanSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    values = asked.validated_data
    now = clock.now()
    code = codes.decode(values["token"])
    codes.check_fresh(code, now=now)
    here = context.current()
    return scanning.scan_one(
        scanning.ScanRequest(
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
        ),
        now=now,
    )


def _device_key(request: Request, device_id: str | None) -> str | None:
    """A client with a token names its device; a browser with a session is known by the cookie we gave it."""
    if request.auth is None:
        device = codes.read_device(request.COOKIES.get(codes.DEVICE_COOKIE))
        return codes.device_key(device, kind="browser") if device else None
    return codes.device_key(device_id, kind="api") if device_id else None
