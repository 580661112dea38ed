"""Marks, the figures kept from them, and tickets that were used."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from academics.models import Course, Section, Student, StudentSnapshot, Term
from accounts.models import School, User
from attendance.enums import Source, Status
from attendance.models.sessions import Session
from attendance.querysets import RecordQuerySet, StatisticsQuerySet
from core.ids import uuid7
from core.partitions import Partitioned


class AttendanceRecord(Partitioned):
    """What one student was in one session. Partitioned by year of `held_on`.

    ``(session, held_on)`` refers to the session by a composite key made in the migration, so `held_on` cannot
    drift; that is why the foreign key of the field itself has no constraint of its own. Nothing refers to a
    record: say (session, student).
    """

    partition_column: ClassVar[str] = "held_on"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    held_on = models.DateField(_("date"))
    session = models.ForeignKey(
        Session,
        verbose_name=_("session"),
        on_delete=models.PROTECT,
        related_name="records",
        db_constraint=False,
        db_index=False,
    )
    # The session's school again, for the registrar's lists; the session vouches for it.
    school = models.ForeignKey(
        School,
        verbose_name=_("school"),
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    section = models.ForeignKey(
        Section, verbose_name=_("section"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    student = models.ForeignKey(
        Student, verbose_name=_("student"), on_delete=models.PROTECT, related_name="records", db_index=False
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
    offline = models.BooleanField(_("captured offline"), default=False, db_default=False)
    marked_at = models.DateTimeField(_("marked at"))
    checked_out_at = models.DateTimeField(_("checked out at"), null=True, blank=True)
    marked_by = models.ForeignKey(
        User,
        verbose_name=_("marked by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    device_key = models.CharField(_("device"), max_length=64, null=True, blank=True)  # noqa: DJ001 - null is "no device" in the unique index
    location = models.JSONField(_("location"), null=True, blank=True)
    remarks = models.CharField(_("remarks"), max_length=500, blank=True, default="", db_default="")
    #: The leave that made it what it is; none once anybody or anything else changed it.
    leave = models.ForeignKey(
        "attendance.LeaveApplication",
        verbose_name=_("leave"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="records",
        db_index=False,
    )
    metadata = models.JSONField(_("details"), default=dict, db_default={}, blank=True)

    objects = RecordQuerySet.as_manager()

    class Meta:
        db_table = "attendance_record"
        verbose_name = _("attendance record")
        verbose_name_plural = _("attendance records")
        constraints = [
            models.UniqueConstraint(fields=["session", "student", "held_on"], name="record_session_student"),
            models.UniqueConstraint(
                fields=["session", "held_on", "device_key"],
                condition=Q(device_key__isnull=False),
                name="record_one_device",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="record_status_known"),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="record_source_known"),
        ]
        indexes = [
            # Everything a student's own figures and history need, without touching the table.
            models.Index(
                fields=["student", "held_on"],
                include=["status", "session", "section"],
                name="record_by_student",
            ),
            models.Index(fields=["leave"], condition=Q(leave__isnull=False), name="record_by_leave"),
        ]

    def __str__(self) -> str:
        return f"{self.held_on} {self.student_id} {self.status}"


class AttendanceStatistics(models.Model):
    """A student's figures in a course and term, all sections pooled, so that a transfer does not split them.

    Kept by `services.statistics` in the transaction of whatever changes a counted record.
    """

    student = models.ForeignKey(
        Student,
        verbose_name=_("student"),
        on_delete=models.PROTECT,
        related_name="statistics",
        db_index=False,
    )
    course = models.ForeignKey(Course, verbose_name=_("course"), on_delete=models.PROTECT, related_name="+")
    term = models.ForeignKey(Term, verbose_name=_("term"), on_delete=models.PROTECT, related_name="+")
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    held = models.PositiveIntegerField(_("held"), default=0, db_default=0)
    present = models.PositiveIntegerField(_("present"), default=0, db_default=0)
    late = models.PositiveIntegerField(_("late"), default=0, db_default=0)
    absent = models.PositiveIntegerField(_("absent"), default=0, db_default=0)
    excused = models.PositiveIntegerField(_("excused"), default=0, db_default=0)
    percentage = models.DecimalField(_("percentage"), max_digits=5, decimal_places=2, null=True, blank=True)
    updated_at = models.DateTimeField(_("updated at"))

    objects = StatisticsQuerySet.as_manager()

    class Meta:
        db_table = "attendance_statistics"
        verbose_name = _("attendance statistics")
        verbose_name_plural = _("attendance statistics")
        constraints = [
            models.UniqueConstraint(fields=["student", "term", "course"], name="statistics_once"),
            models.CheckConstraint(
                condition=Q(
                    held=models.F("present") + models.F("late") + models.F("absent") + models.F("excused")
                ),
                name="statistics_add_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.student_id} {self.course_id} {self.percentage}"


class ScanTicketUse(models.Model):
    """The nonce of a scan ticket that was redeemed: kept in PostgreSQL, so that once means once."""

    nonce = models.UUIDField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    used_at = models.DateTimeField()

    class Meta:
        db_table = "attendance_scan_ticket_use"
        verbose_name = _("used scan ticket")
        verbose_name_plural = _("used scan tickets")
        indexes = [models.Index(fields=["used_at"], name="scan_ticket_age")]

    def __str__(self) -> str:
        return str(self.nonce)


class SummaryRefresh(models.Model):
    """How old a materialized view is: it holds what was committed at `as_of`. No row: it was never filled."""

    DAILY: ClassVar[str] = "attendance_daily_summary"

    view = models.CharField(primary_key=True, max_length=63)
    as_of = models.DateTimeField()

    class Meta:
        db_table = "attendance_summary_refresh"
        verbose_name = _("refresh of a summary")
        verbose_name_plural = _("refreshes of summaries")

    def __str__(self) -> str:
        return f"{self.view} {self.as_of}"
