"""Filters of academics, and who sees what.

Faculty see what they teach, heads of department their department; students see themselves and their own
sections; the office sees its school.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Q

from accounts.enums import Role

if TYPE_CHECKING:
    from accounts.models import User


def _model(name: str) -> Any:
    """A model of this app: models are made of these querysets, so they cannot be imported here."""
    return apps.get_model("academics", name)


class SchoolOwnedQuerySet(models.QuerySet[Any]):
    """Reference data that everybody of a school may see."""

    def visible_to(self, user: User) -> Self:
        if user.role == Role.SUPERUSER:
            return self
        return self.filter(school_id=user.school_id)


class StudentQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """Office: the school; faculty: sections they teach or head, and the department they head; student: self."""
        if user.role == Role.SUPERUSER:
            return self
        if user.role in {Role.ADMIN, Role.INTEGRATOR}:
            return self.filter(school_id=user.school_id)
        if user.role == Role.FACULTY:
            return self.filter(school_id=user.school_id).filter(
                Q(pk__in=_students_taught_by(user)) | Q(department__head__user=user)
            )
        return self.filter(user=user)


def _students_taught_by(user: User) -> models.QuerySet[Any, Any]:
    sections = _model("Section").objects.visible_to(user)
    return _model("Enrollment").objects.filter(section__in=sections).values("student")


def _sections_of(user: User) -> models.QuerySet[Any, Any]:
    return _model("Section").objects.filter(taught_by(user)).values("pk")


def taught_by(user: User) -> Q:
    """Sections in the charge of this faculty user. Attendance adds those of their timetable."""
    return Q(faculty__user=user) | Q(teachers__user=user)


class SectionQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        if user.role == Role.SUPERUSER:
            return self
        mine = self.filter(school_id=user.school_id)
        if user.role in {Role.ADMIN, Role.INTEGRATOR}:
            return mine
        if user.role == Role.FACULTY:
            return mine.filter(Q(pk__in=_sections_of(user)) | Q(course__department__head__user=user))
        return mine.filter(pk__in=_model("Enrollment").objects.filter(student__user=user).values("section"))


class EnrollmentQuerySet(models.QuerySet[Any]):
    def on(self, day: date) -> Self:
        """Memberships that count on that date: ``joined_on <= day < coalesce(left_on, infinity)``."""
        return self.filter(Q(left_on__isnull=True) | Q(left_on__gt=day), joined_on__lte=day)

    def visible_to(self, user: User) -> Self:
        if user.role == Role.STUDENT:
            return self.filter(student__user=user)
        return self.filter(section__in=_model("Section").objects.visible_to(user))
