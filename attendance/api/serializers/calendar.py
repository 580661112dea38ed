"""Holidays, timetable slots, and what making sessions of them gave."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from academics.api.fields import FacultyField, InSchoolField, RoomField, SectionField
from academics.api.serializers import CodeField
from academics.models import Department
from attendance.api.fields import DayField, WallTimeField
from attendance.api.serializers.parts import SectionRefSerializer, SessionRefSerializer, TeacherSerializer
from attendance.enums import HolidayKind, Weekday
from attendance.models import Holiday, TimetableSlot


class HolidaySerializer(serializers.ModelSerializer):
    """A day without classes, for everybody or for one department."""

    date = DayField()
    name = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(choices=HolidayKind.choices, default=HolidayKind.PUBLIC)
    department = InSchoolField(
        slug_field="code",
        queryset=Department.objects.all(),
        allow_null=True,
        default=None,
        help_text="Code of the only department it is for; null for the whole school.",
    )

    class Meta:
        model = Holiday
        fields = ["id", "date", "name", "kind", "department"]
        read_only_fields = ["id"]
        # The service knows what a second holiday on one day is; the serializer would only know that it is.
        validators: list[Any] = []


class HolidayOutcomeSerializer(serializers.Serializer):
    """The holiday, the classes it cancelled, and those already held, which somebody has to count or void."""

    holiday = HolidaySerializer()
    cancelled = SessionRefSerializer(many=True)
    held = SessionRefSerializer(many=True)


class HolidayRemovalSerializer(serializers.Serializer):
    """Classes that are scheduled again, and those whose room or people are taken meanwhile."""

    restored = SessionRefSerializer(many=True)
    taken = SessionRefSerializer(many=True)


class PublicHolidaysSerializer(serializers.Serializer):
    """Public holidays of a country (ISO 3166 codes)."""

    country = serializers.RegexField(r"^[A-Za-z]{2}\Z", help_text="Such as IN.")
    subdivision = serializers.CharField(
        max_length=8, allow_blank=True, default="", help_text="Such as KA; empty for the whole country."
    )
    year = serializers.IntegerField(min_value=1950, max_value=2100)


class CalendarFileSerializer(serializers.Serializer):
    """An iCalendar file with all-day events."""

    file = serializers.FileField(help_text="The .ics file.")


class HolidayImportSerializer(serializers.Serializer):
    """What an import made: days that were holidays before are left as they are."""

    created = HolidayOutcomeSerializer(many=True)
    existing = serializers.IntegerField()


class SlotSerializer(serializers.ModelSerializer):
    """One weekly class in the school's wall-clock time; an end before the start is on the next day."""

    sections = SectionRefSerializer(many=True, read_only=True)
    faculty = TeacherSerializer(many=True, read_only=True)
    room = CodeField(allow_null=True)
    starts = WallTimeField(read_only=True)
    ends = WallTimeField(read_only=True)
    weekday = serializers.ChoiceField(choices=Weekday.choices, help_text="1 is Monday, 7 is Sunday.")

    class Meta:
        model = TimetableSlot
        fields = [
            "id",
            "sections",
            "faculty",
            "room",
            "weekday",
            "starts",
            "ends",
            "valid_from",
            "valid_until",
            "version",
        ]
        read_only_fields = fields


class SlotInputSerializer(serializers.Serializer):
    """What a slot is made of. Several sections make a combined lecture, several faculty teach together."""

    sections = SectionField(many=True, allow_empty=False)
    faculty = FacultyField(many=True, allow_empty=False)
    room = RoomField(allow_null=True, default=None)
    weekday = serializers.ChoiceField(choices=Weekday.choices, help_text="1 is Monday, 7 is Sunday.")
    starts = WallTimeField()
    ends = WallTimeField()
    valid_from = DayField()
    valid_until = DayField()


class GenerateSerializer(serializers.Serializer):
    """Sessions of the timetable from one day to another, both included."""

    section = SectionField(required=False, allow_null=True, default=None)

    def get_fields(self) -> dict[str, serializers.Field]:
        # `from` cannot be written as an attribute.
        return {"from": DayField(), "to": DayField(), **super().get_fields()}


class SkipSerializer(serializers.Serializer):
    date = serializers.DateField()
    reason = serializers.CharField()
    slot = serializers.UUIDField(source="slot_id")


class GenerationSerializer(serializers.Serializer):
    created = serializers.IntegerField()
    existing = serializers.IntegerField()
    skipped = SkipSerializer(many=True)
