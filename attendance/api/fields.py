"""Fields and helpers shared by the serializers of attendance."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

#: Days outside these years are typing mistakes; calendars also break at their ends.
FIRST_DAY, LAST_DAY = date(1950, 1, 1), date(2200, 12, 31)


class DayField(serializers.DateField):
    """A date in years in which classes are held."""

    default_error_messages = {"out_of_range": _("That is not a year in which classes are held.")}

    def to_internal_value(self, value: Any) -> date:
        day: date = super().to_internal_value(value)
        if not FIRST_DAY <= day <= LAST_DAY:
            self.fail("out_of_range")
        return day


@extend_schema_field(
    {
        "type": "string",
        "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$",
        "description": "Wall-clock time of the school, HH:MM or HH:MM:SS.",
    }
)
class WallTimeField(serializers.TimeField):
    """A time of day without a zone, which is not what JSON Schema calls a time."""


@extend_schema_field(OpenApiTypes.DOUBLE)
class NumberField(serializers.Field):
    """A finite JSON number within bounds; texts that look like numbers are none."""

    default_error_messages = {
        "invalid": _("A number is expected."),
        "out_of_range": _("The number lies between {low} and {high}."),
    }

    def __init__(self, *, low: float, high: float, **kwargs: Any) -> None:
        self.low, self.high = low, high
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        if not (self.low <= data <= self.high and math.isfinite(data)):
            self.fail("out_of_range", low=self.low, high=self.high)
        return float(data)

    def to_representation(self, value: float) -> float:
        return value


class InSchoolTime:
    """Mixin of serializers: instants are shown with the school's offset.

    Rows are asked for their `school`, which their queries load along.
    """

    def to_representation(self, instance: Any) -> Any:
        with timezone.override(instance.school.tz):
            return super().to_representation(instance)  # type: ignore[misc] # a serializer's


class SchoolTimeInput:
    """Mixin of serializers: an instant without offset is meant in the time of ``context["school"]``."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        with timezone.override(self.context["school"].tz):  # type: ignore[attr-defined] # a serializer's
            return super().run_validation(data)  # type: ignore[misc] # a serializer's


class ReasonField(serializers.CharField):
    """Why something is done; the audit trail keeps it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 500)
        kwargs.setdefault("help_text", "Why; kept in the audit trail.")
        super().__init__(**kwargs)
