"""How often a client may ask, per scope; see `core.limits` for the counting.

A view says `throttle_scope = "bulk"`, or `throttle_scopes = {"<action>": "bulk"}` for single actions; anything
else counts as ``user``. Signing in is counted per address, everything else per person. Scans are counted in this
process alone, by the person's id, because the scan gate and the API's own action must share one count without a network
round trip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core import context, limits, metrics
from core.limits import InProcessLimiter as InProcessLimiter
from core.limits import Rate as Rate

if TYPE_CHECKING:
    # At run time DRF's views import this module.
    from rest_framework.views import APIView

LOGIN, SCAN, USER = "login", "scan", "user"


class ScopedUserThrottle(BaseThrottle):
    """Counts every request under its scope; 429 with Retry-After above the rate."""

    _wait: float = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        scope = scope_of(view)
        if request.META.get(limits.COUNTED) == scope:
            return True
        if scope == SCAN:
            self._wait = limits.local(SCAN).hit(request.user.pk)
        else:
            self._wait = limits.hit_shared(scope, _who(request, scope))
        if self._wait:
            metrics.THROTTLED.labels(scope).inc()
        return self._wait == 0.0

    def wait(self) -> float | None:
        return limits.retry_after(self._wait) if self._wait else None


def scope_of(view: APIView) -> str:
    """The scope under which the view's current action counts."""
    by_action = getattr(view, "throttle_scopes", {})
    return by_action.get(getattr(view, "action", None)) or getattr(view, "throttle_scope", None) or USER


def _who(request: Request, scope: str) -> str:
    if scope != LOGIN and request.user.is_authenticated:
        return f"u{request.user.pk}"
    return f"a{context.current().ip or request.META.get('REMOTE_ADDR', '')}"
