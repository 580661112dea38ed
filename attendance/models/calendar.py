"""The weekly timetable and the days without classes."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from academics.models import Department, Faculty, Room, Section
from academics.models.structure import date_range
from academics.querysets import SchoolOwnedQuerySet
from accounts.models import School
from attendance.enums import HolidayKind, Weekday
from attendance.querysets import SlotQuerySet
from core.ids import uuid7


class WeekMinutes(Func):
    """``week_minutes(weekday, starts, ends)``: an int4multirange of minutes since Monday 00:00, wrapping Sunday."""

    function = "week_minutes"
    output_field: models.Field[Any, Any] = (
        models.TextField()
    )  # Django has no multirange; only compared, never read


class Holiday(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="holidays"
    )
    date = models.DateField(_("date"))
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=HolidayKind, default=HolidayKind.PUBLIC)
    department = models.ForeignKey(
        Department,
        verbose_name=_("only for department"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    objects = SchoolOwnedQuerySet.as_manager()

    class Meta:
        db_table = "attendance_holiday"
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering = ["date"]
        constraints = [
            models.UniqueConstraint(
                fields=["school", "date", "department"], nulls_distinct=False, name="holiday_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.name}"


class TimetableSlot(models.Model):
    """One weekly class, in the school's wall-clock time; an end before the start is on the next day."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    sections = models.ManyToManyField(Section, verbose_name=_("sections"), related_name="slots")
    faculty = models.ManyToManyField(Faculty, verbose_name=_("faculty"), related_name="slots")
    room = models.ForeignKey(
        Room, verbose_name=_("room"), on_delete=models.PROTECT, null=True, blank=True, related_name="slots"
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday)
    starts = models.TimeField(_("start"))
    ends = models.TimeField(_("end"))
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"))
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)

    objects = SlotQuerySet.as_manager()

    class Meta:
        db_table = "attendance_timetable_slot"
        verbose_name = _("timetable slot")
        verbose_name_plural = _("timetable slots")
        ordering = ["weekday", "starts"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__range=(1, 7)), name="slot_weekday"),
            models.CheckConstraint(condition=~Q(starts=F("ends")), name="slot_has_length"),
            models.CheckConstraint(condition=Q(valid_until__gte=F("valid_from")), name="slot_dates_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.starts:%H:%M}–{self.ends:%H:%M}"

    def clean(self) -> None:
        # A field that did not validate is None here, whatever its type says.
        if None not in (self.valid_from, self.valid_until) and self.valid_until < self.valid_from:
            raise ValidationError({"valid_until": _("The last day lies before the first.")})
        if self.starts == self.ends and None not in (self.starts, self.ends):
            raise ValidationError({"ends": _("A class cannot end when it starts.")})


class SlotException(models.Model):
    """A single date on which a slot is skipped."""

    slot = models.ForeignKey(
        TimetableSlot, verbose_name=_("slot"), on_delete=models.CASCADE, related_name="exceptions"
    )
    date = models.DateField(_("date"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        db_table = "attendance_slot_exception"
        verbose_name = _("skipped date")
        verbose_name_plural = _("skipped dates")
        constraints = [models.UniqueConstraint(fields=["slot", "date"], name="slot_exception_once")]

    def __str__(self) -> str:
        return f"{self.date}"


class SlotOccupancy(models.Model):
    """What one slot takes of one resource (``faculty:12``, ``room:3``, ``cohort:5``, ``section:<id>``).

    Written by `services.timetable` alone, under the school's advisory lock; the exclusion constraint makes a
    clash impossible whoever writes.
    """

    slot = models.ForeignKey(TimetableSlot, on_delete=models.CASCADE, related_name="occupancies")
    school = models.ForeignKey(School, on_delete=models.PROTECT, related_name="+")
    resource = models.CharField(max_length=60)
    weekday = models.PositiveSmallIntegerField()
    starts = models.TimeField()
    ends = models.TimeField()
    valid_from = models.DateField()
    valid_until = models.DateField()

    class Meta:
        db_table = "attendance_slot_occupancy"
        verbose_name = _("slot occupancy")
        verbose_name_plural = _("slot occupancies")
        constraints = [
            models.UniqueConstraint(fields=["slot", "resource"], name="slot_occupancy_once"),
            ExclusionConstraint(
                name="slot_no_clash",
                expressions=[
                    ("resource", RangeOperators.EQUAL),
                    (WeekMinutes("weekday", "starts", "ends"), RangeOperators.OVERLAPS),
                    (date_range("valid_from", "valid_until"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.resource
