"""Figures of whole classes."""

from __future__ import annotations

from rest_framework import serializers

from academics.api.serializers import CourseRefSerializer, TermRefSerializer
from attendance.api.serializers.figures import FiguresSerializer, StudentRefSerializer
from attendance.api.serializers.parts import SectionRefSerializer
from attendance.enums import Band


class PooledSerializer(serializers.Serializer):
    """All marks of a class together; `percentage` and `band` are null while nothing counts."""

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


class BandCountsSerializer(serializers.Serializer):
    """Students by band; `none` have no percentage yet."""

    clear = serializers.IntegerField(read_only=True)
    condonable = serializers.IntegerField(read_only=True)
    shortage = serializers.IntegerField(read_only=True)
    none = serializers.IntegerField(read_only=True)


class BarSerializer(serializers.Serializer):
    """Students with a percentage from `low` to below `high`; the last bar holds 100 as well."""

    low = serializers.IntegerField(read_only=True)
    high = serializers.IntegerField(read_only=True)
    students = serializers.IntegerField(read_only=True)


class DistributionSerializer(serializers.Serializer):
    bands = BandCountsSerializer(read_only=True)
    histogram = BarSerializer(many=True, read_only=True)


class WeekSerializer(serializers.Serializer):
    """A week of the school's calendar: classes held in it, and the percentage pooled over their marks."""

    week = serializers.DateField(source="monday", read_only=True, help_text="Its Monday.")
    sessions = serializers.IntegerField(read_only=True)
    percentage = serializers.DecimalField(
        max_digits=5, decimal_places=2, coerce_to_string=False, read_only=True, allow_null=True
    )


class TrendSerializer(serializers.Serializer):
    """Every week from the first class to the last; at most some hours old, as `as_of` says."""

    as_of = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="What happened later is not in it; null: not counted yet."
    )
    weeks = WeekSerializer(many=True, read_only=True)


class MemberSerializer(FiguresSerializer):
    student = StudentRefSerializer(read_only=True)
    section = serializers.UUIDField(read_only=True, help_text="Id of the section they sit in.")


class CourseSummarySerializer(serializers.Serializer):
    """Sections of a course in a term, with everybody who sits in them."""

    course = CourseRefSerializer(read_only=True)
    sections = SectionRefSerializer(many=True, read_only=True)
    term = TermRefSerializer(read_only=True, allow_null=True)
    threshold = serializers.IntegerField(read_only=True, help_text="Per cent: at or above is `clear`.")
    floor = serializers.IntegerField(read_only=True, help_text="Per cent: at or above is `condonable`.")
    sessions = serializers.IntegerField(read_only=True, help_text="Classes held.")
    average = PooledSerializer(read_only=True)
    distribution = DistributionSerializer(read_only=True)
    students = MemberSerializer(many=True, read_only=True)
    trend = TrendSerializer(read_only=True)


class ShortageSerializer(FiguresSerializer):
    """A student below the threshold in a course."""

    student = StudentRefSerializer(read_only=True)
    section = SectionRefSerializer(read_only=True)


class DepartmentRefSerializer(serializers.Serializer):
    code = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)


class SectionStandingSerializer(serializers.Serializer):
    """A section: its students, the classes held, their pooled percentage, and how many students are in each band."""

    section = SectionRefSerializer(read_only=True)
    faculty = serializers.CharField(read_only=True, help_text="In charge of the section; may be empty.")
    students = serializers.IntegerField(read_only=True)
    sessions = serializers.IntegerField(read_only=True)
    percentage = serializers.DecimalField(
        max_digits=5, decimal_places=2, coerce_to_string=False, read_only=True, allow_null=True
    )
    band = serializers.ChoiceField(choices=Band.choices, read_only=True, allow_null=True)
    bands = BandCountsSerializer(read_only=True)


class DepartmentSummarySerializer(serializers.Serializer):
    department = DepartmentRefSerializer(read_only=True)
    term = TermRefSerializer(read_only=True, allow_null=True)
    sections = SectionStandingSerializer(many=True, read_only=True)
    trend = TrendSerializer(read_only=True)
