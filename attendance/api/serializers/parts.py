"""Pieces that several answers show."""

from __future__ import annotations

from rest_framework import serializers

from academics.api.serializers import CourseRefSerializer, FacultyRefSerializer
from attendance.api.fields import InSchoolTime
from attendance.enums import SessionStatus


class SectionRefSerializer(serializers.Serializer):
    """A section of a class; an elective has a name instead of a cohort."""

    id = serializers.UUIDField(read_only=True)
    course = CourseRefSerializer(read_only=True)
    cohort = serializers.CharField(source="cohort.code", read_only=True, allow_null=True, default=None)
    name = serializers.CharField(read_only=True)


class TeacherSerializer(FacultyRefSerializer):
    """Somebody who stands in front of a class."""


class SessionRefSerializer(InSchoolTime, serializers.Serializer):
    """Enough of a class to name it."""

    id = serializers.UUIDField(read_only=True)
    held_on = serializers.DateField(read_only=True)
    starts_at = serializers.DateTimeField(read_only=True)
    ends_at = serializers.DateTimeField(read_only=True)
    status = serializers.ChoiceField(choices=SessionStatus.choices, read_only=True)
    status_reason = serializers.CharField(read_only=True)


class CountsSerializer(serializers.Serializer):
    """Students by what they are; together they are the roster."""

    present = serializers.IntegerField(read_only=True)
    late = serializers.IntegerField(read_only=True)
    absent = serializers.IntegerField(read_only=True)
    excused = serializers.IntegerField(read_only=True)
    unmarked = serializers.IntegerField(read_only=True)
