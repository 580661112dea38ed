"""What a browser may keep on a device, and for whom. Why: decision 0013."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

from accounts.enums import Role

#: Names the person for whom the service worker may keep this page; without it a page is never kept.
KEPT_FOR = "X-Kept-For"
_MARKS = frozenset({Role.FACULTY, Role.ADMIN, Role.SUPERUSER})

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def person_key(user: Any) -> str:
    """Tells people apart on a device that several use, without saying who they are; "" for nobody."""
    if not user.is_authenticated:
        return ""
    return salted_hmac("accounts.device.person", str(user.pk), algorithm="sha256").hexdigest()[:24]


def works_offline(user: Any) -> bool:
    """Whether this person's pages come with what marks without a network: whoever may mark at all."""
    return bool(user.is_authenticated and user.role in _MARKS)


def kept_on_device(view: View[P]) -> View[P]:
    """The page may be kept on the device of whoever works without a network, for them alone."""

    @wraps(view)
    def kept(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code == 200 and works_offline(request.user):
            response[KEPT_FOR] = person_key(request.user)
        return response

    return kept
