"""Departments, programmes, cohorts, rooms and courses that a file names: found, or made when that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from academics.services.imports.cells import Cells
from academics.services.imports.report import Report
from accounts.models import School
from audit.services import entries

Thing = TypeVar("Thing", bound=models.Model)


class Places(Generic[Thing]):
    """Objects of one kind in a school, looked up by code or name whatever the case.

    Missing ones are collected, without being saved, when `create_missing`; else they are problems. They reach the
    database with `save`, and only those that `use` was called for: what only bad rows name is never made.
    """

    def __init__(self, model: type[Thing], school: School, *, key: str, create_missing: bool) -> None:
        self.model = model
        self.school = school
        self.key = key
        self.create_missing = create_missing
        manager: Any = model._default_manager
        self._known: dict[str, Thing] = {
            fold(getattr(thing, key)): thing for thing in manager.filter(school=school)
        }
        self._missing: dict[str, Thing] = {}
        self._used: dict[str, Thing] = {}

    def find(self, text: str) -> Thing | None:
        """The object of that code or name, saved or about to be."""
        return self._known.get(fold(text)) or self._missing.get(fold(text))

    def read(
        self, cells: Cells, column: str, make: Callable[[str], Thing], *, required: bool = False
    ) -> Thing | None:
        """What the cell names. Unknown: a new, unsaved one if that is allowed, else a problem."""
        longest = getattr(self.model._meta.get_field(self.key), "max_length", None) or 0
        text = cells.text(column, longest, required=required)
        if not text:
            return None
        found = self.find(text)
        if found is None and self.create_missing:
            found = self._missing[fold(text)] = make(text)
        if found is None:
            reason = _("There is no %(what)s of this name. Create it first, or import with --create-missing.")
            cells.refuse(column, reason % {"what": self.model._meta.verbose_name}, code="unknown")
        return found

    def use(self, thing: Thing | None) -> None:
        """Say that a good row needs it."""
        if thing is not None and thing.pk is None:
            self._used[fold(getattr(thing, self.key))] = thing

    def save(self, report: Report, operation: entries.Operation) -> None:
        """Make what is needed and not there; list it in the report and tell the trail."""
        needed = [self._used[name] for name in sorted(self._used)]
        if needed:
            manager: Any = self.model._default_manager
            manager.bulk_create(needed)
            kind = str(self.model._meta.model_name)
            report.made[kind] = [getattr(thing, self.key) for thing in needed]
            for thing in needed:
                # A programme's name is no personal field: it goes into the trail in clear.
                after = {"title" if self.key == "name" else self.key: getattr(thing, self.key)}
                operation.record(f"{kind}.create", thing, school_id=self.school.pk, after=after)


def fold(text: str) -> str:
    """As the database compares codes: by capital letters."""
    return text.upper()
