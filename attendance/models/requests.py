"""What students ask for: leave, the correction of a mark, condonation at the end of a term."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from academics.models import Course, Student, Term
from academics.models.structure import date_range
from accounts.models import School, User
from attendance.enums import CondonationStatus, CorrectionStatus, LeaveKind, LeaveStatus, Status
from attendance.models.sessions import Session
from attendance.querysets import CondonationQuerySet, CorrectionQuerySet, LeaveQuerySet
from core.fields import EncryptedTextField
from core.ids import uuid7


def evidence_path(instance: Any, filename: str) -> str:
    """Where an uploaded file lies: nothing of its name or its owner can be read from the path."""
    return f"evidence/{instance.school_id}/{uuid7().hex}"


class Evidence(models.Model):
    """Mixin of requests that may carry one uploaded file.

    The file is kept under a random name and handed out as a download alone; its name and type (checked by its
    content, `attendance.services.evidence`) stand beside it.
    """

    file = models.FileField(_("file"), upload_to=evidence_path, blank=True)
    file_name = models.CharField(_("name of the file"), max_length=150, blank=True)
    file_type = models.CharField(_("type of the file"), max_length=50, blank=True)

    class Meta:
        abstract = True


class LeaveApplication(Evidence):
    """A student's leave: whole days, or some of the classes of one day.

    What it does to marks is decided in one place, `attendance.services.leave_effect`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    student = models.ForeignKey(
        Student, verbose_name=_("student"), on_delete=models.PROTECT, related_name="leaves", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=10, choices=LeaveKind)
    from_date = models.DateField(_("from"))
    to_date = models.DateField(_("to"))
    #: Only the classes in `sessions`, all of them on one day.
    partial = models.BooleanField(_("only some classes"), default=False)
    reason = EncryptedTextField(_("reason"), max_length=1000)
    status = models.CharField(_("status"), max_length=10, choices=LeaveStatus, default=LeaveStatus.PENDING)
    applied_at = models.DateTimeField(_("applied at"))
    applied_by = models.ForeignKey(
        User, verbose_name=_("applied by"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reviewer = models.ForeignKey(
        User,
        verbose_name=_("reviewer"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)
    remarks = models.CharField(_("remarks"), max_length=500, blank=True)

    objects = LeaveQuerySet.as_manager()

    class Meta:
        db_table = "attendance_leave_application"
        verbose_name = _("leave application")
        verbose_name_plural = _("leave applications")
        ordering = ["-applied_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=LeaveStatus.values), name="leave_status_known"),
            models.CheckConstraint(condition=Q(kind__in=LeaveKind.values), name="leave_kind_known"),
            models.CheckConstraint(condition=Q(to_date__gte=F("from_date")), name="leave_dates_in_order"),
            models.CheckConstraint(
                condition=Q(partial=False) | Q(from_date=F("to_date")), name="leave_of_classes_is_one_day"
            ),
            ExclusionConstraint(
                name="leave_no_overlap",
                expressions=[
                    ("student", RangeOperators.EQUAL),
                    (date_range("from_date", "to_date"), RangeOperators.OVERLAPS),
                ],
                condition=Q(status__in=LeaveStatus.standing(), partial=False),
            ),
        ]
        indexes = [
            models.Index(fields=["student", "from_date"], name="leave_by_student"),
            models.Index(
                fields=["school", "applied_at"],
                condition=Q(status=LeaveStatus.PENDING),
                name="leave_to_review",
            ),
            models.Index(
                fields=["school", "-reviewed_at"],
                condition=Q(reviewed_at__isnull=False),
                name="leave_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.from_date}–{self.to_date}"


class LeaveSession(models.Model):
    """A class that a leave of single classes is for. `standing` follows the leave's status."""

    leave = models.ForeignKey(LeaveApplication, on_delete=models.CASCADE, related_name="classes")
    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="+", db_index=False)
    student = models.ForeignKey(Student, on_delete=models.PROTECT, related_name="+", db_index=False)
    standing = models.BooleanField(default=True)

    class Meta:
        db_table = "attendance_leave_session"
        verbose_name = _("class of a leave")
        verbose_name_plural = _("classes of a leave")
        constraints = [
            models.UniqueConstraint(fields=["leave", "session"], name="leave_session_once"),
            models.UniqueConstraint(
                fields=["session", "student"], condition=Q(standing=True), name="leave_one_per_class"
            ),
        ]

    def __str__(self) -> str:
        return str(self.session_id)


class CorrectionRequest(Evidence):
    """A student says that a mark is wrong. Refers to it by (session, student), as everything does."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(
        Session, verbose_name=_("class session"), on_delete=models.PROTECT, related_name="corrections"
    )
    student = models.ForeignKey(
        Student, verbose_name=_("student"), on_delete=models.PROTECT, related_name="corrections"
    )
    old_status = models.CharField(_("mark"), max_length=8, choices=Status, blank=True)
    requested_status = models.CharField(_("asked for"), max_length=8, choices=Status)
    reason = EncryptedTextField(_("reason"), max_length=1000)
    status = models.CharField(
        _("status"), max_length=10, choices=CorrectionStatus, default=CorrectionStatus.PENDING
    )
    requested_at = models.DateTimeField(_("requested at"))
    requested_by = models.ForeignKey(
        User, verbose_name=_("requested by"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reviewer = models.ForeignKey(
        User,
        verbose_name=_("reviewer"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)
    remarks = models.CharField(_("remarks"), max_length=500, blank=True)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        db_table = "attendance_correction_request"
        verbose_name = _("correction request")
        verbose_name_plural = _("correction requests")
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=CorrectionStatus.values), name="correction_status_known"
            ),
            models.CheckConstraint(
                condition=Q(requested_status__in=Status.values), name="correction_mark_known"
            ),
            models.CheckConstraint(
                condition=~Q(reviewer=F("requested_by")), name="correction_reviewed_by_another"
            ),
            models.UniqueConstraint(
                fields=["session", "student"],
                condition=Q(status=CorrectionStatus.PENDING),
                name="correction_one_open",
            ),
        ]
        indexes = [
            models.Index(
                fields=["school", "requested_at"],
                condition=Q(status=CorrectionStatus.PENDING),
                name="correction_to_review",
            ),
            models.Index(
                fields=["school", "-reviewed_at"],
                condition=Q(reviewed_at__isnull=False),
                name="correction_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.old_status} → {self.requested_status}"


class CondonationRequest(Evidence):
    """A student between floor and threshold asks to sit the examination all the same; no percentage changes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    student = models.ForeignKey(
        Student, verbose_name=_("student"), on_delete=models.PROTECT, related_name="condonations"
    )
    course = models.ForeignKey(Course, verbose_name=_("course"), on_delete=models.PROTECT, related_name="+")
    term = models.ForeignKey(Term, verbose_name=_("term"), on_delete=models.PROTECT, related_name="+")
    #: As it was when the student asked.
    percentage = models.DecimalField(_("percentage"), max_digits=5, decimal_places=2)
    reason = EncryptedTextField(_("reason"), max_length=1000)
    fee_reference = models.CharField(_("fee reference"), max_length=60, blank=True)
    status = models.CharField(
        _("status"), max_length=12, choices=CondonationStatus, default=CondonationStatus.PENDING
    )
    requested_at = models.DateTimeField(_("requested at"))
    requested_by = models.ForeignKey(
        User, verbose_name=_("requested by"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    recommended_by = models.ForeignKey(
        User,
        verbose_name=_("recommended by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    recommended_at = models.DateTimeField(_("recommended at"), null=True, blank=True)
    #: What the head of department said; `remarks` are the last word, which may be the same.
    recommendation = models.CharField(_("recommendation"), max_length=500, blank=True, default="")
    reviewer = models.ForeignKey(
        User,
        verbose_name=_("decided by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    reviewed_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    remarks = models.CharField(_("remarks"), max_length=500, blank=True)

    objects = CondonationQuerySet.as_manager()

    class Meta:
        db_table = "attendance_condonation_request"
        verbose_name = _("condonation request")
        verbose_name_plural = _("condonation requests")
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=CondonationStatus.values), name="condonation_status_known"
            ),
            models.UniqueConstraint(
                fields=["student", "course", "term"],
                condition=Q(status__in=CondonationStatus.standing()),
                name="condonation_once",
            ),
            models.CheckConstraint(
                condition=~Q(reviewer=F("requested_by")), name="condonation_decided_by_another"
            ),
            models.CheckConstraint(
                condition=~Q(recommended_by=F("requested_by")), name="condonation_recommended_by_another"
            ),
        ]
        indexes = [
            models.Index(
                fields=["school", "requested_at"],
                condition=Q(status__in=CondonationStatus.undecided()),
                name="condonation_to_review",
            ),
            models.Index(
                fields=["school", "-reviewed_at"],
                condition=Q(reviewed_at__isnull=False),
                name="condonation_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.student_id} {self.course_id} {self.percentage}"
