"""Marks that a device made without network: what was uploaded, what became of it, and what people have to decide."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from academics.models import Student
from accounts.models import School, User
from attendance.enums import Keep, Source, Status, SyncCode, SyncOutcome
from attendance.models.sessions import Session
from attendance.querysets import SyncBatchQuerySet, SyncConflictQuerySet, SyncEntryQuerySet
from core.ids import uuid7


class SyncBatch(models.Model):
    """One upload that brought something new. Sent again after half of it was lost, a batch has several."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    by = models.ForeignKey(
        User, verbose_name=_("uploaded by"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    #: As the client calls it.
    batch_id = models.UUIDField(_("batch"))
    device_id = models.CharField(_("device"), max_length=200)
    #: What the clock of the device said when it sent this, and what ours said when it came.
    client_now = models.DateTimeField(_("time of the device"))
    received_at = models.DateTimeField(_("received at"))

    objects = SyncBatchQuerySet.as_manager()

    class Meta:
        db_table = "attendance_sync_batch"
        verbose_name = _("offline upload")
        verbose_name_plural = _("offline uploads")
        ordering = ["-received_at", "-id"]
        indexes = [
            models.Index(fields=["school", "received_at"], name="sync_batch_by_school"),
            models.Index(fields=["by", "batch_id"], name="sync_batch_as_told"),
        ]

    def __str__(self) -> str:
        return str(self.batch_id)

    @property
    def clock_offset(self) -> timedelta:
        """How far the clock of the device is ahead of ours; negative when it is behind."""
        return self.client_now - self.received_at


class SyncEntry(models.Model):
    """One mark of an upload, as it was told, and what became of it. It stays whatever becomes of the mark.

    `captured_at` is by our clock, `told_at` by the device's. `session_ref` is the class as it was told, `session`
    only a class of this school; `student_no` is the number as it was told, of whom is nobody's here.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    batch = models.ForeignKey(
        SyncBatch, verbose_name=_("offline upload"), on_delete=models.PROTECT, related_name="entries"
    )
    by = models.ForeignKey(
        User, verbose_name=_("marked by"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    client_id = models.UUIDField(_("id on the device"))
    session_ref = models.UUIDField(_("class as told"))
    session = models.ForeignKey(
        Session,
        verbose_name=_("class session"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    student = models.ForeignKey(
        Student,
        verbose_name=_("student"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    student_no = models.CharField(_("student as told"), max_length=30, blank=True)
    status = models.CharField(
        _("status"),
        max_length=8,
        choices=Status,
        blank=True,
        help_text=_("Empty: by hand that there is no mark, of others that the time says which."),
    )
    source = models.CharField(_("source"), max_length=10, choices=Source)
    told_at = models.DateTimeField(_("captured at, by the device"))
    captured_at = models.DateTimeField(_("captured at"))
    received_at = models.DateTimeField(_("received at"))
    outcome = models.CharField(_("outcome"), max_length=9, choices=SyncOutcome)
    code = models.CharField(_("reason"), max_length=24, choices=SyncCode, blank=True)

    objects = SyncEntryQuerySet.as_manager()

    class Meta:
        db_table = "attendance_sync_entry"
        verbose_name = _("offline mark")
        verbose_name_plural = _("offline marks")
        ordering = ["-received_at", "-id"]
        constraints = [
            # Of each person: nobody can take another's. What comes under a used id is kept beside the first.
            models.UniqueConstraint(
                fields=["by", "client_id"], condition=~Q(code=SyncCode.REUSED), name="sync_entry_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=SyncOutcome.values), name="sync_entry_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(outcome=SyncOutcome.REJECTED, code__in=SyncCode.values)
                | (~Q(outcome=SyncOutcome.REJECTED) & Q(code="")),
                name="sync_entry_refused_with_code",
            ),
            models.CheckConstraint(
                condition=Q(outcome=SyncOutcome.REJECTED) | Q(session__isnull=False, student__isnull=False),
                name="sync_entry_of_somebody",
            ),
            models.CheckConstraint(
                condition=Q(student__isnull=False, student_no="")
                | (Q(student__isnull=True) & ~Q(student_no="")),
                name="sync_entry_names_somebody",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["", *Status.values]), name="sync_entry_status_known"
            ),
            models.CheckConstraint(
                condition=Q(source__in=[source for source in Source.values if source != Source.SYSTEM]),
                name="sync_entry_captured",
            ),
        ]
        indexes = [
            models.Index(
                fields=["school", "received_at"],
                condition=Q(outcome=SyncOutcome.REJECTED),
                name="sync_entry_refused",
            ),
            models.Index(
                fields=["session", "student"], condition=Q(session__isnull=False), name="sync_entry_of_class"
            ),
            # A used id is looked up with whatever came under it.
            models.Index(fields=["by", "client_id"], name="sync_entry_by_id"),
        ]

    def __str__(self) -> str:
        return str(self.client_id)


class SyncConflict(models.Model):
    """A mark by hand that was made before the one that stands, and says something else: people decide.

    The incoming mark is the entry's. The existing one is kept as it was when the other came; what stands now is in
    the record, which is found by session and student.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    entry = models.OneToOneField(
        SyncEntry, verbose_name=_("offline mark"), on_delete=models.PROTECT, related_name="conflict"
    )
    session = models.ForeignKey(
        Session,
        verbose_name=_("class session"),
        on_delete=models.PROTECT,
        related_name="sync_conflicts",
        db_index=False,
    )
    student = models.ForeignKey(
        Student, verbose_name=_("student"), on_delete=models.PROTECT, related_name="+"
    )
    existing_status = models.CharField(_("mark that stood"), max_length=8, choices=Status)
    existing_source = models.CharField(_("its source"), max_length=10, choices=Source)
    existing_at = models.DateTimeField(_("made at"))
    existing_by = models.ForeignKey(
        User,
        verbose_name=_("made by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    existing_device = models.CharField(_("on the device"), max_length=200, blank=True)
    raised_at = models.DateTimeField(_("raised at"))
    resolved_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        User,
        verbose_name=_("decided by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    kept = models.CharField(_("decision"), max_length=8, choices=Keep, blank=True)

    objects = SyncConflictQuerySet.as_manager()

    class Meta:
        db_table = "attendance_sync_conflict"
        verbose_name = _("offline conflict")
        verbose_name_plural = _("offline conflicts")
        ordering = ["-raised_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolved_by__isnull=True, kept="")
                | Q(resolved_at__isnull=False, resolved_by__isnull=False, kept__in=Keep.values),
                name="sync_conflict_decided_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["session", "student"],
                condition=Q(resolved_at__isnull=True),
                name="sync_conflict_open",
            ),
            models.Index(fields=["school", "raised_at"], name="sync_conflict_by_school"),
            models.Index(fields=["session"], name="sync_conflict_of_class"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.student_id}"
