"""Readers of fingerprints, faces and cards: who they are, what they told, and whom they know."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from academics.models import Room, Student
from accounts.models import School, User
from attendance.enums import DeviceKind, Direction, ReadingReason, ReadingState, Source
from attendance.models.sessions import Session
from attendance.querysets import OfficeQuerySet, TemplateQuerySet
from core.fields import EncryptedTextField
from core.ids import uuid7

#: Those that may still find their student and class come first.
WAITING_FIRST = Case(When(state=ReadingState.UNMATCHED, then=Value(0)), default=Value(1))


class BiometricDevice(models.Model):
    """A reader on a wall. Its serial number says which one it is, its key or its network that it is that one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=12, choices=DeviceKind)
    # Of all schools: a reader that calls says its number and nothing of its school.
    serial = models.CharField(_("serial number"), max_length=64)
    name = models.CharField(_("name"), max_length=100, blank=True)
    room = models.ForeignKey(
        Room, verbose_name=_("room"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    #: HMAC of the key, by which it is found; the key itself is shown once and kept nowhere.
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    key_rotated_at = models.DateTimeField(_("key made at"), editable=False)
    allowed_networks = ArrayField(
        models.CharField(max_length=49),
        verbose_name=_("allowed networks"),
        default=list,
        blank=True,
        help_text=_("From these it is known by its serial number alone, such as 10.20.0.0/16."),
    )
    clock_offset = models.IntegerField(
        _("clock offset (seconds)"),
        default=0,
        help_text=_("How far its clock is ahead of the true time; negative when it is behind."),
    )
    firmware = models.CharField(_("firmware"), max_length=100, blank=True)
    #: How far it has sent its log, in its own count.
    log_stamp = models.CharField(max_length=20, blank=True, default="", editable=False)
    last_seen_at = models.DateTimeField(_("last seen at"), null=True, blank=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)

    objects = OfficeQuerySet.as_manager()

    class Meta:
        db_table = "attendance_biometric_device"
        verbose_name = _("reader")
        verbose_name_plural = _("readers")
        ordering = ["serial"]
        constraints = [
            models.UniqueConstraint(fields=["serial"], name="device_serial_once"),
            models.CheckConstraint(condition=Q(kind__in=DeviceKind.values), name="device_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name or self.serial


class DevicePin(models.Model):
    """The number by which one reader knows a student."""

    device = models.ForeignKey(BiometricDevice, on_delete=models.CASCADE, related_name="pins", db_index=False)
    pin = models.CharField(_("number"), max_length=24)
    student = models.ForeignKey(
        Student, verbose_name=_("student"), on_delete=models.PROTECT, related_name="device_pins"
    )

    class Meta:
        db_table = "attendance_device_pin"
        verbose_name = _("number on a reader")
        verbose_name_plural = _("numbers on readers")
        constraints = [models.UniqueConstraint(fields=["device", "pin"], name="device_pin_once")]

    def __str__(self) -> str:
        return self.pin


class DeviceEvent(models.Model):
    """What a reader told, as it told it, and what became of it. It stays whatever becomes of the mark."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    device = models.ForeignKey(
        BiometricDevice,
        verbose_name=_("reader"),
        on_delete=models.PROTECT,
        related_name="events",
        db_index=False,
    )
    pin = models.CharField(_("number"), max_length=24, blank=True, default="")
    card_index = models.CharField(max_length=64, blank=True, default="", editable=False)
    #: By the reader's own clock, which is what tells two readings apart when its offset is corrected later.
    device_at = models.DateTimeField(_("time of the reader"), null=True, blank=True)
    at = models.DateTimeField(_("at"), null=True, blank=True)
    direction = models.CharField(_("direction"), max_length=3, choices=Direction, default=Direction.IN)
    verify = models.PositiveSmallIntegerField(_("verified by"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    received_at = models.DateTimeField(_("received at"))
    state = models.CharField(_("state"), max_length=9, choices=ReadingState)
    reason = models.CharField(_("reason"), max_length=20, choices=ReadingReason, blank=True, default="")
    #: What could not be read, as far as it can be shown.
    line = models.CharField(_("line"), max_length=200, blank=True, default="")
    student = models.ForeignKey(
        Student,
        verbose_name=_("student"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    session = models.ForeignKey(
        Session,
        verbose_name=_("class session"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )

    objects = OfficeQuerySet.as_manager()

    class Meta:
        db_table = "attendance_device_event"
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        constraints = [
            models.UniqueConstraint(
                fields=["device", "device_at", "pin", "card_index", "direction"],
                condition=Q(device_at__isnull=False),
                name="reading_once",
            ),
            models.UniqueConstraint(
                fields=["device", "line"], condition=Q(device_at__isnull=True), name="rejected_line_once"
            ),
            models.CheckConstraint(
                condition=Q(at__isnull=False, device_at__isnull=False) | Q(state=ReadingState.REJECTED),
                name="reading_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=ReadingState.MATCHED) | Q(student__isnull=False, session__isnull=False),
                name="reading_matched_with_both",
            ),
        ]
        indexes = [
            models.Index(fields=["school", "at"], condition=Q(state="unmatched"), name="reading_unmatched"),
            models.Index(
                fields=["session", "student"], condition=Q(session__isnull=False), name="reading_of_class"
            ),
            models.Index(
                F("school"),
                WAITING_FIRST,
                F("received_at").desc(),
                F("id").desc(),
                name="reading_waiting_first",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device_id} {self.at}"


class UnknownDevice(models.Model):
    """A serial number that called and that nobody has registered: for the office to accept, or to wonder about."""

    serial = models.CharField(_("serial number"), max_length=64, unique=True)
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    address = models.GenericIPAddressField(_("address"), null=True)
    count = models.PositiveIntegerField(_("calls"), default=1)

    class Meta:
        db_table = "attendance_unknown_device"
        verbose_name = _("unknown reader")
        verbose_name_plural = _("unknown readers")

    def __str__(self) -> str:
        return self.serial


class DeviceCommand(models.Model):
    """Something for a reader to do, which it fetches when it asks. `result` is its answer; 0 is well done."""

    device = models.ForeignKey(
        BiometricDevice, on_delete=models.CASCADE, related_name="commands", db_index=False
    )
    #: Empty for setting the clock, which is written when it is sent.
    text = models.CharField(_("command"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("made at"))
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    answered_at = models.DateTimeField(_("answered at"), null=True)
    result = models.IntegerField(_("answer"), null=True)

    class Meta:
        db_table = "attendance_device_command"
        verbose_name = _("command to a reader")
        verbose_name_plural = _("commands to readers")
        indexes = [
            models.Index(fields=["device", "id"], condition=Q(answered_at__isnull=True), name="command_due")
        ]

    def __str__(self) -> str:
        return f"C:{self.pk}"


class BiometricTemplate(models.Model):
    """What a student is recognised by; only while their biometric consent stands.

    A card is found by the blind index of its number: nothing is decrypted to look one up.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    student = models.ForeignKey(
        Student,
        verbose_name=_("student"),
        on_delete=models.CASCADE,
        related_name="biometric_templates",
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=12, choices=DeviceKind)
    #: Which finger; 0 for a face or a card.
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    template = EncryptedTextField(_("template"), max_length=9_000)
    card_index = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 - null is "no card" in the unique index
    enrolled_at = models.DateTimeField(_("enrolled at"))
    enrolled_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        db_table = "attendance_biometric_template"
        verbose_name = _("biometric template")
        verbose_name_plural = _("biometric templates")
        constraints = [
            models.UniqueConstraint(fields=["student", "kind", "position"], name="template_once"),
            models.UniqueConstraint(
                fields=["school", "card_index"],
                condition=Q(card_index__isnull=False),
                name="template_card_once",
            ),
            models.CheckConstraint(condition=Q(kind__in=DeviceKind.values), name="template_kind_known"),
            models.CheckConstraint(
                condition=Q(kind="rfid", card_index__isnull=False)
                | (~Q(kind="rfid") & Q(card_index__isnull=True)),
                name="template_card_has_index",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.student_id} {self.kind}"
