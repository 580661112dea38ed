from __future__ import annotations

from django.db import migrations, models

from audit.sql import RETENTION_RUN_APPEND_ONLY, RETENTION_RUN_REVERSE


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RetentionRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("table", models.CharField(max_length=63, verbose_name="table")),
                ("year", models.PositiveSmallIntegerField(verbose_name="year")),
                ("school_id", models.BigIntegerField(null=True, verbose_name="school")),
                ("rows", models.PositiveBigIntegerField(verbose_name="rows that went")),
                ("held", models.PositiveBigIntegerField(verbose_name="rows kept under legal hold")),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
                ("actor_id", models.BigIntegerField(null=True, verbose_name="actor")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("duration_ms", models.PositiveIntegerField(verbose_name="duration (ms)")),
                (
                    "locked_ms",
                    models.PositiveIntegerField(db_default=0, default=0, verbose_name="locked (ms)"),
                ),
            ],
            options={
                "verbose_name": "retention run",
                "verbose_name_plural": "retention runs",
                "db_table": "audit_retention_run",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["table", "year"], name="retention_run_by_year")],
            },
        ),
        migrations.RunSQL(RETENTION_RUN_APPEND_ONLY, RETENTION_RUN_REVERSE),
    ]
