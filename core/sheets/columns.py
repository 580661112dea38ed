"""What a table is made of: columns that know what their cells are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise


class Kind(StrEnum):
    """What the cells of a column are. Every cell may also be None: nothing stands there."""

    TEXT = "text"
    NUMBER = "number"  # int or Decimal
    DATE = "date"  # datetime.date
    TIME = "time"  # datetime.time, the school's wall clock
    INSTANT = "instant"  # an aware datetime, shown with the offset that it has
    TRUTH = "truth"  # bool


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is the stable one, which programs read; `label` (translated) is for people.

    `words` are what people read instead of a cell's value, such as "Present" for ``present``. `width` is in
    characters.
    """

    name: str
    label: str | Promise
    kind: Kind = Kind.TEXT
    width: int = 14
    words: Mapping[str, str | Promise] = field(default_factory=dict)
    #: Left out where a page has to hold the whole row.
    on_paper: bool = True

    def worded(self, value: Any) -> Any:
        """The value as people read it."""
        return str(self.words[value]) if value in self.words else value
