"""The numbers by which a school knows its people, in the one form in which they are stored."""

from __future__ import annotations

import re
import unicodedata

from accounts.models import School

MAX_CHARS = 30
_SHAPE = re.compile(r"[A-Z0-9][A-Z0-9._/-]*")


def canonical(text: str) -> str:
    """Upper case, without spaces around, wide digits as plain ones. Says nothing about whether it is a number."""
    plain = unicodedata.normalize("NFKC", text).strip()
    # Other scripts are left alone, for `is_number` to refuse: ß would become SS and pass.
    return plain.upper() if plain.isascii() else plain


def is_number(text: str) -> bool:
    """Whether a canonical text can be an enrollment or employee number: letters, digits, ``. _ / -``."""
    return len(text) <= MAX_CHARS and _SHAPE.fullmatch(text) is not None


def username_of(number: str, school: School) -> str:
    """The user name of somebody known by that number: ``<number>@<school code>`` in lower case."""
    return f"{number}@{school.code}".lower()
