"""Files as answers: a download, never shown in the site's own pages, whatever it contains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header


def attachment(
    content: bytes | IO[bytes] | Iterable[bytes], *, name: str, content_type: str
) -> HttpResponseBase:
    """A file that is there, with its length; or the pieces of one that is made while it is read."""
    answer: HttpResponseBase
    if isinstance(content, bytes):
        answer = HttpResponse(content, content_type=content_type)
    elif hasattr(content, "read"):
        answer = FileResponse(content, content_type=content_type)
    else:
        answer = StreamingHttpResponse(content, content_type=content_type)
    answer["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=name) or "attachment"
    )
    answer["Cache-Control"] = "private, no-store"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
