"""The school's rules."""

from __future__ import annotations

from rest_framework import serializers

from attendance.models import AttendanceConfiguration


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
        fields = [
            "school",
            "version",
            "updated_at",
            "grace_period_minutes",
            "min_duration_for_present_minutes",
            "attendance_threshold_percent",
            "condonation_floor_percent",
            "offline_sync_max_delta_minutes",
            "attendance_data_retention_years",
            "auto_open_sessions",
            "open_before_minutes",
            "auto_close_sessions",
            "close_after_minutes",
            "qr_token_expiry_minutes",
            "qr_rotation_seconds",
            "max_correction_days",
            "biometric_enabled",
            "rfid_enabled",
            "gps_verification",
            "geofence_radius_m",
            "one_device_per_student",
            "auto_mark_absent",
            "send_attendance_notifications",
            "late_weight",
            "excused_counts_as",
        ]
        read_only_fields = ["updated_at"]
