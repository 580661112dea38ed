"""Cases that somebody should look at."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from attendance.api.fields import DayField
from attendance.enums import AnomalyKind
from attendance.models import AnomalyDismissal
from attendance.selectors import anomaly_texts
from attendance.selectors.anomalies import Anomaly


class AnomalyQuerySerializer(serializers.Serializer):
    """Which cases are asked for."""

    kind = serializers.ChoiceField(choices=AnomalyKind.choices, required=False)
    until = DayField(required=False)
    section = serializers.UUIDField(required=False)
    session = serializers.UUIDField(required=False)
    dismissed = serializers.BooleanField(required=False, default=False)

    def get_fields(self) -> Any:
        # `from` cannot be written as an attribute.
        return {**super().get_fields(), "from": DayField(required=False)}


class AnomalyClassSerializer(serializers.Serializer):
    id = serializers.UUIDField(read_only=True)
    course = serializers.CharField(read_only=True)
    sections = serializers.CharField(read_only=True)
    held_on = serializers.DateField(read_only=True)
    starts_at = serializers.DateTimeField(read_only=True)


class AnomalyStudentSerializer(serializers.Serializer):
    enrollment_no = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)


class DismissalSerializer(serializers.ModelSerializer):
    """That somebody found a case fine; `undone_at` says that it is listed again."""

    dismissed_by = serializers.CharField(source="dismissed_by.full_name", read_only=True)

    class Meta:
        model = AnomalyDismissal
        fields = ["id", "kind", "subject", "remark", "dismissed_by", "dismissed_at", "undone_at"]
        read_only_fields = fields


class AnomalySerializer(serializers.Serializer):
    """A case: what was seen, who is in it, in which class (the latest), why it is listed and what to do."""

    kind = serializers.ChoiceField(choices=AnomalyKind.choices, read_only=True)
    subject = serializers.CharField(read_only=True, help_text="What it is about, within its kind.")
    at = serializers.DateTimeField(read_only=True)
    session = AnomalyClassSerializer(read_only=True)
    students = AnomalyStudentSerializer(many=True, read_only=True)
    seen = serializers.SerializerMethodField()
    why = serializers.SerializerMethodField()
    to_do = serializers.SerializerMethodField()
    figures = serializers.SerializerMethodField(
        help_text="What was measured: metres, seconds, classes, instants."
    )
    dismissal = DismissalSerializer(read_only=True, allow_null=True)

    def get_seen(self, anomaly: Anomaly) -> str:
        return anomaly_texts.seen(anomaly)

    def get_why(self, anomaly: Anomaly) -> str:
        return str(anomaly_texts.WHY[anomaly.kind])

    def get_to_do(self, anomaly: Anomaly) -> str:
        return str(anomaly_texts.TO_DO[anomaly.kind])

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_figures(self, anomaly: Anomaly) -> dict[str, Any]:
        return anomaly.figures


class DismissSerializer(serializers.Serializer):
    """Names a case of the list: its kind and subject, and the days in which it was found."""

    kind = serializers.ChoiceField(choices=AnomalyKind.choices)
    subject = serializers.CharField(max_length=120)
    until = DayField(required=False)
    remark = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")

    def get_fields(self) -> Any:
        return {**super().get_fields(), "from": DayField(required=False)}
