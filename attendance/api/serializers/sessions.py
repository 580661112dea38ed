"""Class sessions, their codes, rosters and live counts."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from academics.api.fields import FacultyField, RoomField, SectionField
from academics.api.serializers import CodeField
from attendance.api.fields import InSchoolTime, ReasonField, SchoolTimeInput
from attendance.api.serializers.parts import CountsSerializer, SectionRefSerializer, TeacherSerializer
from attendance.enums import CAPTURED_BY, SessionStatus, Source, Status
from attendance.models import Session
from attendance.selectors.live import Counts

#: How a person or device may be recorded; the system's own records are none of them.


class SessionSerializer(InSchoolTime, serializers.ModelSerializer):
    """A class on one day. Instants have the school's offset; `held_on` is its date there.

    ``context["counts"]`` maps session ids to `Counts`; a class that is not in it shows null.
    """

    sections = SectionRefSerializer(many=True, read_only=True)
    faculty = TeacherSerializer(many=True, read_only=True)
    substitute = TeacherSerializer(read_only=True, allow_null=True, help_text="Stands in for the faculty.")
    room = CodeField(allow_null=True)
    capture_modes = serializers.ListField(child=serializers.ChoiceField(choices=CAPTURED_BY), read_only=True)
    counts = serializers.SerializerMethodField(help_text="Null for students, who see their own records only.")
    extra = serializers.SerializerMethodField(help_text="Not from the timetable.")
    stream_url = serializers.SerializerMethodField(
        help_text="Server-sent events: the `live` state as it changes."
    )

    class Meta:
        model = Session
        fields = [
            "id",
            "sections",
            "faculty",
            "substitute",
            "room",
            "term",
            "slot",
            "held_on",
            "starts_at",
            "ends_at",
            "topic",
            "status",
            "status_reason",
            "counts",
            "capture_modes",
            "opened_at",
            "opened_by_human_at",
            "closed_at",
            "reopened_at",
            "locked_at",
            "extra",
            "stream_url",
        ]
        read_only_fields = fields

    @extend_schema_field(CountsSerializer(allow_null=True))
    def get_counts(self, session: Session) -> dict[str, int] | None:
        counts: dict[UUID, Counts] = self.context.get("counts") or {}
        found = counts.get(session.pk)
        return found.as_json() if found else None

    def get_extra(self, session: Session) -> bool:
        return session.slot_id is None

    @extend_schema_field(serializers.URLField())
    def get_stream_url(self, session: Session) -> str:
        return f"{settings.LIVE_URL}/live/sessions/{session.pk}/"


class _SessionInput(SchoolTimeInput, serializers.Serializer):
    faculty = FacultyField(many=True, allow_empty=False, required=False)
    room = RoomField(allow_null=True, required=False)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    topic = serializers.CharField(max_length=200, allow_blank=True, required=False)
    capture_modes = serializers.MultipleChoiceField(choices=CAPTURED_BY, allow_empty=False, required=False)


class ExtraClassSerializer(_SessionInput):
    """An extra class. Instants without offset are in the school's time; `faculty` defaults to oneself."""

    sections = SectionField(many=True, allow_empty=False)


class SessionChangeSerializer(_SessionInput):
    """What is to change: all but the topic only before the class begins."""


class ReasonSerializer(serializers.Serializer):
    reason = ReasonField(allow_blank=True, default="")


class ConfirmSerializer(ReasonSerializer):
    held = serializers.BooleanField(help_text="Whether the class took place; otherwise it is cancelled.")


class SubstituteSerializer(serializers.Serializer):
    faculty = FacultyField(allow_null=True, help_text="Employee number; null takes the substitute back.")


class CodeSerializer(serializers.Serializer):
    """The code on the classroom screen."""

    token = serializers.CharField(read_only=True, help_text="What `qr-scan` takes.")
    url = serializers.URLField(read_only=True, help_text="What the picture says: a phone's camera opens it.")
    svg = serializers.CharField(read_only=True, help_text="The picture, dark on white with its quiet zone.")
    step = serializers.IntegerField(
        read_only=True, help_text="Number of the time step; 0 for a standing code."
    )
    generation = serializers.IntegerField(read_only=True)
    rotation_seconds = serializers.IntegerField(read_only=True, help_text="0: the code stands still.")
    valid_until = serializers.DateTimeField(
        read_only=True, help_text="Until when it is accepted: its own step and the next, at most its series."
    )


class RosterMarkSerializer(serializers.Serializer):
    id = serializers.UUIDField(read_only=True)
    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    source = serializers.ChoiceField(choices=Source.choices, read_only=True)  # type: ignore[assignment] # becomes a field of the row
    marked_at = serializers.DateTimeField(read_only=True)
    remarks = serializers.CharField(read_only=True)


class RosterEntrySerializer(serializers.Serializer):
    student = serializers.CharField(read_only=True, help_text="Enrollment number.")
    name = serializers.CharField(read_only=True)
    section = serializers.UUIDField(read_only=True)
    record = RosterMarkSerializer(read_only=True, allow_null=True)
    percentage = serializers.FloatField(read_only=True, allow_null=True, help_text="Of the course, so far.")
    at_risk = serializers.BooleanField(read_only=True, help_text="Below the school's threshold.")


class RosterSerializer(serializers.Serializer):
    results = RosterEntrySerializer(many=True, read_only=True)


class ArrivalSerializer(serializers.Serializer):
    student = serializers.CharField(read_only=True, help_text="Enrollment number.")
    name = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    marked_at = serializers.DateTimeField(read_only=True)


class LiveSerializer(serializers.Serializer):
    status = serializers.ChoiceField(choices=SessionStatus.choices, read_only=True)
    counts = CountsSerializer(read_only=True)
    total = serializers.IntegerField(read_only=True)
    recent = ArrivalSerializer(
        many=True, read_only=True, help_text="The latest arrivals, newest first, at most 12."
    )
