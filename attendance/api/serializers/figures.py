"""Percentages."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from academics.api.serializers import CourseRefSerializer, TermRefSerializer
from attendance.enums import Band
from attendance.selectors.figures import Figures
from attendance.selectors.own_summary import OwnSummary


def plain_figures(figures: Figures) -> dict[str, Any]:
    """What `FiguresSerializer` describes, without a serializer per row."""
    return {
        "held": figures.held,
        "present": figures.present,
        "late": figures.late,
        "absent": figures.absent,
        "excused": figures.excused,
        "attended": figures.attended,
        "counted": figures.counted,
        "percentage": figures.percentage,
        "band": figures.band,
        "need": figures.need,
        "can_miss": figures.can_miss,
    }


def plain_summary(summary: OwnSummary) -> dict[str, Any]:
    """What `StudentSummarySerializer` describes, without a serializer per course: every student's phone asks this."""
    return {
        "student": {"enrollment_no": summary.number, "name": summary.name},
        "term": {"id": summary.term[0], "name": summary.term[1]} if summary.term else None,
        "threshold": summary.threshold,
        "floor": summary.floor,
        "courses": [
            {"course": {"code": course.code, "title": course.title}, **plain_figures(course.figures)}
            for course in summary.courses
        ],
        "overall": plain_figures(summary.overall),
    }


class FiguresSerializer(serializers.Serializer):
    """Counts of classes and what follows from them; `percentage` and `band` are null while nothing counts."""

    held = serializers.IntegerField(read_only=True)
    present = serializers.IntegerField(read_only=True)
    late = serializers.IntegerField(read_only=True)
    absent = serializers.IntegerField(read_only=True)
    excused = serializers.IntegerField(read_only=True)
    attended = serializers.FloatField(read_only=True, help_text="Late ones weighted.")
    counted = serializers.IntegerField(read_only=True, help_text="Of so many the percentage is.")
    percentage = serializers.DecimalField(
        max_digits=5, decimal_places=2, coerce_to_string=False, read_only=True, allow_null=True
    )
    band = serializers.ChoiceField(choices=Band.choices, read_only=True, allow_null=True)
    need = serializers.IntegerField(read_only=True, help_text="So many in a row reach the threshold.")
    can_miss = serializers.IntegerField(read_only=True, help_text="So many may be missed above it.")


class CourseFiguresSerializer(FiguresSerializer):
    course = CourseRefSerializer(read_only=True)


class StudentRefSerializer(serializers.Serializer):
    enrollment_no = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)


class StudentSummarySerializer(serializers.Serializer):
    """A student's figures in one term, per course and over all of them together."""

    student = StudentRefSerializer(read_only=True)
    term = TermRefSerializer(read_only=True, allow_null=True)
    threshold = serializers.IntegerField(read_only=True, help_text="Per cent: at or above is `clear`.")
    floor = serializers.IntegerField(read_only=True, help_text="Per cent: at or above is `condonable`.")
    courses = CourseFiguresSerializer(many=True, read_only=True)
    overall = FiguresSerializer(read_only=True)
