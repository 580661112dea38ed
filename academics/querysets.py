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
    """Reference data that everybody of a school may see, and operators in every school."""

    def visible_to(self, user: User) -> Self:
        if user.role == Role.SUPERUSER:
            return self
        return self.filter(school_id=user.school_id)


class ReachQuerySet(SchoolOwnedQuerySet):
    """What the office and integrators see of their whole school, and others as far as they reach."""

    def visible_to(self, user: User) -> Self:
        mine = super().visible_to(user)
        everything = user.role in {Role.SUPERUSER, Role.ADMIN, Role.INTEGRATOR}
        return mine if everything else mine.within_reach(user)

    def within_reach(self, user: User) -> Self:
        """What faculty and students see among the rows of their school."""
        raise NotImplementedError


class StudentQuerySet(ReachQuerySet):
    def within_reach(self, user: User) -> Self:
        """Faculty: sections they teach or head, and the department they head; student: self."""
        if user.role == Role.FACULTY:
            return self.filter(Q(pk__in=_students_taught_by(user)) | Q(department__head__user=user))
        return self.filter(user=user)


def _students_taught_by(user: User) -> models.QuerySet[Any, Any]:
    sections = _model("Section").objects.visible_to(user)
    return _model("Enrollment").objects.filter(section__in=sections).values("student")


def _sections_of(user: User) -> models.QuerySet[Any, Any]:
    return _model("Section").objects.filter(taught_by(user)).values("pk")


def taught_by(user: User) -> Q:
    """Sections in the charge of this faculty user. Attendance adds those of their timetable."""
    return Q(faculty__user=user) | Q(teachers__user=user)


class SectionQuerySet(ReachQuerySet):
    def within_reach(self, user: User) -> Self:
        if user.role == Role.FACULTY:
            return self.filter(Q(pk__in=_sections_of(user)) | Q(course__department__head__user=user))
        return self.filter(pk__in=_model("Enrollment").objects.filter(student__user=user).values("section"))


class EnrollmentQuerySet(models.QuerySet[Any]):
    def on(self, day: date) -> Self:
        """Memberships that count on that date: ``joined_on <= day < coalesce(left_on, infinity)``."""
        return self.filter(Q(left_on__isnull=True) | Q(left_on__gt=day), joined_on__lte=day)

    def visible_to(self, user: User) -> Self:
        if user.role == Role.STUDENT:
            return self.filter(student__user=user)
        return self.filter(section__in=_model("Section").objects.visible_to(user))
