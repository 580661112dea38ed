"""Readers, what they tell, and what students are recognised by."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from academics.api.fields import RoomField, StudentField
from attendance.api.fields import InSchoolTime, SchoolTimeInput
from attendance.enums import DeviceKind, Direction
from attendance.iclock import PIN
from attendance.models import BiometricDevice, BiometricTemplate, DeviceEvent, UnknownDevice

#: More than a reader keeps.
MOST_EVENTS = 10_000
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


class DeviceSerializer(InSchoolTime, serializers.ModelSerializer):
    """A reader. Its key is shown only where it is made."""

    room = serializers.CharField(source="room.code", read_only=True, allow_null=True, default=None)
    commands_waiting = serializers.IntegerField(read_only=True, help_text="Commands it has not answered yet.")

    class Meta:
        model = BiometricDevice
        fields = [
            "id",
            "serial",
            "kind",
            "name",
            "room",
            "allowed_networks",
            "clock_offset",
            "firmware",
            "is_active",
            "last_seen_at",
            "key_rotated_at",
            "commands_waiting",
        ]
        read_only_fields = fields


class DeviceInputSerializer(serializers.Serializer):
    """What is known of a reader."""

    kind = serializers.ChoiceField(choices=DeviceKind.choices)
    name = serializers.CharField(max_length=100, allow_blank=True, required=False)
    room = RoomField(allow_null=True, required=False)
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=49),
        max_length=50,
        required=False,
        help_text="From these it is known by its serial number alone, such as 10.20.0.0/16.",
    )
    clock_offset = serializers.IntegerField(
        min_value=-86400, max_value=86400, required=False, help_text="Seconds that its clock is ahead."
    )


class DeviceChangeSerializer(DeviceInputSerializer):
    is_active = serializers.BooleanField(required=False)


class DeviceRegisterSerializer(DeviceInputSerializer):
    serial = serializers.CharField(max_length=64)


class RegisteredSerializer(serializers.Serializer):
    """A reader with its new key, which nobody can show again."""

    device = DeviceSerializer()
    key = serializers.CharField(help_text="For the header X-Device-Key, or as /r/<key>/iclock/.")


class UnknownDeviceSerializer(serializers.ModelSerializer):
    """A serial number that called and that nobody has registered."""

    class Meta:
        model = UnknownDevice
        fields = ["serial", "first_seen_at", "last_seen_at", "address", "count"]
        read_only_fields = fields


class PinSerializer(serializers.Serializer):
    """The number by which a reader knows a student; null for nobody."""

    pin = serializers.CharField(max_length=24)
    student = StudentField(allow_null=True)


class PinsSerializer(serializers.Serializer):
    pins = PinSerializer(many=True, allow_empty=False, max_length=5000)  # type: ignore[call-arg] # of the list


class KnownPinSerializer(serializers.Serializer):
    pin = serializers.CharField(read_only=True)
    student = serializers.CharField(source="student.enrollment_no", read_only=True)


class AssignedSerializer(serializers.Serializer):
    changed = serializers.IntegerField(help_text="Numbers that mean somebody else now.")
    matched = serializers.IntegerField(help_text="Readings that had waited for it.")


class QueuedSerializer(serializers.Serializer):
    queued = serializers.IntegerField(help_text="Commands that the reader fetches when it asks next.")


class EventSerializer(SchoolTimeInput, serializers.Serializer):
    """Somebody was recognised; a time without offset is the school's."""

    pin = serializers.RegexField(rf"^{PIN.pattern}\Z", required=False, help_text="A number of this reader.")
    card = serializers.CharField(max_length=40, required=False, help_text="Number of a card.")
    at = serializers.DateTimeField()
    direction = serializers.ChoiceField(choices=Direction.choices, default=Direction.IN)

    def validate_at(self, at: Any) -> Any:
        if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
            raise serializers.ValidationError(_("Nothing happened in that year."), code="out_of_range")
        return at

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if ("pin" in values) == ("card" in values):
            raise serializers.ValidationError(_("Name either a number or a card."), code="invalid")
        return values


class EventsSerializer(serializers.Serializer):
    events = EventSerializer(many=True, max_length=MOST_EVENTS)  # type: ignore[call-arg] # of the list


class TakenSerializer(serializers.Serializer):
    """What became of an upload; what is neither new nor rejected was there before."""

    received = serializers.IntegerField()
    new = serializers.IntegerField()
    rejected = serializers.IntegerField()
    matched = serializers.IntegerField(help_text="New ones that found their student and class.")
    marks = serializers.IntegerField(help_text="Marks that changed.")


class ReadingSerializer(InSchoolTime, serializers.ModelSerializer):
    """What a reader told, and what became of it."""

    device = serializers.CharField(source="device.serial", read_only=True, help_text="Serial number.")
    student = serializers.CharField(
        source="student.enrollment_no", read_only=True, allow_null=True, default=None
    )
    by_card = serializers.SerializerMethodField(help_text="A card was named, not a number.")

    class Meta:
        model = DeviceEvent
        fields = [
            "id",
            "device",
            "pin",
            "by_card",
            "at",
            "direction",
            "verify",
            "source",
            "received_at",
            "state",
            "reason",
            "line",
            "student",
            "session",
        ]
        read_only_fields = fields

    def get_by_card(self, event: DeviceEvent) -> bool:
        return event.card_index != ""


class TemplateSerializer(InSchoolTime, serializers.ModelSerializer):
    """That something is kept; what it is leaves the site by no way."""

    student = serializers.CharField(source="student.enrollment_no", read_only=True)

    class Meta:
        model = BiometricTemplate
        fields = ["id", "student", "kind", "position", "enrolled_at"]
        read_only_fields = fields


class TemplateInputSerializer(serializers.Serializer):
    """What a student is to be recognised by."""

    student = StudentField()
    kind = serializers.ChoiceField(choices=DeviceKind.choices)
    position = serializers.IntegerField(min_value=0, max_value=9, default=0, help_text="Which finger.")
    template = serializers.CharField(
        max_length=9_000, help_text="As the reader has it, in base64; of a card its number. Kept encrypted."
    )
