"""Which pages a browser may keep on a device, and for whom. Why: decision 0013."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

from accounts.policies import may_mark

#: Names the person for whom the service worker may keep this page; without it a page is never kept.
KEPT_FOR = "X-Kept-For"

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def person_key(user: Any) -> str:
    """Tells people apart on a device that several use, without saying who they are; "" for nobody."""
    if not user.is_authenticated:
        return ""
    return salted_hmac("accounts.web.kept", str(user.pk), algorithm="sha256").hexdigest()[:24]


def kept_on_device(view: View[P]) -> View[P]:
    """The page may be kept on the device of whoever works without a network, for them alone."""

    @wraps(view)
    def kept(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code == 200 and request.user.is_authenticated and may_mark(request.user):
            response[KEPT_FOR] = person_key(request.user)
        return response

    return kept
