"""Legal holds, and the marks of retired years that stay because of one."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from academics.models import Section, Student, StudentSnapshot
from academics.querysets import SchoolOwnedQuerySet
from accounts.models import School, User
from attendance.enums import Source, Status
from attendance.models.records import AttendanceRecord
from attendance.models.requests import LeaveApplication
from attendance.models.sessions import Session
from attendance.querysets import HoldQuerySet
from audit.models import RetentionRun
from core.ids import uuid7


class LegalHold(models.Model):
    """Keeps what is stored about one student, or the whole school, beyond its time: until it is lifted.

    `from_date` and `until_date` bound the days of class that it covers; empty is open-ended.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    student = models.ForeignKey(
        Student,
        verbose_name=_("student"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Empty for everybody of the school."),
    )
    reason = models.CharField(_("reason"), max_length=500)
    from_date = models.DateField(_("classes from"), null=True, blank=True)
    until_date = models.DateField(_("classes until"), null=True, blank=True)
    placed_by = models.ForeignKey(
        User,
        verbose_name=_("placed by"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        editable=False,
    )
    placed_at = models.DateTimeField(_("placed at"), editable=False)
    lifted_by = models.ForeignKey(
        User,
        verbose_name=_("lifted by"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        editable=False,
    )
    lifted_at = models.DateTimeField(_("lifted at"), null=True, editable=False)

    objects = HoldQuerySet.as_manager()

    class Meta:
        db_table = "attendance_legal_hold"
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        ordering = ["-placed_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(until_date__gte=F("from_date"))
                | Q(from_date__isnull=True)
                | Q(until_date__isnull=True),
                name="hold_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.student or self.school}: {self.reason}"

    def clean(self) -> None:
        if None not in (self.from_date, self.until_date) and self.until_date < self.from_date:  # type: ignore[operator] # neither is None
            raise ValidationError({"until_date": _("The last day lies before the first.")})


class HeldRecord(models.Model):
    """A mark of a retired year under legal hold: the columns of `AttendanceRecord`, and the run that moved it.

    Nobody changes it; retention takes it away when no hold covers it any more.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    held_on = models.DateField(_("date"))
    session = models.ForeignKey(
        Session, verbose_name=_("session"), on_delete=models.PROTECT, related_name="+"
    )
    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    section = models.ForeignKey(
        Section, verbose_name=_("section"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    student = models.ForeignKey(
        Student, verbose_name=_("student"), on_delete=models.PROTECT, related_name="+"
    )
    snapshot = models.ForeignKey(
        StudentSnapshot,
        verbose_name=_("snapshot"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    status = models.CharField(_("status"), max_length=8, choices=Status)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    offline = models.BooleanField(_("captured offline"))
    marked_at = models.DateTimeField(_("marked at"))
    checked_out_at = models.DateTimeField(_("checked out at"), null=True)
    marked_by = models.ForeignKey(
        User,
        verbose_name=_("marked by"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    device_key = models.CharField(_("device"), max_length=64, null=True)  # noqa: DJ001 - as in the record
    location = models.JSONField(_("location"), null=True)
    remarks = models.CharField(_("remarks"), max_length=500)
    leave = models.ForeignKey(
        LeaveApplication,
        verbose_name=_("leave"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    metadata = models.JSONField(_("details"))
    run = models.ForeignKey(
        RetentionRun, verbose_name=_("retention run"), on_delete=models.PROTECT, related_name="+"
    )

    objects = SchoolOwnedQuerySet.as_manager()

    class Meta:
        db_table = "attendance_record_held"
        verbose_name = _("record under legal hold")
        verbose_name_plural = _("records under legal hold")
        ordering = ["-held_on", "-id"]
        indexes = [models.Index(fields=["school", "held_on"], name="held_record_by_school")]

    def __str__(self) -> str:
        return f"{self.held_on} {self.student_id} {self.status}"


#: What is copied from a record, by column, in one order for both tables.
RECORD_COLUMNS = [str(field.column) for field in AttendanceRecord._meta.concrete_fields]
