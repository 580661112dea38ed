"""Where mail goes while no server is configured: one file a message, as every mail program opens it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage

from core import clock
from core.ids import uuid7


class MessageId:
    """What the headers of a message say of the row it was made of."""

    @staticmethod
    def of(ident: object) -> str:
        """The same for the same row, in every process."""
        return f"<{ident}@{urlsplit(settings.PUBLIC_URL).hostname}>"

    @staticmethod
    def date(instant: datetime) -> str:
        return format_datetime(instant)


class FolderBackend(BaseEmailBackend):
    """Writes ``<date>-<id>.eml`` into `EMAIL_FILE_PATH`; never overwrites one."""

    def __init__(self, *, file_path: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = Path(file_path or settings.EMAIL_FILE_PATH)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """How many were written. Raises OSError when the folder takes none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{clock.now():%Y%m%d-%H%M%S}-{uuid7()}.eml"
            with (self.folder / name).open("xb") as file:
                file.write(message.message().as_bytes())
        return len(email_messages)
