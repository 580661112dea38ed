"""Leave applications."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from academics.api.fields import IdField, StudentField
from attendance.api.fields import DayField, InSchoolTime
from attendance.api.serializers.parts import SessionRefSerializer
from attendance.enums import LeaveKind
from attendance.models import LeaveApplication, Session

_MAX_REASON, _MAX_REMARKS, MAX_LEAVES = 1000, 500, 200
_MAX_CLASSES = 20


class LeaveSerializer(InSchoolTime, serializers.ModelSerializer):
    """A leave. `reason` and `file_name` are null for whoever may neither decide on it nor asked for it."""

    student = serializers.CharField(
        source="student.enrollment_no", read_only=True, help_text="Enrollment number."
    )
    name = serializers.CharField(source="student.user.full_name", read_only=True)
    sessions = serializers.SerializerMethodField(help_text="Only these classes; empty for whole days.")
    reason = serializers.SerializerMethodField()
    file_name = serializers.SerializerMethodField()
    applied_by = serializers.CharField(source="applied_by.full_name", read_only=True)
    reviewer = serializers.CharField(
        source="reviewer.full_name", read_only=True, allow_null=True, default=None
    )
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
            "file_name",
            "status",
            "applied_at",
            "applied_by",
            "reviewer",
            "reviewed_at",
            "remarks",
            "may_review",
        ]
        read_only_fields = fields

    def get_sessions(self, leave: LeaveApplication) -> SessionRefSerializer(many=True):  # type: ignore[valid-type] # for the schema
        return SessionRefSerializer([item.session for item in leave.classes.all()], many=True).data

    def get_reason(self, leave: LeaveApplication) -> str | None:
        return leave.reason if self._is_open(leave) else None

    def get_file_name(self, leave: LeaveApplication) -> str | None:
        return leave.file_name or None if self._is_open(leave) else None

    def _is_open(self, leave: Any) -> bool:
        mine = self.context["user"].pk in {leave.applied_by_id, leave.student.user_id}
        return mine or leave.may_review


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


class _FileSerializer(serializers.Serializer):
    file = serializers.FileField(required=False, help_text="PDF, JPEG or PNG, 4 MB at most.")


class LeaveChangeUploadSerializer(LeaveChangeSerializer, _FileSerializer):
    """With a file, as multipart/form-data."""


class LeaveInputUploadSerializer(LeaveInputSerializer, _FileSerializer):
    """With a file, as multipart/form-data."""


class RemarksSerializer(serializers.Serializer):
    """What the reviewer says to it. Needed to refuse."""

    remarks = serializers.CharField(max_length=_MAX_REMARKS, allow_blank=True, default="")


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
