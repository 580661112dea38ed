from __future__ import annotations

from decimal import Decimal

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import attendance.models.calendar
import attendance.models.sessions
import core.ids
from attendance.sql import FIGURES, FIGURES_SIGNATURE, RECORD_SESSION_KEY, WEEK_MINUTES
from core.partitions import CreatePartitionedModel


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("academics", "0001_initial"),
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(WEEK_MINUTES, "DROP FUNCTION week_minutes(integer, time, time)"),
        migrations.RunSQL(FIGURES, f"DROP FUNCTION {FIGURES_SIGNATURE}"),
        migrations.CreateModel(
            name="Holiday",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("date", models.DateField(verbose_name="date")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("public", "Public holiday"),
                            ("academic", "Academic holiday"),
                            ("exam", "Examination day"),
                        ],
                        default="public",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="academics.department",
                        verbose_name="only for department",
                    ),
                ),
                (
                    "school",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holidays",
                        to="accounts.school",
                        verbose_name="school",
                    ),
                ),
            ],
            options={
                "verbose_name": "holiday",
                "verbose_name_plural": "holidays",
                "db_table": "attendance_holiday",
                "ordering": ["date"],
            },
        ),
        migrations.CreateModel(
            name="ScanTicketUse",
            fields=[
                ("nonce", models.UUIDField(primary_key=True, serialize=False)),
                ("used_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "used scan ticket",
                "verbose_name_plural": "used scan tickets",
                "db_table": "attendance_scan_ticket_use",
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("held_on", models.DateField(verbose_name="date")),
                ("starts_at", models.DateTimeField(verbose_name="starts at")),
                ("ends_at", models.DateTimeField(verbose_name="ends at")),
                ("topic", models.CharField(blank=True, max_length=200, verbose_name="topic")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("scheduled", "Scheduled"),
                            ("open", "Open"),
                            ("closed", "Closed"),
                            ("locked", "Locked"),
                            ("unconfirmed", "Unconfirmed"),
                            ("cancelled", "Cancelled"),
                            ("void", "Void"),
                        ],
                        default="scheduled",
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                (
                    "capture_modes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("qr", "Code"),
                                ("biometric", "Fingerprint or face"),
                                ("rfid", "Card"),
                                ("manual", "By hand"),
                                ("system", "Automatic"),
                            ],
                            max_length=10,
                        ),
                        default=attendance.models.sessions.default_capture_modes,
                        size=None,
                        verbose_name="capture",
                    ),
                ),
                ("opened_at", models.DateTimeField(blank=True, null=True, verbose_name="opened at")),
                (
                    "opened_by_human_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="first opened by a person"),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed at")),
                ("locked_at", models.DateTimeField(blank=True, null=True, verbose_name="locked at")),
                ("reopened_at", models.DateTimeField(blank=True, null=True, verbose_name="reopened at")),
                (
                    "status_reason",
                    models.CharField(blank=True, max_length=500, verbose_name="reason of the status"),
                ),
                ("qr_generation", models.PositiveIntegerField(default=1, verbose_name="code series")),
                (
                    "qr_started_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="code series began"),
                ),
                (
                    "cancelled_by_holiday",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="cancelled_sessions",
                        to="attendance.holiday",
                    ),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "faculty",
                    models.ManyToManyField(
                        related_name="class_sessions", to="academics.faculty", verbose_name="faculty"
                    ),
                ),
                (
                    "locked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="class_sessions",
                        to="academics.room",
                        verbose_name="room",
                    ),
                ),
                (
                    "school",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.school",
                        verbose_name="school",
                    ),
                ),
                (
                    "sections",
                    models.ManyToManyField(
                        related_name="sessions", to="academics.section", verbose_name="sections"
                    ),
                ),
                (
                    "substitute",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="substituted_sessions",
                        to="academics.faculty",
                        verbose_name="substitute",
                    ),
                ),
                (
                    "term",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="academics.term",
                        verbose_name="term",
                    ),
                ),
            ],
            options={
                "verbose_name": "class session",
                "verbose_name_plural": "class sessions",
                "db_table": "attendance_session",
                "ordering": ["starts_at", "id"],
            },
        ),
        CreatePartitionedModel(
            partition_column="held_on",
            name="AttendanceRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("held_on", models.DateField(verbose_name="date")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("present", "Present"),
                            ("late", "Late"),
                            ("absent", "Absent"),
                            ("excused", "Excused"),
                        ],
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("qr", "Code"),
                            ("biometric", "Fingerprint or face"),
                            ("rfid", "Card"),
                            ("manual", "By hand"),
                            ("system", "Automatic"),
                        ],
                        max_length=10,
                        verbose_name="source",
                    ),
                ),
                (
                    "offline",
                    models.BooleanField(db_default=False, default=False, verbose_name="captured offline"),
                ),
                ("marked_at", models.DateTimeField(verbose_name="marked at")),
                (
                    "checked_out_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="checked out at"),
                ),
                ("device_key", models.CharField(blank=True, max_length=64, null=True, verbose_name="device")),
                ("location", models.JSONField(blank=True, null=True, verbose_name="location")),
                (
                    "remarks",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=500, verbose_name="remarks"
                    ),
                ),
                (
                    "metadata",
                    models.JSONField(blank=True, db_default={}, default=dict, verbose_name="details"),
                ),
                (
                    "marked_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="marked by",
                    ),
                ),
                (
                    "school",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.school",
                        verbose_name="school",
                    ),
                ),
                (
                    "section",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="academics.section",
                        verbose_name="section",
                    ),
                ),
                (
                    "snapshot",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="academics.studentsnapshot",
                        verbose_name="snapshot",
                    ),
                ),
                (
                    "student",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="records",
                        to="academics.student",
                        verbose_name="student",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="records",
                        to="attendance.session",
                        verbose_name="session",
                    ),
                ),
            ],
            options={
                "verbose_name": "attendance record",
                "verbose_name_plural": "attendance records",
                "db_table": "attendance_record",
            },
        ),
        migrations.CreateModel(
            name="SessionOccupancy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("resource", models.CharField(max_length=60)),
                ("during", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                (
                    "school",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.school"
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="occupancies",
                        to="attendance.session",
                    ),
                ),
            ],
            options={
                "verbose_name": "session occupancy",
                "verbose_name_plural": "session occupancies",
                "db_table": "attendance_session_occupancy",
            },
        ),
        migrations.CreateModel(
            name="TimetableSlot",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "Monday"),
                            (2, "Tuesday"),
                            (3, "Wednesday"),
                            (4, "Thursday"),
                            (5, "Friday"),
                            (6, "Saturday"),
                            (7, "Sunday"),
                        ],
                        verbose_name="weekday",
                    ),
                ),
                ("starts", models.TimeField(verbose_name="start")),
                ("ends", models.TimeField(verbose_name="end")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_until", models.DateField(verbose_name="valid until")),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                (
                    "faculty",
                    models.ManyToManyField(
                        related_name="slots", to="academics.faculty", verbose_name="faculty"
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="slots",
                        to="academics.room",
                        verbose_name="room",
                    ),
                ),
                (
                    "school",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.school",
                        verbose_name="school",
                    ),
                ),
                (
                    "sections",
                    models.ManyToManyField(
                        related_name="slots", to="academics.section", verbose_name="sections"
                    ),
                ),
            ],
            options={
                "verbose_name": "timetable slot",
                "verbose_name_plural": "timetable slots",
                "db_table": "attendance_timetable_slot",
                "ordering": ["weekday", "starts"],
            },
        ),
        migrations.CreateModel(
            name="SlotOccupancy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("resource", models.CharField(max_length=60)),
                ("weekday", models.PositiveSmallIntegerField()),
                ("starts", models.TimeField()),
                ("ends", models.TimeField()),
                ("valid_from", models.DateField()),
                ("valid_until", models.DateField()),
                (
                    "school",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.school"
                    ),
                ),
                (
                    "slot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="occupancies",
                        to="attendance.timetableslot",
                    ),
                ),
            ],
            options={
                "verbose_name": "slot occupancy",
                "verbose_name_plural": "slot occupancies",
                "db_table": "attendance_slot_occupancy",
            },
        ),
        migrations.CreateModel(
            name="SlotException",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("date", models.DateField(verbose_name="date")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
                (
                    "slot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exceptions",
                        to="attendance.timetableslot",
                        verbose_name="slot",
                    ),
                ),
            ],
            options={
                "verbose_name": "skipped date",
                "verbose_name_plural": "skipped dates",
                "db_table": "attendance_slot_exception",
            },
        ),
        migrations.AddField(
            model_name="session",
            name="slot",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty for an extra class.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sessions",
                to="attendance.timetableslot",
                verbose_name="slot",
            ),
        ),
        migrations.CreateModel(
            name="AttendanceConfiguration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("updated_at", models.DateTimeField(editable=False, null=True, verbose_name="updated at")),
                (
                    "grace_period_minutes",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="Scans up to this long after the start, or after the lecturer opened, are on time.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(120),
                        ],
                        verbose_name="grace period (minutes)",
                    ),
                ),
                (
                    "min_duration_for_present_minutes",
                    models.PositiveSmallIntegerField(
                        default=10,
                        help_text="Readers that know when somebody left: a shorter stay is not present.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(600),
                        ],
                        verbose_name="shortest stay for present (minutes)",
                    ),
                ),
                (
                    "attendance_threshold_percent",
                    models.PositiveSmallIntegerField(
                        default=75,
                        help_text="At or above it a student is clear.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(99),
                        ],
                        verbose_name="threshold (%)",
                    ),
                ),
                (
                    "condonation_floor_percent",
                    models.PositiveSmallIntegerField(
                        default=65,
                        help_text="Between floor and threshold a student may apply for condonation; below it is a shortage.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(99),
                        ],
                        verbose_name="condonation floor (%)",
                    ),
                ),
                (
                    "offline_sync_max_delta_minutes",
                    models.PositiveSmallIntegerField(
                        default=120,
                        help_text="Marks made offline are taken if uploaded within this time.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(10080),
                        ],
                        verbose_name="latest offline upload (minutes)",
                    ),
                ),
                (
                    "attendance_data_retention_years",
                    models.PositiveSmallIntegerField(
                        default=7,
                        help_text="Older years are removed as a whole.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="keep records (years)",
                    ),
                ),
                (
                    "auto_open_sessions",
                    models.BooleanField(
                        default=True,
                        help_text="A few minutes before the start.",
                        verbose_name="open classes automatically",
                    ),
                ),
                (
                    "open_before_minutes",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="For automatic opening.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(120),
                        ],
                        verbose_name="open before the start (minutes)",
                    ),
                ),
                (
                    "auto_close_sessions",
                    models.BooleanField(
                        default=True,
                        help_text="At the end, or a while later.",
                        verbose_name="close classes automatically",
                    ),
                ),
                (
                    "close_after_minutes",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="For automatic closing.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(240),
                        ],
                        verbose_name="close after the end (minutes)",
                    ),
                ),
                (
                    "qr_token_expiry_minutes",
                    models.PositiveSmallIntegerField(
                        default=60,
                        help_text="After this time the class screen starts a new series by itself.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(720),
                        ],
                        verbose_name="life of a code series (minutes)",
                    ),
                ),
                (
                    "qr_rotation_seconds",
                    models.PositiveSmallIntegerField(
                        default=15,
                        help_text="The code on the screen and the one before it count. 0 shows one code that does not change.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(300),
                        ],
                        verbose_name="code changes every (seconds)",
                    ),
                ),
                (
                    "max_correction_days",
                    models.PositiveSmallIntegerField(
                        default=7,
                        help_text="After this many days a class is locked; then only an administrator changes a record.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(365),
                        ],
                        verbose_name="corrections until (days)",
                    ),
                ),
                (
                    "biometric_enabled",
                    models.BooleanField(
                        default=False,
                        help_text="Take marks from readers of the school.",
                        verbose_name="fingerprint and face readers",
                    ),
                ),
                (
                    "rfid_enabled",
                    models.BooleanField(
                        default=False, help_text="Take marks from cards.", verbose_name="card readers"
                    ),
                ),
                (
                    "gps_verification",
                    models.BooleanField(
                        default=False,
                        help_text="Scans count only near the room.",
                        verbose_name="check the location",
                    ),
                ),
                (
                    "geofence_radius_m",
                    models.PositiveSmallIntegerField(
                        default=100,
                        help_text="A room's own radius wins.",
                        validators=[
                            django.core.validators.MinValueValidator(10),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                        verbose_name="distance from the room (metres)",
                    ),
                ),
                (
                    "one_device_per_student",
                    models.BooleanField(
                        default=True,
                        help_text="A phone marks one student per class; a second account on it is refused.",
                        verbose_name="one device per student",
                    ),
                ),
                (
                    "auto_mark_absent",
                    models.BooleanField(
                        default=True,
                        help_text="Who was not marked when a class closes is absent; otherwise stays unmarked.",
                        verbose_name="mark absent at close",
                    ),
                ),
                (
                    "send_attendance_notifications",
                    models.BooleanField(
                        default=True, help_text="About absences and shortages.", verbose_name="send notices"
                    ),
                ),
                (
                    "late_weight",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("1.0"),
                        help_text="1 counts late like present, 0.5 as half a class, 0 like absent.",
                        max_digits=3,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0")),
                            django.core.validators.MaxValueValidator(Decimal("1")),
                        ],
                        verbose_name="weight of late",
                    ),
                ),
                (
                    "excused_counts_as",
                    models.CharField(
                        choices=[("exclude", "not counted"), ("present", "counted as present")],
                        default="exclude",
                        help_text="Whether excused classes stay out of the percentage or count as attended.",
                        max_length=8,
                        verbose_name="excused is",
                    ),
                ),
                (
                    "school",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attendance_configuration",
                        to="accounts.school",
                        verbose_name="school",
                    ),
                ),
            ],
            options={
                "verbose_name": "attendance configuration",
                "verbose_name_plural": "attendance configurations",
                "db_table": "attendance_configuration",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("grace_period_minutes__range", (0, 120))),
                        name="config_grace_period_minutes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("min_duration_for_present_minutes__range", (0, 600))),
                        name="config_min_duration_for_present_minutes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("attendance_threshold_percent__range", (1, 99))),
                        name="config_attendance_threshold_percent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("condonation_floor_percent__range", (0, 99))),
                        name="config_condonation_floor_percent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("offline_sync_max_delta_minutes__range", (0, 10080))),
                        name="config_offline_sync_max_delta_minutes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("attendance_data_retention_years__range", (1, 100))),
                        name="config_attendance_data_retention_years",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("open_before_minutes__range", (0, 120))),
                        name="config_open_before_minutes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("close_after_minutes__range", (0, 240))),
                        name="config_close_after_minutes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("qr_token_expiry_minutes__range", (1, 720))),
                        name="config_qr_token_expiry_minutes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("qr_rotation_seconds__range", (0, 300))),
                        name="config_qr_rotation_seconds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_correction_days__range", (0, 365))),
                        name="config_max_correction_days",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("geofence_radius_m__range", (10, 10000))),
                        name="config_geofence_radius_m",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("late_weight__range", (Decimal("0"), Decimal("1")))),
                        name="config_late_weight",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("condonation_floor_percent__lte", models.F("attendance_threshold_percent"))
                        ),
                        name="config_floor_below_threshold",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("excused_counts_as__in", ["exclude", "present"])),
                        name="config_excused_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AttendanceStatistics",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("held", models.PositiveIntegerField(db_default=0, default=0, verbose_name="held")),
                ("present", models.PositiveIntegerField(db_default=0, default=0, verbose_name="present")),
                ("late", models.PositiveIntegerField(db_default=0, default=0, verbose_name="late")),
                ("absent", models.PositiveIntegerField(db_default=0, default=0, verbose_name="absent")),
                ("excused", models.PositiveIntegerField(db_default=0, default=0, verbose_name="excused")),
                (
                    "percentage",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=5, null=True, verbose_name="percentage"
                    ),
                ),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="academics.course",
                        verbose_name="course",
                    ),
                ),
                (
                    "school",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.school",
                        verbose_name="school",
                    ),
                ),
                (
                    "student",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statistics",
                        to="academics.student",
                        verbose_name="student",
                    ),
                ),
                (
                    "term",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="academics.term",
                        verbose_name="term",
                    ),
                ),
            ],
            options={
                "verbose_name": "attendance statistics",
                "verbose_name_plural": "attendance statistics",
                "db_table": "attendance_statistics",
                "constraints": [
                    models.UniqueConstraint(fields=("student", "term", "course"), name="statistics_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "held",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("present"), "+", models.F("late")
                                        ),
                                        "+",
                                        models.F("absent"),
                                    ),
                                    "+",
                                    models.F("excused"),
                                ),
                            )
                        ),
                        name="statistics_add_up",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="holiday",
            constraint=models.UniqueConstraint(
                fields=("school", "date", "department"), name="holiday_once", nulls_distinct=False
            ),
        ),
        migrations.AddIndex(
            model_name="scanticketuse",
            index=models.Index(fields=["used_at"], name="scan_ticket_age"),
        ),
        migrations.AddIndex(
            model_name="attendancerecord",
            index=models.Index(
                fields=["student", "held_on"],
                include=("status", "session", "section"),
                name="record_by_student",
            ),
        ),
        migrations.AddConstraint(
            model_name="attendancerecord",
            constraint=models.UniqueConstraint(
                fields=("session", "student", "held_on"), name="record_session_student"
            ),
        ),
        migrations.AddConstraint(
            model_name="attendancerecord",
            constraint=models.UniqueConstraint(
                condition=models.Q(("device_key__isnull", False)),
                fields=("session", "held_on", "device_key"),
                name="record_one_device",
            ),
        ),
        migrations.AddConstraint(
            model_name="attendancerecord",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["present", "late", "absent", "excused"])),
                name="record_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="attendancerecord",
            constraint=models.CheckConstraint(
                condition=models.Q(("source__in", ["qr", "biometric", "rfid", "manual", "system"])),
                name="record_source_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="sessionoccupancy",
            constraint=models.UniqueConstraint(fields=("session", "resource"), name="session_occupancy_once"),
        ),
        migrations.AddConstraint(
            model_name="sessionoccupancy",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("resource", "="), ("during", "&&")], name="session_no_clash"
            ),
        ),
        migrations.AddConstraint(
            model_name="timetableslot",
            constraint=models.CheckConstraint(
                condition=models.Q(("weekday__range", (1, 7))), name="slot_weekday"
            ),
        ),
        migrations.AddConstraint(
            model_name="timetableslot",
            constraint=models.CheckConstraint(
                condition=models.Q(("starts", models.F("ends")), _negated=True), name="slot_has_length"
            ),
        ),
        migrations.AddConstraint(
            model_name="timetableslot",
            constraint=models.CheckConstraint(
                condition=models.Q(("valid_until__gte", models.F("valid_from"))), name="slot_dates_in_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="slotoccupancy",
            constraint=models.UniqueConstraint(fields=("slot", "resource"), name="slot_occupancy_once"),
        ),
        migrations.AddConstraint(
            model_name="slotoccupancy",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("resource", "="),
                    (attendance.models.calendar.WeekMinutes("weekday", "starts", "ends"), "&&"),
                    (
                        models.Func(
                            models.F("valid_from"),
                            models.F("valid_until"),
                            django.contrib.postgres.fields.ranges.RangeBoundary(
                                inclusive_lower=True, inclusive_upper=True
                            ),
                            function="daterange",
                            output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                        ),
                        "&&",
                    ),
                ],
                name="slot_no_clash",
            ),
        ),
        migrations.AddConstraint(
            model_name="slotexception",
            constraint=models.UniqueConstraint(fields=("slot", "date"), name="slot_exception_once"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(fields=["school", "held_on", "status"], name="session_by_school_day"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                models.F("starts_at"), condition=models.Q(("status", "scheduled")), name="session_to_open"
            ),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                models.F("ends_at"), condition=models.Q(("status", "open")), name="session_to_close"
            ),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                models.F("held_on"), condition=models.Q(("status", "closed")), name="session_to_lock"
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.UniqueConstraint(
                fields=("slot", "held_on"), name="session_once_per_slot_and_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.UniqueConstraint(fields=("id", "held_on"), name="session_id_held_on"),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="session_times_in_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["scheduled", "open", "closed", "locked", "unconfirmed", "cancelled", "void"],
                    )
                ),
                name="session_status_known",
            ),
        ),
        migrations.RunSQL(
            RECORD_SESSION_KEY, "ALTER TABLE attendance_record DROP CONSTRAINT record_session_held_on"
        ),
    ]
