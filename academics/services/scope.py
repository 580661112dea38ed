"""References stay within one school: asked before every write, since no constraint of the database says it."""

from __future__ import annotations

from django.db import models

from accounts.models import School
from core.errors import CrossSchool


def same_school(school: School | int, **references: models.Model | None) -> None:
    """Refuse what belongs to another school. Raises CrossSchool, whose `attr` names the reference.

    `references` are objects with a ``school_id``; None passes.
    """
    school_id = school if isinstance(school, int) else school.pk
    for name, reference in references.items():
        if reference is not None and getattr(reference, "school_id", school_id) != school_id:
            raise CrossSchool(what=str(reference), attr=name)
