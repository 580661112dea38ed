"""Corrections and condonation: what students ask for, and what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from academics.api.fields import CourseField, IdField, TermField
from academics.api.serializers import CourseRefSerializer, TermRefSerializer
from attendance.api.fields import InSchoolTime, ReasonField
from attendance.api.serializers.parts import SectionRefSerializer
from attendance.enums import Status
from attendance.models import CondonationRequest, CorrectionRequest


class AttachmentSerializer(serializers.Serializer):
    """A file to be had at `file/`."""

    name = serializers.CharField(read_only=True)
    type = serializers.CharField(read_only=True)


class RequestSerializer(InSchoolTime, serializers.ModelSerializer):
    """``context["readable"]`` holds the ids of those rows whose reason and file the reader may see."""

    student = serializers.CharField(
        source="student.enrollment_no", read_only=True, help_text="Enrollment number."
    )
    name = serializers.CharField(source="student.user.full_name", read_only=True)
    reason = serializers.SerializerMethodField(
        help_text="Null for who is neither the student nor has a say in it."
    )
    file = serializers.SerializerMethodField(help_text="Null without one, and wherever `reason` is.")
    reviewer = serializers.CharField(
        source="reviewer.full_name", read_only=True, allow_null=True, default=None, help_text="Who decided."
    )

    def get_reason(self, request: Any) -> str | None:
        return request.reason if self._may_read(request) else None

    @extend_schema_field(AttachmentSerializer(allow_null=True))
    def get_file(self, request: Any) -> dict[str, str] | None:
        if not request.file or not self._may_read(request):
            return None
        return {"name": request.file_name, "type": request.file_type}

    def _may_read(self, request: Any) -> bool:
        readable: set[UUID] = self.context["readable"]
        return request.pk in readable


class CorrectionSerializer(RequestSerializer):
    """A student says that a mark is wrong. `old_status` is what stood there then, empty for nothing."""

    held_on = serializers.DateField(source="session.held_on", read_only=True)
    starts_at = serializers.DateTimeField(source="session.starts_at", read_only=True)
    sections = SectionRefSerializer(source="session.sections", many=True, read_only=True)

    class Meta:
        model = CorrectionRequest
        fields = [
            "id",
            "session",
            "held_on",
            "starts_at",
            "sections",
            "student",
            "name",
            "old_status",
            "requested_status",
            "reason",
            "file",
            "status",
            "requested_at",
            "reviewer",
            "reviewed_at",
            "remarks",
        ]
        read_only_fields = fields


class CondonationSerializer(RequestSerializer):
    """`percentage` is the student's in this course when they asked."""

    course = CourseRefSerializer(read_only=True)
    term = TermRefSerializer(read_only=True)
    recommended_by = serializers.CharField(
        source="recommended_by.full_name", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = CondonationRequest
        fields = [
            "id",
            "student",
            "name",
            "course",
            "term",
            "percentage",
            "reason",
            "fee_reference",
            "file",
            "status",
            "requested_at",
            "recommended_by",
            "recommended_at",
            "recommendation",
            "reviewer",
            "reviewed_at",
            "remarks",
        ]
        read_only_fields = fields


class FileSerializer(serializers.Serializer):
    """Beside whatever is asked for, as multipart/form-data."""

    file = serializers.FileField(
        required=False, default=None, help_text="PDF, JPEG or PNG, 4 MB at most; told by its content."
    )


class CorrectionInputSerializer(serializers.Serializer):
    """Which mark ought to be what, and why."""

    session = IdField()
    requested_status = serializers.ChoiceField(choices=Status.choices)
    reason = serializers.CharField(max_length=1000, help_text="Kept encrypted.")


class CorrectionUploadSerializer(CorrectionInputSerializer, FileSerializer):
    """The same with a file."""


class CondonationInputSerializer(serializers.Serializer):
    """In which course of which term, and why."""

    course = CourseField()
    term = TermField()
    reason = serializers.CharField(max_length=1000, help_text="Kept encrypted.")
    fee_reference = serializers.CharField(max_length=60, allow_blank=True, default="")


class CondonationUploadSerializer(CondonationInputSerializer, FileSerializer):
    """The same with a file."""


class RemarksSerializer(serializers.Serializer):
    """What the other side reads with the decision."""

    remarks = ReasonField(
        allow_blank=True, default="", help_text="The student reads it; the audit trail keeps it."
    )
