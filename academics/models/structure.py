"""Departments, terms, rooms, courses, cohorts and the sections that bring them together."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from academics.querysets import SchoolOwnedQuerySet, SectionQuerySet
from accounts.models import School
from core.ids import uuid7


def date_range(start: str, end: str) -> Func:
    """``daterange(start, end, '[]')``: both days belong to it; an empty end is for ever."""
    from django.contrib.postgres.fields import DateRangeField

    bounds = RangeBoundary(inclusive_lower=True, inclusive_upper=True)
    return Func(F(start), F(end), bounds, function="daterange", output_field=DateRangeField())


class Department(models.Model):
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=150)
    head = models.ForeignKey(
        "academics.Faculty",
        verbose_name=_("head"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="heads",
    )

    objects = SchoolOwnedQuerySet.as_manager()

    class Meta:
        db_table = "academics_department"
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["code"]
        constraints = [models.UniqueConstraint("school", Upper("code"), name="department_code_once")]

    def __str__(self) -> str:
        return self.code


class Programme(models.Model):
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    name = models.CharField(_("name"), max_length=150)
    department = models.ForeignKey(
        Department, verbose_name=_("department"), on_delete=models.PROTECT, null=True, blank=True
    )

    objects = SchoolOwnedQuerySet.as_manager()

    class Meta:
        db_table = "academics_programme"
        verbose_name = _("programme")
        verbose_name_plural = _("programmes")
        ordering = ["name"]
        constraints = [models.UniqueConstraint("school", Upper("name"), name="programme_name_once")]

    def __str__(self) -> str:
        return self.name


class Term(models.Model):
    """A teaching period; terms of one school never overlap."""

    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="terms"
    )
    name = models.CharField(_("name"), max_length=100)
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))

    objects = SchoolOwnedQuerySet.as_manager()

    class Meta:
        db_table = "academics_term"
        verbose_name = _("term")
        verbose_name_plural = _("terms")
        ordering = ["-starts_on"]
        constraints = [
            models.UniqueConstraint("school", Upper("name"), name="term_name_once"),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="term_dates_in_order"),
            ExclusionConstraint(
                name="term_no_overlap",
                expressions=[
                    ("school", RangeOperators.EQUAL),
                    (date_range("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        # A reversed range would reach PostgreSQL as a bare data error. A field that did not validate is None.
        if None not in (self.starts_on, self.ends_on) and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": _("The last day lies before the first.")})


class Room(models.Model):
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    code = models.CharField(_("code"), max_length=30)
    building = models.CharField(_("building"), max_length=100, blank=True)
    capacity = models.PositiveIntegerField(_("capacity"), null=True, blank=True)
    latitude = models.FloatField(
        _("latitude"), null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)]
    )
    longitude = models.FloatField(
        _("longitude"), null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)]
    )
    geofence_radius_m = models.PositiveIntegerField(
        _("radius in metres"), null=True, blank=True, help_text=_("Wins over the school's configured radius.")
    )

    objects = SchoolOwnedQuerySet.as_manager()

    class Meta:
        db_table = "academics_room"
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint("school", Upper("code"), name="room_code_once"),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
                name="room_whole_position",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Course(models.Model):
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    code = models.CharField(_("code"), max_length=30)
    title = models.CharField(_("title"), max_length=200)
    credits = models.DecimalField(_("credits"), max_digits=4, decimal_places=1, default=0)
    department = models.ForeignKey(
        Department, verbose_name=_("department"), on_delete=models.PROTECT, null=True, blank=True
    )

    objects = SchoolOwnedQuerySet.as_manager()

    class Meta:
        db_table = "academics_course"
        verbose_name = _("course")
        verbose_name_plural = _("courses")
        ordering = ["code"]
        constraints = [models.UniqueConstraint("school", Upper("code"), name="course_code_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class Cohort(models.Model):
    """A class group such as CSE-A; a lab batch is a cohort with a parent."""

    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    code = models.CharField(_("code"), max_length=40)
    department = models.ForeignKey(
        Department, verbose_name=_("department"), on_delete=models.PROTECT, null=True, blank=True
    )
    parent = models.ForeignKey(
        "self",
        verbose_name=_("class group"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="batches",
    )

    objects = SchoolOwnedQuerySet.as_manager()

    class Meta:
        db_table = "academics_cohort"
        verbose_name = _("cohort")
        verbose_name_plural = _("cohorts")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint("school", Upper("code"), name="cohort_code_once"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="cohort_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return self.code


class Section(models.Model):
    """A course as taught to one cohort in one term, or an elective without a cohort."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    term = models.ForeignKey(Term, verbose_name=_("term"), on_delete=models.PROTECT, related_name="sections")
    course = models.ForeignKey(
        Course, verbose_name=_("course"), on_delete=models.PROTECT, related_name="sections"
    )
    cohort = models.ForeignKey(
        Cohort,
        verbose_name=_("cohort"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="sections",
    )
    name = models.CharField(
        _("name"), max_length=60, blank=True, help_text=_("Of an elective without cohort.")
    )
    faculty = models.ForeignKey(
        "academics.Faculty",
        verbose_name=_("faculty in charge"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="sections_in_charge",
    )
    teachers = models.ManyToManyField(
        "academics.Faculty",
        verbose_name=_("teachers"),
        blank=True,
        related_name="sections",
        help_text=_("Everybody who teaches it, by timetable or by hand."),
    )

    objects = SectionQuerySet.as_manager()

    class Meta:
        db_table = "academics_section"
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        ordering = ["course__code", "cohort__code", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["term", "course", "cohort"], condition=Q(cohort__isnull=False), name="section_once"
            ),
            models.UniqueConstraint(
                "term",
                "course",
                Upper("name"),
                condition=Q(cohort__isnull=True),
                name="section_elective_once",
            ),
            models.CheckConstraint(
                condition=Q(cohort__isnull=False) | ~Q(name=Value("")), name="section_has_a_name"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.course.title} · {self.group}"

    @property
    def group(self) -> str:
        """Who sits in it: the cohort's code, or the elective's own name."""
        return self.cohort.code if self.cohort else self.name
