"""The outermost layers of every request: its context, and clean refusals of what no view should see."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from core import context, db, faults, metrics
from core.errors import DomainError
from core.ids import uuid7
from core.logging import bind_person

log = structlog.get_logger(__name__)

#: A query that takes longer is told with its route.
SLOW_SECONDS = 0.2
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestContextMiddleware:
    """Gives every request an id and an address, and writes the line that tells of it.

    The line names the route's pattern, never the path or the query: those may hold codes and tokens. Prometheus is
    told the same.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        known = context.RequestContext(request_id=request_id_of(request.META), ip=address_of(request.META))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=known.request_id)
        started = time.perf_counter()
        watch = _QueryWatch(request)
        with context.use(known), connection.execute_wrapper(watch):
            response = self.get_response(request)
        seconds = time.perf_counter() - started
        response["X-Request-ID"] = known.request_id
        _bind_user(request)
        route = route_of(request)
        # A client may call its method as it likes: each name would be a series of its own.
        method = request.method if request.method in _METHODS else "other"
        metrics.REQUEST_SECONDS.labels(method, route, response.status_code).observe(seconds)
        log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 1),
            queries=watch.count,
        )
        return response


class LanguageMiddleware:
    """Speaks the language of the cookie, else of the browser; Django's LocaleMiddleware for addresses without prefixes.

    Ours have none, and looking for them in every address, twice, takes most of its time.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        translation.activate(translation.get_language_from_request(request))
        request.LANGUAGE_CODE = translation.get_language()
        response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", translation.get_language())
        return response


class FaultMiddleware:
    """Refuses bodies over the limit and NUL in addresses; turns refusals that a page let through into pages."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if too_large(request.META):
            return faults.answer(
                request, status=413, code="body_too_large", detail=_("What you send may have 5 MB at most.")
            )
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return faults.answer(
                request,
                status=400,
                code="null_characters_not_allowed",
                detail=_("NUL characters are not allowed."),
            )
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, DatabaseError | InterfaceError):
            refusal = db.refusal_of(exception)
            if refusal is None:
                return None
            log.warning("database_refused", code=refusal.code, exc_info=exception)
            return faults.refuse(request, refusal)
        if isinstance(exception, DomainError):
            return faults.refuse(request, exception)
        return None


class _QueryWatch:
    """Counts and times the queries of one request."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.count = 0

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, details: dict[str, Any]
    ) -> Any:
        self.count += 1
        started = time.perf_counter()
        try:
            return execute(sql, params, many, details)
        finally:
            seconds = time.perf_counter() - started
            metrics.QUERY_SECONDS.observe(seconds)
            if seconds > SLOW_SECONDS:
                # The statement has placeholders only: its values stay out of the log.
                log.warning(
                    "slow_query", route=route_of(self.request), seconds=round(seconds, 3), sql=str(sql)[:1000]
                )


def too_large(environ: Any) -> bool:
    """Whether a WSGI request announces a body over the limit (a wrong announcement counts as too large)."""
    length = environ.get("CONTENT_LENGTH") or "0"
    return not (length.isascii() and length.isdigit()) or int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def request_id_of(environ: Any) -> str:
    """The caller's X-Request-ID (of a WSGI environment) when it is a decent one, else a new one."""
    given = environ.get("HTTP_X_REQUEST_ID", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid7().hex


def address_of(environ: Any) -> str | None:
    """The client's address in a WSGI environment.

    Behind `TRUSTED_PROXIES` proxies it is that many places from the end of X-Forwarded-For: what stands further
    left was written by the client. None for what is no address.
    """
    address = environ.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES:
        hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        if len(hops) >= settings.TRUSTED_PROXIES:
            address = hops[-settings.TRUSTED_PROXIES]
    with contextlib.suppress(OSError, ValueError):
        # Takes a tenth of the time of what follows; every text that it takes is an address in its only form.
        socket.inet_pton(socket.AF_INET, address)
        return str(address)
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def route_of(request: HttpRequest) -> str:
    """The pattern that the address matched; empty before and without a match."""
    return request.resolver_match.route if request.resolver_match else ""


def _bind_user(request: HttpRequest) -> None:
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        # Nobody asked who it is: then the log does not ask either.
        user = getattr(request, "_cached_user", None)
    if user is not None and user.pk is not None:
        bind_person(user)
