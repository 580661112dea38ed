"""What people choose for themselves."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from audit.services import entries
from core.errors import Invalid


def check_language(language: str) -> None:
    """Raises Invalid for a language that we do not speak."""
    if language not in dict(settings.LANGUAGES):
        raise Invalid(detail=_("There is no such language here."), attr="language")


@transaction.atomic
def set_language(*, language: str, by: User, now: datetime) -> User:
    """Remember the language a person wants to be spoken to in. Raises Invalid for one we do not speak."""
    check_language(language)
    if by.language != language:
        with entries.operation(by=by, at=now) as operation:
            operation.record(
                "user.update",
                by,
                school_id=by.school_id,
                before={"language": by.language},
                after={"language": language},
            )
            by.language = language
            by.save(update_fields=["language"])
    return by
