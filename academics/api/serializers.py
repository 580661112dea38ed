"""What the reference lists give."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from academics.models import Cohort, Course, Department, Faculty, Room, Section, Student, Term


class CourseRefSerializer(serializers.Serializer):
    code = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)


class FacultyRefSerializer(serializers.Serializer):
    employee_no = serializers.CharField(read_only=True)
    name = serializers.CharField(source="user.full_name", read_only=True)


class TermRefSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(read_only=True)


class CodeField(serializers.SlugRelatedField):
    """Shows a department, cohort or room by its code, null when there is none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="code", read_only=True, **kwargs)


class TermSerializer(serializers.ModelSerializer):
    class Meta:
        model = Term
        fields = ["id", "name", "starts_on", "ends_on"]
        read_only_fields = fields


class DepartmentSerializer(serializers.ModelSerializer):
    head = FacultyRefSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Department
        fields = ["id", "code", "name", "head"]
        read_only_fields = fields


class RoomSerializer(serializers.ModelSerializer):
    class Meta:
        model = Room
        fields = ["id", "code", "building", "capacity", "latitude", "longitude", "geofence_radius_m"]
        read_only_fields = fields


class CourseSerializer(serializers.ModelSerializer):
    credits = serializers.DecimalField(max_digits=4, decimal_places=1, coerce_to_string=False, read_only=True)
    department = CodeField(allow_null=True)

    class Meta:
        model = Course
        fields = ["id", "code", "title", "credits", "department"]
        read_only_fields = fields


class CohortSerializer(serializers.ModelSerializer):
    department = CodeField(allow_null=True)
    parent = CodeField(allow_null=True, help_text="The class group of a lab batch.")  # type: ignore[assignment] # becomes a field of the row

    class Meta:
        model = Cohort
        fields = ["id", "code", "department", "parent"]
        read_only_fields = fields


class FacultySerializer(serializers.ModelSerializer):
    name = serializers.CharField(source="user.full_name", read_only=True)
    department = CodeField(allow_null=True)

    class Meta:
        model = Faculty
        fields = ["employee_no", "name", "department", "designation"]
        read_only_fields = fields


class StudentSerializer(serializers.ModelSerializer):
    """Who a student is to those who may see them: nothing personal beyond the name."""

    name = serializers.CharField(source="user.full_name", read_only=True)
    department = CodeField(allow_null=True)
    cohort = CodeField(allow_null=True)
    programme = serializers.CharField(source="programme.name", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Student
        fields = ["enrollment_no", "name", "department", "programme", "study_year", "cohort"]
        read_only_fields = fields


class SectionSerializer(serializers.ModelSerializer):
    course = CourseRefSerializer(read_only=True)
    cohort = CodeField(allow_null=True, help_text="Null for an elective.")
    term = TermRefSerializer(read_only=True)
    faculty = FacultyRefSerializer(read_only=True, allow_null=True, help_text="In charge of the section.")

    class Meta:
        model = Section
        fields = ["id", "course", "cohort", "name", "term", "faculty"]
        read_only_fields = fields
