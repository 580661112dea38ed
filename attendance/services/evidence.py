"""Files that students attach to what they ask for: few types, told by their content, kept under random names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath

from django.core.files.base import ContentFile

from attendance import errors
from attendance.models.requests import Evidence

#: What a phone makes of a doctor's note, with room to spare (bytes).
MOST_BYTES = 4 * 1024 * 1024

#: What files of a type begin with. Their names and what the browser calls them say nothing.
_BEGINNINGS = {
    "application/pdf": b"%PDF-",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
}
#: Types of files that can be attached.
TYPES = tuple(_BEGINNINGS)
_ENDINGS = {"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png"}
_LONGEST_NAME = 150


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came: the name is for people only."""

    name: str
    content: bytes


@contextmanager
def attached(request: Evidence, upload: Upload | None) -> Iterator[None]:
    """Inside the block the request has the file; if the block fails it is not kept.

    Raises FileTooLarge, FileTypeRefused before anything is stored.
    """
    if upload is None:
        yield
        return
    kind = _type_of(upload)
    request.file_name = _decent(upload.name, kind)
    request.file_type = kind
    request.file.save(request.file_name, ContentFile(upload.content), save=False)
    try:
        yield
    except BaseException:
        request.file.delete(save=False)
        raise


def _type_of(upload: Upload) -> str:
    if len(upload.content) > MOST_BYTES:
        raise errors.FileTooLarge(megabytes=MOST_BYTES // 1024 // 1024)
    for kind, beginning in _BEGINNINGS.items():
        if upload.content.startswith(beginning):
            return kind
    raise errors.FileTypeRefused


def _decent(name: str, kind: str) -> str:
    """The name as it may stand in a header and on somebody's disk: no path, no control characters, a true ending."""
    stem = "".join(letter for letter in PurePath(name.replace("\\", "/")).stem if letter.isprintable())
    ending = _ENDINGS[kind]
    return f"{stem.strip()[: _LONGEST_NAME - len(ending)] or 'file'}{ending}"
