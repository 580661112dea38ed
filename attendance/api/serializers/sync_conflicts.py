"""Conflicts of marks made without network."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from attendance.api.fields import ReasonField
from attendance.api.serializers.parts import SectionRefSerializer
from attendance.enums import Keep, Source, Status
from attendance.selectors.sync_conflicts import ConflictView


class MarkViewSerializer(serializers.Serializer):
    """A mark: what, how, when by the server's clock, by whom and on which device; the last two may be empty."""

    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    source = serializers.ChoiceField(choices=Source.choices, read_only=True)  # type: ignore[assignment] # a field, taken out of the class
    at = serializers.DateTimeField(read_only=True)
    by = serializers.CharField(read_only=True)
    device = serializers.CharField(read_only=True)


class ConflictSerializer(serializers.Serializer):
    """Two marks of one student by hand: `incoming` was made before `existing`, came later and says something else.

    `stands` is the mark that stands now, null where there is none; `changed` says that it is not `existing` any more.
    """

    id = serializers.UUIDField(source="conflict.pk", read_only=True)
    session = serializers.UUIDField(source="conflict.session_id", read_only=True)
    held_on = serializers.DateField(source="conflict.session.held_on", read_only=True)
    starts_at = serializers.DateTimeField(source="conflict.session.starts_at", read_only=True)
    sections = SectionRefSerializer(source="conflict.session.sections", many=True, read_only=True)
    student = serializers.CharField(
        source="conflict.student.enrollment_no", read_only=True, help_text="Enrollment number."
    )
    name = serializers.CharField(source="conflict.student.user.full_name", read_only=True)
    existing = MarkViewSerializer(read_only=True)
    incoming = MarkViewSerializer(read_only=True)
    stands = MarkViewSerializer(read_only=True, allow_null=True)
    changed = serializers.BooleanField(read_only=True)
    version = serializers.CharField(read_only=True, help_text="Names the mark that stands; send it along.")
    raised_at = serializers.DateTimeField(source="conflict.raised_at", read_only=True)
    resolved_at = serializers.DateTimeField(source="conflict.resolved_at", read_only=True, allow_null=True)
    resolved_by = serializers.CharField(
        source="conflict.resolved_by.full_name", read_only=True, allow_null=True, default=None
    )
    kept = serializers.ChoiceField(
        source="conflict.kept", choices=Keep.choices, allow_blank=True, read_only=True
    )

    def to_representation(self, instance: ConflictView) -> Any:
        with timezone.override(instance.conflict.school.tz):
            return super().to_representation(instance)


class ResolveSerializer(serializers.Serializer):
    """`version` is the conflict's, as it was shown: should another mark stand meanwhile, nothing is decided."""

    keep = serializers.ChoiceField(choices=Keep.choices)
    version = serializers.CharField(max_length=64, allow_blank=True, default="")
    reason = ReasonField(allow_blank=True, default="", help_text="Needed to change a mark of a locked class.")
