"""The rules that a school sets for itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import School, User
from attendance.models import AttendanceConfiguration
from attendance.services import statistics
from audit.services.entries import difference, operation
from core.errors import Invalid, Stale

#: Changes of these change every kept percentage.
_IN_FORMULA = {"late_weight", "excused_counts_as"}
_FIXED = {"id", "school", "version", "updated_at"}


def ensure(school: School) -> AttendanceConfiguration:
    """The school's rules, made with their defaults where there are none yet."""
    configuration, _made = AttendanceConfiguration.objects.get_or_create(school=school)
    return configuration


@transaction.atomic
def update(
    *,
    configuration: AttendanceConfiguration,
    changes: Mapping[str, Any],
    version: int | None = None,
    by: User | None,
    now: datetime,
) -> AttendanceConfiguration:
    """Change some rules; kept percentages follow in the same transaction where the formula changes.

    `version` is the one the change was made from. Raises Stale when somebody else was faster, Invalid for an
    unknown rule or a value out of range.
    """
    row = (
        AttendanceConfiguration.objects.select_for_update(of=("self",))
        .select_related("school")
        .get(pk=configuration.pk)
    )
    if version is not None and version != row.version:
        raise Stale(meta={"version": row.version})
    wanted = {name: _clean(row, name, value) for name, value in changes.items()}
    before, after = difference(row, wanted)
    if not after:
        return row
    for name in after:
        setattr(row, name, wanted[name])
    if row.condonation_floor_percent > row.attendance_threshold_percent:
        attr = "condonation_floor_percent"
        if attr not in after:
            attr = "attendance_threshold_percent"
        raise Invalid(attr=attr, detail=_("The condonation floor cannot lie above the threshold."))
    row.version += 1
    row.updated_at = now
    row.save()
    with operation(by=by, at=now) as op:
        op.record("configuration.update", row, school_id=row.school_id, before=before, after=after)
    if _IN_FORMULA & after.keys():
        statistics.refresh_percentages(school=row.school, now=now)
    return row


def _clean(row: AttendanceConfiguration, name: str, value: Any) -> Any:
    """The value as the field keeps it. Raises Invalid."""
    fields = {field.name: field for field in row._meta.concrete_fields if field.name not in _FIXED}
    if name not in fields:
        raise Invalid(attr=name, detail=_("There is no such rule."))
    if isinstance(value, Decimal) and not value.is_finite():
        raise Invalid(attr=name, detail=_("Enter a number."))
    try:
        return fields[name].clean(value, row)
    except ValidationError as error:
        raise Invalid(attr=name, detail=" ".join(error.messages)) from error
