"""Who sits in a section, from when to when."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from academics.models.people import Student
from academics.models.structure import Section
from academics.querysets import EnrollmentQuerySet


class Enrollment(models.Model):
    """Membership of a section: counts on day d when ``joined_on <= d < coalesce(left_on, infinity)``."""

    student = models.ForeignKey(
        Student, verbose_name=_("student"), on_delete=models.PROTECT, related_name="enrollments"
    )
    section = models.ForeignKey(
        Section, verbose_name=_("section"), on_delete=models.PROTECT, related_name="enrollments"
    )
    joined_on = models.DateField(_("joined on"))
    left_on = models.DateField(
        _("left on"), null=True, blank=True, help_text=_("The first day that no longer counts.")
    )

    objects = EnrollmentQuerySet.as_manager()

    class Meta:
        db_table = "academics_enrollment"
        verbose_name = _("enrollment")
        verbose_name_plural = _("enrollments")
        constraints = [
            models.CheckConstraint(
                condition=Q(left_on__isnull=True) | Q(left_on__gte=F("joined_on")),
                name="enrollment_dates_in_order",
            ),
            ExclusionConstraint(
                name="enrollment_no_overlap",
                expressions=[
                    ("student", RangeOperators.EQUAL),
                    ("section", RangeOperators.EQUAL),
                    (
                        Func(
                            F("joined_on"), F("left_on"), function="daterange", output_field=DateRangeField()
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]
        indexes = [
            models.Index(fields=["section", "student", "joined_on", "left_on"], name="enrollment_roster")
        ]

    def __str__(self) -> str:
        return f"{self.student_id} in {self.section_id}"
