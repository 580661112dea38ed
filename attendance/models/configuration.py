"""The rules a school sets for itself: one typed row, each value with its range in the database."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from academics.querysets import SchoolOwnedQuerySet
from accounts.models import School
from attendance.enums import ExcusedCountsAs

#: Smallest and largest allowed value of each number; the field validates it, a CHECK guarantees it.
RANGES: dict[str, tuple[Decimal | int, Decimal | int]] = {
    "grace_period_minutes": (0, 120),
    "min_duration_for_present_minutes": (0, 600),
    "attendance_threshold_percent": (1, 99),
    "condonation_floor_percent": (0, 99),
    "offline_sync_max_delta_minutes": (0, 10080),
    "attendance_data_retention_years": (1, 100),
    "open_before_minutes": (0, 120),
    "close_after_minutes": (0, 240),
    "qr_token_expiry_minutes": (1, 720),
    "qr_rotation_seconds": (0, 300),
    "max_correction_days": (0, 365),
    "geofence_radius_m": (10, 10000),
    "late_weight": (Decimal("0"), Decimal("1")),
}


def _number(
    label: object, default: int, name: str, help_text: object
) -> models.PositiveSmallIntegerField[int, int]:
    low, high = RANGES[name]
    return models.PositiveSmallIntegerField(
        label,  # type: ignore[arg-type] # a lazy string is one to Django
        default=default,
        validators=[MinValueValidator(low), MaxValueValidator(high)],
        help_text=help_text,  # type: ignore[arg-type] # a lazy string is one to Django
    )


def _range_checks() -> list[models.BaseConstraint]:
    return [
        models.CheckConstraint(condition=Q(**{f"{name}__range": bounds}), name=f"config_{name}"[:60])
        for name, bounds in RANGES.items()
    ]


class AttendanceConfiguration(models.Model):
    school = models.OneToOneField(
        School, verbose_name=_("school"), on_delete=models.CASCADE, related_name="attendance_configuration"
    )
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    updated_at = models.DateTimeField(_("updated at"), null=True, editable=False)

    grace_period_minutes = _number(
        _("grace period (minutes)"),
        5,
        "grace_period_minutes",
        _("Scans up to this long after the start, or after the lecturer opened, are on time."),
    )
    min_duration_for_present_minutes = _number(
        _("shortest stay for present (minutes)"),
        10,
        "min_duration_for_present_minutes",
        _("Readers that know when somebody left: a shorter stay is not present."),
    )
    attendance_threshold_percent = _number(
        _("threshold (%)"), 75, "attendance_threshold_percent", _("At or above it a student is clear.")
    )
    condonation_floor_percent = _number(
        _("condonation floor (%)"),
        65,
        "condonation_floor_percent",
        _("Between floor and threshold a student may apply for condonation; below it is a shortage."),
    )
    offline_sync_max_delta_minutes = _number(
        _("latest offline upload (minutes)"),
        120,
        "offline_sync_max_delta_minutes",
        _("Marks made offline are taken if uploaded within this time."),
    )
    attendance_data_retention_years = _number(
        _("keep records (years)"),
        7,
        "attendance_data_retention_years",
        _("Older years are removed as a whole."),
    )
    auto_open_sessions = models.BooleanField(
        _("open classes automatically"), default=True, help_text=_("A few minutes before the start.")
    )
    open_before_minutes = _number(
        _("open before the start (minutes)"), 5, "open_before_minutes", _("For automatic opening.")
    )
    auto_close_sessions = models.BooleanField(
        _("close classes automatically"), default=True, help_text=_("At the end, or a while later.")
    )
    close_after_minutes = _number(
        _("close after the end (minutes)"), 0, "close_after_minutes", _("For automatic closing.")
    )
    qr_token_expiry_minutes = _number(
        _("life of a code series (minutes)"),
        60,
        "qr_token_expiry_minutes",
        _("After this time the class screen starts a new series by itself."),
    )
    qr_rotation_seconds = _number(
        _("code changes every (seconds)"),
        15,
        "qr_rotation_seconds",
        _("The code on the screen and the one before it count. 0 shows one code that does not change."),
    )
    max_correction_days = _number(
        _("corrections until (days)"),
        7,
        "max_correction_days",
        _("After this many days a class is locked; then only an administrator changes a record."),
    )
    biometric_enabled = models.BooleanField(
        _("fingerprint and face readers"),
        default=False,
        help_text=_("Take marks from readers of the school."),
    )
    rfid_enabled = models.BooleanField(
        _("card readers"), default=False, help_text=_("Take marks from cards.")
    )
    gps_verification = models.BooleanField(
        _("check the location"), default=False, help_text=_("Scans count only near the room.")
    )
    geofence_radius_m = _number(
        _("distance from the room (metres)"), 100, "geofence_radius_m", _("A room's own radius wins.")
    )
    one_device_per_student = models.BooleanField(
        _("one device per student"),
        default=True,
        help_text=_("A phone marks one student per class; a second account on it is refused."),
    )
    auto_mark_absent = models.BooleanField(
        _("mark absent at close"),
        default=True,
        help_text=_("Who was not marked when a class closes is absent; otherwise stays unmarked."),
    )
    send_attendance_notifications = models.BooleanField(
        _("send notices"), default=True, help_text=_("About absences and shortages.")
    )
    late_weight = models.DecimalField(
        _("weight of late"),
        max_digits=3,
        decimal_places=2,
        default=Decimal("1.0"),
        validators=[MinValueValidator(Decimal("0")), MaxValueValidator(Decimal("1"))],
        help_text=_("1 counts late like present, 0.5 as half a class, 0 like absent."),
    )
    excused_counts_as = models.CharField(
        _("excused is"),
        max_length=8,
        choices=ExcusedCountsAs,
        default=ExcusedCountsAs.EXCLUDE,
        help_text=_("Whether excused classes stay out of the percentage or count as attended."),
    )

    objects = SchoolOwnedQuerySet.as_manager()

    class Meta:
        db_table = "attendance_configuration"
        verbose_name = _("attendance configuration")
        verbose_name_plural = _("attendance configurations")
        constraints = [
            *_range_checks(),
            models.CheckConstraint(
                condition=Q(condonation_floor_percent__lte=F("attendance_threshold_percent")),
                name="config_floor_below_threshold",
            ),
            models.CheckConstraint(
                condition=Q(excused_counts_as__in=ExcusedCountsAs.values), name="config_excused_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.school}"


#: What a school decides for itself, in the order of the model.
RULES = [
    field.name
    for field in AttendanceConfiguration._meta.concrete_fields
    if field.editable and not field.primary_key and field.name != "school"
]
