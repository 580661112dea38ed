"""Records, marks by hand and scans."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from academics.api.fields import IdField
from academics.api.serializers import CourseRefSerializer
from attendance.api.fields import InSchoolTime, NumberField, ReasonField
from attendance.enums import Status
from attendance.models import AttendanceRecord
from attendance.services.marking import Mark

MAX_MARKS = 1000
_MAX_STUDENT, _MAX_STATUS, _MAX_REMARKS = 30, 20, 500


class RecordSerializer(InSchoolTime, serializers.ModelSerializer):
    """What one student was in one class. `name` and `student` are as they were when it was recorded."""

    student = serializers.CharField(
        source="snapshot.enrollment_no", read_only=True, help_text="Enrollment number."
    )
    name = serializers.CharField(source="snapshot.name", read_only=True)
    course = CourseRefSerializer(source="section.course", read_only=True)
    marked_by = serializers.CharField(
        source="marked_by.full_name", read_only=True, allow_null=True, default=None
    )
    counted = serializers.BooleanField(
        source="session.is_counted", read_only=True, help_text="Whether percentages count it."
    )

    class Meta:
        model = AttendanceRecord
        fields = [
            "id",
            "session",
            "section",
            "course",
            "student",
            "name",
            "held_on",
            "status",
            "source",
            "offline",
            "marked_at",
            "checked_out_at",
            "marked_by",
            "remarks",
            "counted",
        ]
        read_only_fields = fields


class MarkInputSerializer(serializers.Serializer):
    """One mark by hand."""

    session = IdField()
    student = serializers.CharField(max_length=_MAX_STUDENT, help_text="Enrollment number.")
    status = serializers.ChoiceField(choices=Status.choices)
    remarks = serializers.CharField(max_length=_MAX_REMARKS, allow_blank=True, required=False)
    reason = ReasonField(allow_blank=True, default="", help_text="Needed once the class is closed.")


class RecordChangeSerializer(serializers.Serializer):
    """Another status, other remarks, or both."""

    status = serializers.ChoiceField(choices=Status.choices, required=False)
    remarks = serializers.CharField(max_length=_MAX_REMARKS, allow_blank=True, required=False)
    reason = ReasonField(allow_blank=True, default="", help_text="Needed once the class is closed.")


class MarkSerializer(serializers.Serializer):
    """One of many marks; a `status` of null takes the mark away again, while the class is open."""

    student = serializers.CharField(max_length=_MAX_STUDENT, help_text="Enrollment number.")
    status = serializers.ChoiceField(choices=Status.choices, allow_null=True)
    remarks = serializers.CharField(
        max_length=_MAX_REMARKS, allow_blank=True, allow_null=True, required=False
    )


@extend_schema_field(MarkSerializer(many=True))
class MarksField(serializers.Field):
    """Up to `MAX_MARKS` marks, read in one pass: a serializer per row would cost more than saving them."""

    def to_internal_value(self, data: Any) -> list[Mark]:
        if not isinstance(data, list):
            raise _wrong(_("A list of marks is expected."), "not_a_list")
        if not data:
            raise _wrong(_("Send at least one mark."), "empty")
        if len(data) > MAX_MARKS:
            raise _wrong(_("Send at most {n} marks at a time.").format(n=MAX_MARKS), "max_length")
        marks, problems = [], {}
        for index, row in enumerate(data):
            try:
                marks.append(_mark(row))
            except ValidationError as error:
                problems[str(index)] = error.detail
        if problems:
            raise ValidationError(problems)
        return marks

    def to_representation(self, value: list[Mark]) -> list[dict[str, Any]]:
        return [{"student": mark.student, "status": mark.status, "remarks": mark.remarks} for mark in value]


class BulkMarkSerializer(serializers.Serializer):
    """Marks of one class. Atomic: all or nothing; otherwise the good ones are saved and the rest listed."""

    session = IdField()
    marks = MarksField(help_text=f"1 to {MAX_MARKS} of them, one per student.")
    atomic = serializers.BooleanField(default=True)
    reason = ReasonField(allow_blank=True, default="", help_text="Needed once the class is closed.")


class BadMarkSerializer(serializers.Serializer):
    index = serializers.IntegerField(read_only=True, help_text="Position in `marks`, from 0.")
    student = serializers.CharField(read_only=True)
    code = serializers.CharField(read_only=True)
    detail = serializers.CharField(read_only=True)


class BulkOutcomeSerializer(serializers.Serializer):
    saved = serializers.IntegerField(read_only=True)
    unchanged = serializers.IntegerField(read_only=True)
    failed = BadMarkSerializer(many=True, read_only=True)


class ScanSerializer(serializers.Serializer):
    """The token of a scanned code. Without a place or device some schools refuse."""

    token = serializers.CharField(max_length=500)
    latitude = NumberField(low=-90, high=90, allow_null=True, default=None, help_text="Degrees.")
    longitude = NumberField(low=-180, high=180, allow_null=True, default=None, help_text="Degrees.")
    accuracy = NumberField(low=0, high=1e7, allow_null=True, default=None, help_text="Metres.")
    device_id = serializers.CharField(
        max_length=200,
        allow_null=True,
        allow_blank=True,
        default=None,
        help_text="A name this device keeps. Browsers are known by their cookie instead.",
    )


class ScanAnswerSerializer(serializers.Serializer):
    """The same for a first and a repeated scan but for `code`."""

    code = serializers.ChoiceField(
        choices=[("recorded", "recorded"), ("already_recorded", "already_recorded")], read_only=True
    )
    record = serializers.UUIDField(read_only=True)
    session = serializers.UUIDField(read_only=True)
    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    marked_at = serializers.DateTimeField(read_only=True)
    course = serializers.CharField(read_only=True, help_text="Title of the course.")


def _mark(row: Any) -> Mark:
    """One row of a bulk mark. Raises ValidationError by field; unknown statuses are for the service to list."""
    if not isinstance(row, dict):
        raise _wrong(_("An object with student and status is expected."), "invalid")
    problems = {}
    for name, longest, nullable in (
        ("student", _MAX_STUDENT, False),
        ("status", _MAX_STATUS, True),
        ("remarks", _MAX_REMARKS, True),
    ):
        if (problem := _text_problem(row, name, longest, nullable)) is not None:
            problems[name] = [problem]
    if problems:
        raise ValidationError(problems)
    return Mark(row["student"].strip(), row["status"], row.get("remarks"))


def _text_problem(row: dict[str, Any], name: str, longest: int, nullable: bool) -> ErrorDetail | None:
    if name not in row:
        return None if name == "remarks" else ErrorDetail(_("This field is required."), code="required")
    value = row[name]
    if value is None and nullable:
        return None
    if not isinstance(value, str):
        return ErrorDetail(_("A text is expected."), code="null" if value is None else "invalid")
    if len(value) > longest:
        return ErrorDetail(_("At most {n} characters.").format(n=longest), code="max_length")
    if name == "student" and not value.strip():
        return ErrorDetail(_("This field may not be blank."), code="blank")
    return None


def _wrong(detail: str, code: str) -> ValidationError:
    return ValidationError([ErrorDetail(detail, code=code)])
