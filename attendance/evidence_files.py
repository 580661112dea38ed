"""Uploaded files of the API and of pages: taken as multipart, handed out as downloads."""

from __future__ import annotations

import structlog
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse

from attendance.models.requests import Evidence
from attendance.services.evidence import Upload
from core.errors import NotFound

log = structlog.get_logger(__name__)


def upload_of(file: UploadedFile | None) -> Upload | None:
    """What the FileField of a serializer or form gave, as the services take it."""
    return None if file is None else Upload(file.name or "", file.read())


def download(request: Evidence) -> FileResponse:
    """The attached file: never shown in the site's own pages, whatever it contains. Raises NotFound without one."""
    if not request.file:
        raise NotFound
    try:
        content = request.file.open("rb")
    except FileNotFoundError as error:
        # A volume that was not restored, say. Whoever asks can do nothing about it; whoever keeps the site can.
        log.error("evidence_missing", request=str(request.pk), kind=request._meta.model_name)
        raise NotFound from error
    answer = FileResponse(
        content,
        as_attachment=True,
        filename=request.file_name,
        content_type=request.file_type,
    )
    answer["Cache-Control"] = "private, no-store"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
