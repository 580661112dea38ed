"""``ETag`` and ``If-None-Match`` (RFC 9110 §13) for what clients ask again and again."""

from __future__ import annotations

import hashlib
from typing import Any

from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.renderers import dumps


def conditional(request: Request, data: Any) -> Response:
    """The data with its ETag, or 304 without a body when the client has just that already."""
    tag = tag_of(dumps(data))
    return unchanged(request, tag) or Response(data, headers=_headers(tag))


def tag_of(*parts: object) -> str:
    """A strong entity tag over the parts: the rendered bytes, or versions that stand for them."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
        digest.update(b"\x1f")
    return f'"{digest.hexdigest()[:32]}"'


def unchanged(request: Request, tag: str) -> Response | None:
    """A 304 when the client names this tag, else None: asked before the work where the tag is cheap."""
    wanted = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in wanted or tag in {item.removeprefix("W/") for item in wanted}:
        return Response(status=304, headers=_headers(tag))
    return None


def _headers(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "private, no-cache"}
