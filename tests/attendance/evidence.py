"""Files as students attach them, for tests."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from attendance.services.evidence import Upload

PDF = b"%PDF-1.7\n% a doctor's note\n"
PNG = b"\x89PNG\r\n\x1a\n and so on"
NOTE = Upload("../Doctor's note.exe", PDF)


def kept_files() -> list[Path]:
    """Everything that lies where uploads are kept."""
    return sorted(path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file())
