"""Fields by which requests name things of a school."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from rest_framework import serializers

from academics.models import Course, Faculty, Room, Section, Student, Term


class InSchoolField(serializers.SlugRelatedField):
    """Names something of the school at hand, ``context["school"]``, by its public id, whatever its case.

    What belongs to another school does not exist here. `stored_upper` says that the column holds capitals only.
    """

    stored_upper = False

    def get_queryset(self) -> QuerySet[Any]:
        return cast(QuerySet[Any], super().get_queryset()).filter(school=self.context["school"])

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or len(data) > 100:
            self.fail("invalid")
        try:
            if self.stored_upper:
                return self.get_queryset().get(**{self.slug_field: data.upper()})
            return self.get_queryset().get(**{f"{self.slug_field}__iexact": data})
        except ObjectDoesNotExist:
            self.fail("does_not_exist", slug_name=self.slug_field, value=data)


class StudentField(InSchoolField):
    """A student by enrollment number."""

    stored_upper = True

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Enrollment number.")
        super().__init__(slug_field="enrollment_no", queryset=Student.objects.all(), **kwargs)


class FacultyField(InSchoolField):
    """A faculty member by employee number."""

    stored_upper = True

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Employee number.")
        super().__init__(slug_field="employee_no", queryset=Faculty.objects.select_related("user"), **kwargs)


class RoomField(InSchoolField):
    """A room by its code."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Code of the room.")
        super().__init__(slug_field="code", queryset=Room.objects.all(), **kwargs)


class CourseField(InSchoolField):
    """A course by its code."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Code of the course.")
        super().__init__(slug_field="code", queryset=Course.objects.all(), **kwargs)


class IdField(serializers.UUIDField):
    """An id as a text. The library also takes numbers, and so ``true`` as the id 1."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str | UUID):
            self.fail("invalid", value=data)
        found: UUID = super().to_internal_value(data)
        return found


class SectionField(serializers.PrimaryKeyRelatedField):
    """A section of the school at hand by its id."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Id of the section.")
        super().__init__(
            queryset=Section.objects.select_related("course", "cohort"),
            pk_field=IdField(),
            **kwargs,
        )

    def get_queryset(self) -> QuerySet[Any]:
        return cast(QuerySet[Any], super().get_queryset()).filter(school=self.context["school"])


class TermField(serializers.PrimaryKeyRelatedField):
    """A term of the school at hand by its id."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Id of the term.")
        super().__init__(
            queryset=Term.objects.all(),
            pk_field=serializers.IntegerField(),
            **kwargs,
        )

    def get_queryset(self) -> QuerySet[Any]:
        return cast(QuerySet[Any], super().get_queryset()).filter(school=self.context["school"])
