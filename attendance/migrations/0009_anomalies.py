import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("academics", "0002_initial"),
        ("accounts", "0001_initial"),
        ("attendance", "0008_condonation_reviewer"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AnomalyDismissal",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("shared_device", "One phone, several students"),
                            ("impossible_distance", "Too far apart for the time between"),
                            ("outside", "Scanned from outside"),
                            ("device_refused", "Tried with somebody else's phone"),
                            ("after_close", "A burst after the class closed"),
                            ("late_burst", "A burst of late scans"),
                            ("edge", "Inside only by the phone's inaccuracy"),
                            ("inaccurate", "The phone hardly knew where it was"),
                        ],
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                ("subject", models.CharField(max_length=120, verbose_name="subject")),
                (
                    "students",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None, verbose_name="students"
                    ),
                ),
                ("remark", models.CharField(blank=True, default="", max_length=500, verbose_name="remark")),
                ("dismissed_at", models.DateTimeField(verbose_name="dismissed at")),
                ("undone_at", models.DateTimeField(null=True, verbose_name="taken back at")),
                (
                    "dismissed_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="dismissed by",
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
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="attendance.session",
                        verbose_name="class session",
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="taken back by",
                    ),
                ),
            ],
            options={
                "verbose_name": "dismissed anomaly",
                "verbose_name_plural": "dismissed anomalies",
                "db_table": "attendance_anomaly_dismissal",
                "ordering": ["-dismissed_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at__isnull", True)),
                        fields=("school", "kind", "subject"),
                        name="anomaly_dismissed_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "shared_device",
                                    "impossible_distance",
                                    "outside",
                                    "device_refused",
                                    "after_close",
                                    "late_burst",
                                    "edge",
                                    "inaccurate",
                                ],
                            )
                        ),
                        name="anomaly_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("undone_at__isnull", True), ("undone_by__isnull", True)),
                            models.Q(("undone_at__isnull", False), ("undone_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="anomaly_undone_by_somebody",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefusedScan",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("outside_geofence", "Outside the classroom"),
                            ("device_already_used", "The device was used by another student"),
                            ("session_not_open", "The class was closed"),
                        ],
                        max_length=20,
                        verbose_name="refusal",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                ("device_key", models.CharField(blank=True, max_length=64, null=True, verbose_name="device")),
                ("location", models.JSONField(blank=True, null=True, verbose_name="location")),
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
                    "session",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refused_scans",
                        to="attendance.session",
                        verbose_name="class session",
                    ),
                ),
                (
                    "student",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="academics.student",
                        verbose_name="student",
                    ),
                ),
            ],
            options={
                "verbose_name": "refused scan",
                "verbose_name_plural": "refused scans",
                "db_table": "attendance_refused_scan",
                "ordering": ["-at", "-id"],
                "indexes": [models.Index(fields=["school", "-at"], name="refused_scan_by_school")],
                "constraints": [
                    models.UniqueConstraint(fields=("session", "student", "code"), name="refused_scan_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("code__in", ["outside_geofence", "device_already_used", "session_not_open"])
                        ),
                        name="refused_scan_code_known",
                    ),
                ],
            },
        ),
    ]
