from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("academics", "0002_initial"),
        ("accounts", "0001_initial"),
        ("attendance", "0004_readers"),
        ("audit", "0002_retention_run"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HeldRecord",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
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
                ("offline", models.BooleanField(verbose_name="captured offline")),
                ("marked_at", models.DateTimeField(verbose_name="marked at")),
                ("checked_out_at", models.DateTimeField(null=True, verbose_name="checked out at")),
                ("device_key", models.CharField(max_length=64, null=True, verbose_name="device")),
                ("location", models.JSONField(null=True, verbose_name="location")),
                ("remarks", models.CharField(max_length=500, verbose_name="remarks")),
                ("metadata", models.JSONField(verbose_name="details")),
                (
                    "leave",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="attendance.leaveapplication",
                        verbose_name="leave",
                    ),
                ),
                (
                    "marked_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="marked by",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="audit.retentionrun",
                        verbose_name="retention run",
                    ),
                ),
                (
                    "school",
                    models.ForeignKey(
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
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="attendance.session",
                        verbose_name="session",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="academics.student",
                        verbose_name="student",
                    ),
                ),
            ],
            options={
                "verbose_name": "record under legal hold",
                "verbose_name_plural": "records under legal hold",
                "db_table": "attendance_record_held",
                "ordering": ["-held_on", "-id"],
                "indexes": [models.Index(fields=["school", "held_on"], name="held_record_by_school")],
            },
        ),
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("from_date", models.DateField(blank=True, null=True, verbose_name="classes from")),
                ("until_date", models.DateField(blank=True, null=True, verbose_name="classes until")),
                ("placed_at", models.DateTimeField(editable=False, verbose_name="placed at")),
                ("lifted_at", models.DateTimeField(editable=False, null=True, verbose_name="lifted at")),
                (
                    "lifted_by",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="lifted by",
                    ),
                ),
                (
                    "placed_by",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="placed by",
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
                        blank=True,
                        help_text="Empty for everybody of the school.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="academics.student",
                        verbose_name="student",
                    ),
                ),
            ],
            options={
                "verbose_name": "legal hold",
                "verbose_name_plural": "legal holds",
                "db_table": "attendance_legal_hold",
                "ordering": ["-placed_at", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until_date__gte", models.F("from_date")),
                            ("from_date__isnull", True),
                            ("until_date__isnull", True),
                            _connector="OR",
                        ),
                        name="hold_dates_in_order",
                    )
                ],
            },
        ),
    ]
