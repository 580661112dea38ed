"""Exports: what is asked for, and jobs."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from academics.api.fields import IdField
from attendance.api.fields import FIRST_DAY, LAST_DAY, DayField, InSchoolTime
from attendance.enums import ExportFormat, ExportKind, Source, Status
from attendance.models import ExportJob
from attendance.selectors.exports.scope import FILTERS
from attendance.selectors.shortage import BELOW

_REQUIRED = {ExportKind.REGISTER: ("section", "month")}
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_LONGEST = 100


@extend_schema_field(
    {
        "type": "string",
        "pattern": r"^\d{4}-(0[1-9]|1[0-2])$",
        "description": "A month, YYYY-MM.",
        "example": "2026-11",
    }
)
class MonthField(serializers.Field):
    """A month of years in which classes are held."""

    default_error_messages = {
        "invalid": _("A month looks like 2026-11."),
        "out_of_range": _("That is not a year in which classes are held."),
    }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not _MONTH.fullmatch(data):
            self.fail("invalid")
        if not FIRST_DAY.year <= int(data[:4]) <= LAST_DAY.year:
            self.fail("out_of_range")
        return data

    def to_representation(self, value: str) -> str:
        return value


class ExportFiltersSerializer(serializers.Serializer):
    """Each kind knows some of these; another one is refused (`unknown_filter`).

    records: from, to, section, department, course, student, status, source · register: section and month, both
    required · summary: term, section, department, course, student · shortage: term, section, department, band ·
    audit: from, to, object_type, object_id, action, actor, operation.
    """

    section = IdField(required=False, help_text="Id of a section.")
    department = serializers.CharField(required=False, max_length=_LONGEST, help_text="Code of a department.")
    course = serializers.CharField(required=False, max_length=_LONGEST, help_text="Code of a course.")
    term = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        help_text="Id of a term; the present one when left out.",
    )
    student = serializers.CharField(required=False, max_length=_LONGEST, help_text="Enrollment number.")
    month = MonthField(required=False)
    status = serializers.ListField(
        child=serializers.ChoiceField(choices=Status.choices), required=False, max_length=8
    )
    band = serializers.ChoiceField(choices=BELOW, required=False)
    object_type = serializers.CharField(required=False, max_length=_LONGEST)
    object_id = serializers.CharField(required=False, max_length=_LONGEST)
    action = serializers.CharField(required=False, max_length=_LONGEST)
    actor = serializers.CharField(required=False, max_length=150, help_text="User name.")
    operation = IdField(required=False)

    def get_fields(self) -> dict[str, serializers.Field]:
        # `from` cannot be written as an attribute.
        first = DayField(required=False, help_text="First day, the school's.")
        last = DayField(required=False, help_text="Last day, included.")
        # And `source` is an attribute of every field already.
        choices = serializers.ChoiceField(choices=Source.choices)
        source = serializers.ListField(child=choices, required=False, max_length=8)
        return {"from": first, "to": last, "source": source, **super().get_fields()}


class ExportRequestSerializer(serializers.Serializer):
    """What to take out, and as what."""

    kind = serializers.ChoiceField(choices=ExportKind.choices)
    format = serializers.ChoiceField(choices=ExportFormat.choices)
    filters = ExportFiltersSerializer(required=False)
    stream = serializers.BooleanField(
        default=False, help_text="CSV of any size at once, as it is read; other formats do not know it."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind = attrs["kind"]
        sent = self.initial_data.get("filters", {})
        strangers = [name for name in sent if name not in FILTERS[kind]]
        if strangers:
            detail = _("This kind of export does not know that filter. It knows: {known}.").format(
                known=", ".join(FILTERS[kind])
            )
            raise serializers.ValidationError(
                {"filters": {name: [ErrorDetail(detail, code="unknown_filter")] for name in strangers}}
            )
        missing = [name for name in _REQUIRED.get(kind, ()) if name not in sent]
        if missing:
            detail = str(serializers.Field.default_error_messages["required"])
            raise serializers.ValidationError(
                {"filters": {name: [ErrorDetail(detail, code="required")] for name in missing}}
            )
        attrs["filters"] = plain(attrs.get("filters", {}))
        return attrs


def plain(filters: dict[str, Any]) -> dict[str, Any]:
    """The filters in their JSON form, as jobs keep them."""
    return {name: str(value) if isinstance(value, UUID | date) else value for name, value in filters.items()}


class ExportErrorSerializer(serializers.Serializer):
    code = serializers.CharField(read_only=True)
    detail = serializers.CharField(read_only=True)


class ExportJobSerializer(InSchoolTime, serializers.ModelSerializer):
    """A large export. `rows_total` is null until it is counted."""

    error = serializers.SerializerMethodField(help_text="Null unless it failed.")
    percent = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = ExportJob
        fields = [
            "id",
            "kind",
            "format",
            "filters",
            "state",
            "rows_total",
            "rows_done",
            "percent",
            "error",
            "file_name",
            "size",
            "requested_at",
            "started_at",
            "finished_at",
            "expires_at",
        ]
        read_only_fields = fields

    @extend_schema_field(ExportErrorSerializer(allow_null=True))
    def get_error(self, job: ExportJob) -> dict[str, str] | None:
        return {"code": job.error_code, "detail": job.error} if job.error_code else None


class ExportQueuedSerializer(serializers.Serializer):
    """Too much for an answer: a job is on it."""

    job = ExportJobSerializer(read_only=True)
