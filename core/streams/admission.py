"""Who may watch what, decided as for any request of the API: same authentication, same refusals, same limit."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, InterfaceError
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.request import Request

from core import limits
from core.api.authentication import AccessTokenAuthentication, BrowserSessionAuthentication
from core.api.exceptions import handle
from core.api.renderers import dumps
from core.errors import DomainError, Invalid
from core.streams.answers import Answer, Scope

#: Raises a DomainError unless this user may watch this topic.
Check = Callable[[Any, str], None]

_AUTHENTICATORS = (AccessTokenAuthentication(), BrowserSessionAuthentication())


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who was let in."""

    user_id: int
    school_id: int | None


def admit(scope: Scope, check: Check, topic: str, again: bool = False) -> Watcher | Answer:
    """Let the sender of this request watch the topic, or say why not; `again` for a stream that is open already.

    Reads the database. An answer of 5xx about an open stream says nothing about its right.
    """
    request = ASGIRequest(scope, io.BytesIO())
    with translation.override(translation.get_language_from_request(request)):
        try:
            request.get_host()
            user = _sender(request)
            if not again and (wait := limits.hit_shared("user", f"u{user.pk}")):
                raise exceptions.Throttled(limits.retry_after(wait))
            check(user, topic)
        except DisallowedHost:
            return refusal(Invalid(detail=_("The request cannot be understood.")))
        except (exceptions.APIException, DomainError, DatabaseError, InterfaceError) as error:
            return refusal(error)
    return Watcher(user.pk, user.school_id)


def _sender(request: Any) -> Any:
    """The user, by access token or by the session of the pages; never by anything in the address."""
    sessions = import_module(settings.SESSION_ENGINE)
    request.session = sessions.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    request.user = SimpleLazyObject(lambda: get_user(request))
    asked = Request(request, authenticators=_AUTHENTICATORS)
    try:
        if not asked.user.is_authenticated:
            raise exceptions.NotAuthenticated
    except (exceptions.NotAuthenticated, exceptions.AuthenticationFailed) as error:
        # DRF's views do so before they hand it on.
        error.auth_header = _AUTHENTICATORS[0].authenticate_header(asked)  # type: ignore[union-attr] # DRF's name
        raise
    return asked.user


def refusal(error: Exception) -> Answer:
    """What the API answers to this error."""
    # Of a refusal that is the server's own fault the handler tells monitoring, with the request if there is one.
    response = handle(error, {"request": None})
    if response is None:
        raise error
    own = [
        (name.lower().encode(), response[name].encode())
        for name in ("WWW-Authenticate", "Retry-After")
        if name in response
    ]
    content_type = (b"content-type", b"application/json")
    return Answer(response.status_code, [content_type, *own], dumps(response.data))
