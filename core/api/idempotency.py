"""``Idempotency-Key`` for API methods; the rules are in `core.idempotency`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock, idempotency
from core.api.renderers import dumps
from core.idempotency import Answer


def idempotent(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method runs at most once per key, person and route; a repetition gets the first answer again.

    A repetition carries ``Idempotency-Replayed: true``. Without the header the method runs as it is. With it, the
    method runs inside a transaction, and any answer from 400 up undoes it all. Signed-in people only. A streamed
    answer is not kept.
    """

    @wraps(method)
    def once(self: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return method(self, request, *args, **kwargs)
        idempotency.check_key(key)
        mine: dict[str, Any] = {"user_id": request.user.pk, "route": _route(request), "key": key}
        with transaction.atomic():
            known = idempotency.begin(**mine, body=_body(request), now=clock.now())
            if known is not None:
                body = orjson.loads(known.body) if known.body else None
                return Response(body, known.status, headers={"Idempotency-Replayed": "true"})
            response = method(self, request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            elif isinstance(response, Response):
                body = "" if response.data is None else dumps(response.data).decode()
                idempotency.finish(**mine, answer=Answer(response.status_code, body))
            else:
                # A stream passes by: it is made anew when asked again.
                idempotency.forget(**mine)
            return response

    once.idempotent = True  # type: ignore[attr-defined] # read by the schema
    return once


def _route(request: Request) -> str:
    """The pattern, not the path: one key for two objects is a mistake that should be told."""
    match = request._request.resolver_match
    return f"{request.method} {match.route if match else request.path}"


def _body(request: Request) -> bytes:
    """Path, query and data in one form, whatever the order of keys."""
    return orjson.dumps([request.get_full_path(), request.data], option=orjson.OPT_SORT_KEYS)
