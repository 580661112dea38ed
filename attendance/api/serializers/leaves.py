"""Leave applications."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from academics.api.fields import IdField, StudentField
from attendance.api.fields import DayField
from attendance.api.serializers.parts import SessionRefSerializer
from attendance.api.serializers.requests import FileSerializer, RequestSerializer
from attendance.enums import LeaveKind
from attendance.models import LeaveApplication, Session

_MAX_REASON, _MAX_REMARKS, MAX_LEAVES = 1000, 500, 200
_MAX_CLASSES = 20


class LeaveSerializer(RequestSerializer):
    """A leave of whole days, or of some classes of a day."""

    sessions = serializers.SerializerMethodField(help_text="Only these classes; empty for whole days.")
    applied_by = serializers.CharField(source="applied_by.full_name", read_only=True)
    may_review = serializers.BooleanField(read_only=True, help_text="Whether you may decide on it.")

    class Meta:
        model = LeaveApplication
        fields = [
            "id",
            "student",
            "name",
            "kind",
            "from_date",
            "to_date",
            "sessions",
            "reason",
            "file",
            "status",
            "applied_at",
            "applied_by",
            "reviewer",
            "reviewed_at",
            "remarks",
            "may_review",
        ]
        read_only_fields = fields

    @extend_schema_field(SessionRefSerializer(many=True))
    def get_sessions(self, leave: LeaveApplication) -> Any:
        return SessionRefSerializer([item.session for item in leave.classes.all()], many=True).data


class _ClassesField(serializers.ListField):
    """Ids of classes; each has to be the student's, which the service knows."""

    child = IdField()

    def to_internal_value(self, data: Any) -> list[Session]:
        asked = super().to_internal_value(data)
        found = {
            session.pk: session
            for session in Session.objects.filter(pk__in=asked, school=self.context["school"])
        }
        missing = [ident for ident in asked if ident not in found]
        if missing:
            raise serializers.ValidationError(f"{missing[0]}", code="does_not_exist")
        return list(found.values())


class LeaveChangeSerializer(serializers.Serializer):
    """What a leave is made of."""

    kind = serializers.ChoiceField(choices=LeaveKind.choices)
    from_date = DayField()
    to_date = DayField()
    sessions = _ClassesField(
        required=False, max_length=_MAX_CLASSES, help_text="Only these classes of a single day."
    )
    reason = serializers.CharField(max_length=_MAX_REASON)


class LeaveInputSerializer(LeaveChangeSerializer):
    """The same, and for whom: students apply for themselves, the office for anybody."""

    student = StudentField(required=False)


class LeaveChangeUploadSerializer(LeaveChangeSerializer, FileSerializer):
    """With a file, as multipart/form-data."""


class LeaveInputUploadSerializer(LeaveInputSerializer, FileSerializer):
    """With a file, as multipart/form-data."""


class LeaveOutcomeSerializer(serializers.Serializer):
    """The leave after a decision, how many marks it changed, and how many it left because their class is locked."""

    leave = LeaveSerializer()
    changed = serializers.IntegerField()
    locked = serializers.IntegerField()


class LeavesSerializer(serializers.Serializer):
    """Several leaves to approve."""

    ids = serializers.ListField(child=IdField(), allow_empty=False, max_length=MAX_LEAVES)
    remarks = serializers.CharField(max_length=_MAX_REMARKS, allow_blank=True, default="")


class LeaveFailureSerializer(serializers.Serializer):
    """A leave that was not approved, by its place in the request."""

    index = serializers.IntegerField()
    id = serializers.UUIDField()
    code = serializers.CharField()
    detail = serializers.CharField()


class LeavesOutcomeSerializer(serializers.Serializer):
    """How many are approved now, and which are not and why."""

    approved = serializers.IntegerField()
    changed = serializers.IntegerField()
    failed = LeaveFailureSerializer(many=True)
