"""Filters of the reference lists."""

from __future__ import annotations

from django_filters import rest_framework as filters


class UpperCharFilter(filters.CharFilter):
    """Finds, whatever its case, what the column holds in capitals: an index can answer that."""

    def filter(self, qs, value):  # type: ignore[no-untyped-def] # django-filter's hook
        return super().filter(qs, value.upper())


class SchoolFilterSet(filters.FilterSet):
    """Every list of school objects can be narrowed to one school; only operators of several see a difference."""

    school = filters.CharFilter(field_name="school__code", lookup_expr="iexact", label="Code of the school.")


class TermFilterSet(SchoolFilterSet):
    on = filters.DateFilter(method="filter_on", label="The term this date lies in.")

    def filter_on(self, queryset, name, value):  # type: ignore[no-untyped-def] # django-filter's hook
        return queryset.filter(starts_on__lte=value, ends_on__gte=value)


class CodedFilterSet(SchoolFilterSet):
    code = filters.CharFilter(lookup_expr="iexact")
    department = filters.CharFilter(
        field_name="department__code", lookup_expr="iexact", label="Code of the department."
    )


class DepartmentFilterSet(SchoolFilterSet):
    code = filters.CharFilter(lookup_expr="iexact")


class RoomFilterSet(SchoolFilterSet):
    code = filters.CharFilter(lookup_expr="iexact")
    building = filters.CharFilter(lookup_expr="iexact")


class CohortFilterSet(CodedFilterSet):
    parent = filters.CharFilter(
        field_name="parent__code", lookup_expr="iexact", label="Code of the class group."
    )


class FacultyFilterSet(SchoolFilterSet):
    employee_no = UpperCharFilter()
    department = filters.CharFilter(
        field_name="department__code", lookup_expr="iexact", label="Code of the department."
    )


class StudentFilterSet(SchoolFilterSet):
    enrollment_no = UpperCharFilter()
    department = filters.CharFilter(
        field_name="department__code", lookup_expr="iexact", label="Code of the department."
    )
    cohort = filters.CharFilter(field_name="cohort__code", lookup_expr="iexact", label="Code of the cohort.")
    study_year = filters.NumberFilter(min_value=0, max_value=10, decimal_places=0)
    section = filters.UUIDFilter(method="filter_section", label="Enrolled in this section, now or before.")

    def filter_section(self, queryset, name, value):  # type: ignore[no-untyped-def] # django-filter's hook
        from academics.models import Enrollment

        return queryset.filter(pk__in=Enrollment.objects.filter(section=value).values("student"))


class SectionFilterSet(SchoolFilterSet):
    term = filters.NumberFilter(
        field_name="term_id", min_value=0, max_value=2**31 - 1, decimal_places=0, label="Id of the term."
    )
    course = filters.CharFilter(field_name="course__code", lookup_expr="iexact", label="Code of the course.")
    cohort = filters.CharFilter(field_name="cohort__code", lookup_expr="iexact", label="Code of the cohort.")
    faculty = filters.CharFilter(method="filter_faculty", label="Employee number of somebody who teaches it.")
    student = filters.CharFilter(
        method="filter_student", label="Enrollment number of somebody enrolled in it."
    )

    def filter_faculty(self, queryset, name, value):  # type: ignore[no-untyped-def] # django-filter's hook
        from academics.models import Faculty

        who = Faculty.objects.filter(employee_no=value.upper())
        return queryset.filter(pk__in=queryset.model.objects.filter(teachers__in=who).values("pk"))

    def filter_student(self, queryset, name, value):  # type: ignore[no-untyped-def] # django-filter's hook
        from academics.models import Enrollment

        who = Enrollment.objects.filter(student__enrollment_no=value.upper())
        return queryset.filter(pk__in=who.values("section"))
