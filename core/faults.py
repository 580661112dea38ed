"""What is answered when something is refused or broken outside a view's own care: JSON for the API, else a page."""

from __future__ import annotations

import sys
from typing import Any

import orjson
import structlog
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from core import context, db
from core.errors import DomainError

log = structlog.get_logger(__name__)

#: Error pages that exist in templates/; anything else uses the nearest.
_PAGES = {400, 403, 404, 500, 503}


def answer(
    request: HttpRequest, *, status: int, code: str, detail: str, attr: str | None = None, meta: Any = None,
    retry_after: int | None = None,
) -> HttpResponse:  # fmt: skip
    """A refusal in the form that suits the asker. Pages need no database, no session."""
    if wants_json(request):
        error: dict[str, Any] = {"code": code, "detail": detail, "attr": attr}
        if meta is not None:
            error["meta"] = meta
        kind = "server_error" if status >= 500 else "client_error"
        body = orjson.dumps({"type": kind, "errors": [error]}, default=str)
        response = HttpResponse(body, status=status, content_type="application/json")
    else:
        response = _page(status, detail)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def _page(status: int, detail: str) -> HttpResponse:
    page = status if status in _PAGES else (500 if status > 500 else 400)
    ident = context.current().request_id
    try:
        text = render_to_string(f"{page}.html", {"request_id": ident, "status": status, "detail": detail})
    except Exception:
        # The page of a fault must not become a fault: whatever it lacks, the person gets words and a number.
        log.exception("error_page_broken", page=page)
        return HttpResponse(
            f"{status} {detail} ({ident})\n", status=status, content_type="text/plain; charset=utf-8"
        )
    return HttpResponse(text, status=status)


def refuse(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A domain refusal that nobody caught."""
    return answer(
        request,
        status=error.status,
        code=error.code,
        detail=str(error),
        attr=error.attr,
        meta=error.meta,
        retry_after=getattr(error, "retry_after", None),
    )


def wants_json(request: HttpRequest) -> bool:
    """The API's addresses, and whoever accepts JSON but no page."""
    accept = request.META.get("HTTP_ACCEPT", "")
    return request.path_info.startswith("/api/") or ("json" in accept and "html" not in accept)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400."""
    return answer(request, status=400, code="invalid", detail=_("The request cannot be understood."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    return answer(request, status=403, code="permission_denied", detail=_("You may not do that."))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    return answer(request, status=404, code="not_found", detail=_("There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: also whatever a middleware met, such as a database that is away (503)."""
    error = sys.exc_info()[1]
    if isinstance(error, DatabaseError | InterfaceError):
        refusal = db.refusal_of(error)
        if refusal is not None:
            return refuse(request, refusal)
    return answer(
        request,
        status=500,
        code="error",
        detail=_("Something went wrong on our side. The fault has been recorded."),
    )
