"""The school's rules."""

from __future__ import annotations

from rest_framework import serializers

from attendance.models import AttendanceConfiguration
from attendance.models.configuration import RULES


class ConfigurationSerializer(serializers.ModelSerializer):
    school = serializers.CharField(source="school.code", read_only=True, help_text="Code of the school.")
    version = serializers.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        help_text="Send the version you read: the answer is 409 `stale` when somebody was faster.",
    )
    late_weight = serializers.DecimalField(
        max_digits=3, decimal_places=2, min_value=0, max_value=1, coerce_to_string=False, required=False
    )

    class Meta:
        model = AttendanceConfiguration
        fields = ["school", "version", "updated_at", *RULES]
        read_only_fields = ["updated_at"]
