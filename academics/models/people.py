"""Students and faculty. What is known of a student stands here, once."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from academics.models.structure import Cohort, Department, Programme
from academics.querysets import SchoolOwnedQuerySet, StudentQuerySet
from accounts.models import School, User
from core.fields import EncryptedDateField, EncryptedTextField


class Faculty(models.Model):
    user = models.OneToOneField(
        User, verbose_name=_("user"), on_delete=models.PROTECT, related_name="faculty"
    )
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    employee_no = models.CharField(_("employee number"), max_length=30)
    department = models.ForeignKey(
        Department, verbose_name=_("department"), on_delete=models.PROTECT, null=True, blank=True
    )
    designation = models.CharField(_("designation"), max_length=80, blank=True)

    objects = SchoolOwnedQuerySet.as_manager()

    class Meta:
        db_table = "academics_faculty"
        verbose_name = _("faculty member")
        verbose_name_plural = _("faculty")
        ordering = ["employee_no"]
        constraints = [
            models.UniqueConstraint(fields=["school", "employee_no"], name="faculty_employee_no_once"),
            models.CheckConstraint(
                condition=Q(employee_no=Upper(F("employee_no"))), name="faculty_employee_no_upper"
            ),
        ]

    def __str__(self) -> str:
        return self.user.full_name or self.employee_no


class StudentSnapshot(models.Model):
    """What a student *was* when something was recorded.

    Content-addressed: one row per distinct state, shared by all records that saw it. Never changed, except by
    erasure, which pseudonymises it in place.
    """

    # The table belongs to attendance by name; the row is made wherever the student changes, so it lives here.
    id = models.BigAutoField(primary_key=True)
    student = models.ForeignKey(
        "academics.Student", verbose_name=_("student"), on_delete=models.PROTECT, related_name="snapshots"
    )
    name = models.CharField(_("name"), max_length=150)
    enrollment_no = models.CharField(_("enrollment number"), max_length=30)
    department_code = models.CharField(_("department"), max_length=20, blank=True)
    cohort_code = models.CharField(_("cohort"), max_length=40, blank=True)
    digest = models.CharField(_("digest"), max_length=64)
    created_at = models.DateTimeField(_("first seen"))

    class Meta:
        db_table = "attendance_student_snapshot"
        verbose_name = _("student snapshot")
        verbose_name_plural = _("student snapshots")
        constraints = [models.UniqueConstraint(fields=["student", "digest"], name="snapshot_once")]

    def __str__(self) -> str:
        return f"{self.enrollment_no} {self.name}"


class Student(models.Model):
    """A student. `enrollment_no` is the key by which everything about one can be looked up; never reused."""

    user = models.OneToOneField(
        User, verbose_name=_("user"), on_delete=models.PROTECT, related_name="student"
    )
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    enrollment_no = models.CharField(_("enrollment number"), max_length=30)
    department = models.ForeignKey(
        Department, verbose_name=_("department"), on_delete=models.PROTECT, null=True, blank=True
    )
    programme = models.ForeignKey(
        Programme, verbose_name=_("programme"), on_delete=models.PROTECT, null=True, blank=True
    )
    study_year = models.PositiveSmallIntegerField(_("year of study"), null=True, blank=True)
    cohort = models.ForeignKey(
        Cohort,
        verbose_name=_("cohort"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="students",
    )
    current_snapshot = models.ForeignKey(
        StudentSnapshot, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    date_of_birth = EncryptedDateField(_("date of birth"), null=True, blank=True)
    guardian_contact = EncryptedTextField(_("guardian contact"), max_length=200, null=True, blank=True)

    objects = StudentQuerySet.as_manager()

    class Meta:
        db_table = "academics_student"
        verbose_name = _("student")
        verbose_name_plural = _("students")
        ordering = ["enrollment_no"]
        constraints = [
            models.UniqueConstraint(fields=["school", "enrollment_no"], name="student_enrollment_no_once"),
            models.CheckConstraint(
                condition=Q(enrollment_no=Upper(F("enrollment_no"))), name="student_enrollment_no_upper"
            ),
            models.CheckConstraint(
                condition=Q(study_year__isnull=True) | Q(study_year__range=(1, 10)),
                name="student_study_year_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrollment_no} {self.user.full_name}"
