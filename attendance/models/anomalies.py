"""Traces of scans that were refused, and what somebody has looked into and found to be fine."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from academics.models import Student
from accounts.models import School, User
from attendance.enums import AnomalyKind, RefusedCode
from attendance.models.sessions import Session
from attendance.querysets import OfficeQuerySet
from core.ids import uuid7


class RefusedScan(models.Model):
    """A scan that was refused in a way worth looking into: the first of each student, class and kind.

    So many as there are students at most, however often somebody tries. Nothing refers to it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    session = models.ForeignKey(
        Session,
        verbose_name=_("class session"),
        on_delete=models.PROTECT,
        related_name="refused_scans",
        db_index=False,
    )
    student = models.ForeignKey(
        Student, verbose_name=_("student"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    code = models.CharField(_("refusal"), max_length=20, choices=RefusedCode)
    at = models.DateTimeField(_("at"))
    device_key = models.CharField(_("device"), max_length=64, null=True, blank=True)  # noqa: DJ001 - as in the record
    location = models.JSONField(_("location"), null=True, blank=True)

    objects = OfficeQuerySet.as_manager()

    class Meta:
        db_table = "attendance_refused_scan"
        verbose_name = _("refused scan")
        verbose_name_plural = _("refused scans")
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["session", "student", "code"], name="refused_scan_once"),
            models.CheckConstraint(condition=Q(code__in=RefusedCode.values), name="refused_scan_code_known"),
        ]
        indexes = [models.Index(fields=["school", "-at"], name="refused_scan_by_school")]

    def __str__(self) -> str:
        return f"{self.session_id} {self.student_id} {self.code}"


class AnomalyDismissal(models.Model):
    """Somebody looked at an anomaly and found it fine; taken back, it is listed again. It goes with its class.

    It speaks of the students who were in it then: should another one turn up, it is listed again by itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=20, choices=AnomalyKind)
    #: What it is about, within its kind: a device, a class, a student and two classes.
    subject = models.CharField(_("subject"), max_length=120)
    students = ArrayField(models.BigIntegerField(), verbose_name=_("students"))
    #: The latest class concerned: whoever runs it may take the dismissal back.
    session = models.ForeignKey(
        Session, verbose_name=_("class session"), on_delete=models.CASCADE, related_name="+"
    )
    remark = models.CharField(_("remark"), max_length=500, blank=True, default="")
    dismissed_by = models.ForeignKey(
        User,
        verbose_name=_("dismissed by"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    dismissed_at = models.DateTimeField(_("dismissed at"))
    undone_by = models.ForeignKey(
        User,
        verbose_name=_("taken back by"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    undone_at = models.DateTimeField(_("taken back at"), null=True)

    objects = OfficeQuerySet.as_manager()

    class Meta:
        db_table = "attendance_anomaly_dismissal"
        verbose_name = _("dismissed anomaly")
        verbose_name_plural = _("dismissed anomalies")
        ordering = ["-dismissed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["school", "kind", "subject"],
                condition=Q(undone_at__isnull=True),
                name="anomaly_dismissed_once",
            ),
            models.CheckConstraint(condition=Q(kind__in=AnomalyKind.values), name="anomaly_kind_known"),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by__isnull=True)
                | Q(undone_at__isnull=False, undone_by__isnull=False),
                name="anomaly_undone_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
