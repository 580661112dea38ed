"""The Content-Security-Policy header: django-csp's, without building the same text for every answer."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class PolicyMiddleware(CSPMiddleware):
    """Most answers have the policy of the settings as it is; only those that change it are built by django-csp."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        self._policy = build_policy()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        # How django-csp's decorators and a used nonce ask for a policy of their own.
        changed = "_csp_nonce" in vars(request) or any(name.startswith("_csp") for name in vars(response))
        if changed or settings.DEBUG:
            return super().process_response(request, response)
        response.setdefault(HEADER, self._policy)
        return response
