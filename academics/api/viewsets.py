"""Read-only reference lists: where clients find the ids and codes that other requests name."""

from __future__ import annotations

from typing import cast

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins

from academics import policies
from academics.api import filters, serializers
from academics.api.scope import SchoolScopedViewSet
from academics.models import Cohort, Course, Department, Faculty, Room, Section, Student, Term


@extend_schema_view(list=extend_schema(tags=["academics"], summary="Terms"))
class TermViewSet(mixins.ListModelMixin, SchoolScopedViewSet):
    """Teaching periods, latest first."""

    queryset = Term.objects.all()
    serializer_class = serializers.TermSerializer
    filterset_class = filters.TermFilterSet
    search_fields = ["name"]
    ordering_fields = ["starts_on", "name"]
    ordering = ["-starts_on", "pk"]


@extend_schema_view(list=extend_schema(tags=["academics"], summary="Departments"))
class DepartmentViewSet(mixins.ListModelMixin, SchoolScopedViewSet):
    """Departments with their heads."""

    queryset = Department.objects.select_related("head__user")
    serializer_class = serializers.DepartmentSerializer
    filterset_class = filters.DepartmentFilterSet
    search_fields = ["code", "name"]
    ordering_fields = ["code", "name"]
    ordering = ["code", "pk"]


@extend_schema_view(list=extend_schema(tags=["academics"], summary="Rooms"))
class RoomViewSet(mixins.ListModelMixin, SchoolScopedViewSet):
    """Rooms with their places, where known."""

    queryset = Room.objects.all()
    serializer_class = serializers.RoomSerializer
    filterset_class = filters.RoomFilterSet
    search_fields = ["code", "building"]
    ordering_fields = ["code", "building", "capacity"]
    ordering = ["code", "pk"]


@extend_schema_view(list=extend_schema(tags=["academics"], summary="Courses"))
class CourseViewSet(mixins.ListModelMixin, SchoolScopedViewSet):
    """Courses, whoever teaches them."""

    queryset = Course.objects.select_related("department")
    serializer_class = serializers.CourseSerializer
    filterset_class = filters.CodedFilterSet
    search_fields = ["code", "title"]
    ordering_fields = ["code", "title", "credits"]
    ordering = ["code", "pk"]


@extend_schema_view(list=extend_schema(tags=["academics"], summary="Cohorts"))
class CohortViewSet(mixins.ListModelMixin, SchoolScopedViewSet):
    """Class groups and their lab batches."""

    queryset = Cohort.objects.select_related("department", "parent")
    serializer_class = serializers.CohortSerializer
    filterset_class = filters.CohortFilterSet
    search_fields = ["code"]
    ordering_fields = ["code"]
    ordering = ["code", "pk"]


@extend_schema_view(list=extend_schema(tags=["academics"], summary="Faculty"))
class FacultyViewSet(mixins.ListModelMixin, SchoolScopedViewSet):
    """Everybody who teaches."""

    queryset = Faculty.objects.select_related("user", "department")
    serializer_class = serializers.FacultySerializer
    filterset_class = filters.FacultyFilterSet
    search_fields = ["employee_no", "user__full_name"]
    ordering_fields = {"employee_no": "employee_no", "name": "user__full_name"}
    ordering = ["employee_no", "pk"]


@extend_schema_view(
    list=extend_schema(tags=["academics"], summary="Students"),
    retrieve=extend_schema(tags=["academics"], summary="A student"),
)
class StudentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, SchoolScopedViewSet):
    """Students by enrollment number: the office sees all, faculty whom they teach, students themselves."""

    queryset = Student.objects.select_related("user", "department", "programme", "cohort")
    serializer_class = serializers.StudentSerializer
    filterset_class = filters.StudentFilterSet
    search_fields = ["enrollment_no", "user__full_name"]
    ordering_fields = {"enrollment_no": "enrollment_no", "name": "user__full_name"}
    ordering = ["enrollment_no", "pk"]
    lookup_field = "enrollment_no"
    policies = {"retrieve": policies.can_view_student}

    def get_object(self) -> Student:
        self.kwargs["enrollment_no"] = self.kwargs["enrollment_no"].upper()
        return cast(Student, super().get_object())


@extend_schema_view(
    list=extend_schema(tags=["academics"], summary="Sections"),
    retrieve=extend_schema(tags=["academics"], summary="A section"),
)
class SectionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, SchoolScopedViewSet):
    """Courses as taught to one cohort in one term: what one teaches, heads or sits in; the office sees all."""

    queryset = Section.objects.select_related("course", "cohort", "term", "faculty__user")
    serializer_class = serializers.SectionSerializer
    filterset_class = filters.SectionFilterSet
    search_fields = ["course__code", "course__title", "cohort__code", "name"]
    ordering_fields = {"course": "course__code", "cohort": "cohort__code", "term": "term__starts_on"}
    ordering = ["course__code", "cohort__code", "name", "pk"]
    policies = {"retrieve": policies.can_view_section}
