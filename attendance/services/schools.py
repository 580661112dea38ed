"""Starting a school: it works from the moment it exists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.errors import SchoolCodeTaken
from accounts.models import School, User
from attendance.services import configuration
from audit.services.entries import operation
from core import partitions
from core.errors import Invalid


@transaction.atomic
def create_school(*, name: str, code: str, by: User | None, now: datetime, **details: Any) -> School:
    """A school with its rules at their defaults and room for this year's and next year's records.

    `details` are fields of School (timezone, country, subdivision, default_language). Raises SchoolCodeTaken,
    Invalid.
    """
    school = School(name=name, code=code, **details)
    if School.objects.filter(code__iexact=code).exists():
        raise SchoolCodeTaken(code=code, attr="code")
    try:
        school.full_clean()
    except ValidationError as error:
        field, texts = next(iter(error.message_dict.items()))
        raise Invalid(attr=field, detail=" ".join(texts)) from error
    school.save()
    configuration.ensure(school)
    year = school.local_date(now).year
    partitions.ensure([year, year + 1])
    with operation(by=by, at=now) as op:
        op.record(
            "school.create", school, school_id=school.pk, after={"code": code, "timezone": school.timezone}
        )
    return school
