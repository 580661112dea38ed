"""One class on one day, and what it takes of rooms and people."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from academics.models import Faculty, Room, Section, Term
from accounts.models import School, User
from attendance.enums import SessionStatus, Source
from attendance.models.calendar import Holiday, TimetableSlot
from attendance.querysets import SessionQuerySet
from core.ids import uuid7

#: How early a person may open a class, whatever the automatic opening does.
OPEN_EARLY = timedelta(minutes=60)


def default_capture_modes() -> list[str]:
    return [Source.QR.value, Source.MANUAL.value]


class Session(models.Model):
    """A class held, or to be held, on `held_on` (the local date of its start)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    term = models.ForeignKey(Term, verbose_name=_("term"), on_delete=models.PROTECT, related_name="+")
    slot = models.ForeignKey(
        TimetableSlot,
        verbose_name=_("slot"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="sessions",
        help_text=_("Empty for an extra class."),
    )
    sections = models.ManyToManyField(Section, verbose_name=_("sections"), related_name="sessions")
    faculty = models.ManyToManyField(Faculty, verbose_name=_("faculty"), related_name="class_sessions")
    substitute = models.ForeignKey(
        Faculty,
        verbose_name=_("substitute"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="substituted_sessions",
    )
    room = models.ForeignKey(
        Room,
        verbose_name=_("room"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="class_sessions",
    )
    held_on = models.DateField(_("date"))
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    topic = models.CharField(_("topic"), max_length=200, blank=True)
    status = models.CharField(
        _("status"), max_length=12, choices=SessionStatus, default=SessionStatus.SCHEDULED
    )
    capture_modes = ArrayField(
        models.CharField(max_length=10, choices=Source),
        verbose_name=_("capture"),
        default=default_capture_modes,
    )

    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    opened_by_human_at = models.DateTimeField(_("first opened by a person"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    locked_at = models.DateTimeField(_("locked at"), null=True, blank=True)
    locked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reopened_at = models.DateTimeField(_("reopened at"), null=True, blank=True)
    status_reason = models.CharField(_("reason of the status"), max_length=500, blank=True)
    cancelled_by_holiday = models.ForeignKey(
        Holiday, on_delete=models.SET_NULL, null=True, blank=True, related_name="cancelled_sessions"
    )

    #: Closed, and whoever is absent has not been told yet; see `services.scheduler.tell_due`.
    absences_untold = models.BooleanField(default=False, db_default=False, editable=False)

    qr_generation = models.PositiveIntegerField(_("code series"), default=1)
    qr_started_at = models.DateTimeField(_("code series began"), null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        db_table = "attendance_session"
        verbose_name = _("class session")
        verbose_name_plural = _("class sessions")
        ordering = ["starts_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["slot", "held_on"], name="session_once_per_slot_and_day"),
            # What records refer to, so that their day cannot drift from the session's.
            models.UniqueConstraint(fields=["id", "held_on"], name="session_id_held_on"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="session_times_in_order"),
            models.CheckConstraint(condition=Q(status__in=SessionStatus.values), name="session_status_known"),
        ]
        indexes = [
            models.Index(fields=["school", "held_on", "status"], name="session_by_school_day"),
            models.Index("starts_at", condition=Q(status=SessionStatus.SCHEDULED), name="session_to_open"),
            models.Index("ends_at", condition=Q(status=SessionStatus.OPEN), name="session_to_close"),
            models.Index("held_on", condition=Q(status=SessionStatus.CLOSED), name="session_to_lock"),
            models.Index("starts_at", condition=Q(absences_untold=True), name="session_to_tell"),
        ]

    def __str__(self) -> str:
        return f"{self.held_on} {self.starts_at:%H:%M} UTC"

    @property
    def is_open(self) -> bool:
        return self.status == SessionStatus.OPEN

    def may_open_at(self, now: datetime) -> bool:
        """Whether a person may start it: scheduled, and not more than an hour ahead of its time."""
        return self.status == SessionStatus.SCHEDULED and now >= self.starts_at - OPEN_EARLY

    @property
    def is_counted(self) -> bool:
        return self.status in SessionStatus.counted()

    @property
    def on_time_from(self) -> datetime:
        """The moment from which grace runs: a lecturer who comes late makes nobody late."""
        return max(self.starts_at, self.opened_by_human_at or self.starts_at)


class SessionOccupancy(models.Model):
    """What one uncancelled session takes of one resource, as an instant range ``[starts_at, ends_at)``."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="occupancies")
    school = models.ForeignKey(School, on_delete=models.PROTECT, related_name="+")
    resource = models.CharField(max_length=60)
    during = DateTimeRangeField()

    class Meta:
        db_table = "attendance_session_occupancy"
        verbose_name = _("session occupancy")
        verbose_name_plural = _("session occupancies")
        constraints = [
            models.UniqueConstraint(fields=["session", "resource"], name="session_occupancy_once"),
            ExclusionConstraint(
                name="session_no_clash",
                expressions=[("resource", RangeOperators.EQUAL), ("during", RangeOperators.OVERLAPS)],
            ),
        ]

    def __str__(self) -> str:
        return self.resource
