"""Large exports, made in the background."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import School, User
from attendance.enums import ExportFormat, ExportKind, ExportState
from attendance.querysets import ExportQuerySet
from core.ids import uuid7


def export_path(instance: Any, filename: str) -> str:
    """Where the file of a job lies: the same place however often the job is run, and no name in it."""
    return f"exports/{instance.school_id}/{instance.pk.hex}"


class ExportJob(models.Model):
    """A file that somebody asked for and that takes longer than an answer may.

    `filters` is what was asked, in the words of the API. `reach` is what the person saw when it was made: the file is
    handed out only while they still see all of it. `file` is set when the whole file is there and never before.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    requested_by = models.ForeignKey(
        User, verbose_name=_("requested by"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=10, choices=ExportKind)
    format = models.CharField(_("format"), max_length=4, choices=ExportFormat)
    filters = models.JSONField(_("filters"), default=dict)
    reach = models.JSONField(_("reach"), default=dict, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=ExportState, default=ExportState.QUEUED)
    rows_total = models.PositiveIntegerField(_("rows"), null=True)
    rows_done = models.PositiveIntegerField(_("rows written"), default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    error = models.CharField(_("what went wrong"), max_length=500, blank=True)
    file = models.FileField(_("file"), upload_to=export_path, blank=True)
    file_name = models.CharField(_("name of the file"), max_length=150, blank=True)
    size = models.PositiveBigIntegerField(_("size in bytes"), null=True)
    requested_at = models.DateTimeField(_("requested at"))
    started_at = models.DateTimeField(_("started at"), null=True)
    #: When it last said that it is alive: whoever looks for jobs that nobody works on goes by it.
    touched_at = models.DateTimeField(_("last sign of life"))
    finished_at = models.DateTimeField(_("finished at"), null=True)
    expires_at = models.DateTimeField(_("expires at"), null=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        db_table = "attendance_export_job"
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ExportKind.values), name="export_kind_known"),
            models.CheckConstraint(condition=Q(format__in=ExportFormat.values), name="export_format_known"),
            models.CheckConstraint(condition=Q(state__in=ExportState.values), name="export_state_known"),
            # A file is there if and only if the job is done, and then it is known when it goes.
            models.CheckConstraint(
                condition=Q(
                    state=ExportState.DONE,
                    finished_at__isnull=False,
                    expires_at__gt=F("finished_at"),
                    rows_total__isnull=False,
                    size__isnull=False,
                )
                & ~Q(file="")
                | ~Q(state=ExportState.DONE) & Q(file=""),
                name="export_file_when_done",
            ),
        ]
        indexes = [
            models.Index(fields=["requested_by", "-requested_at", "-id"], name="export_by_person"),
            models.Index(
                "touched_at", condition=Q(state__in=ExportState.unfinished()), name="export_unfinished"
            ),
            models.Index("expires_at", condition=Q(state=ExportState.DONE), name="export_to_expire"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.format} {self.requested_at:%Y-%m-%d %H:%M}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in ExportState.unfinished()

    @property
    def percent(self) -> int | None:
        """How far it is, 0–100; None while nobody knows how much there is."""
        if self.state in {ExportState.DONE, ExportState.EXPIRED}:
            return 100
        if not self.rows_total:
            return None
        return min(100, 100 * self.rows_done // self.rows_total)
