from __future__ import annotations

from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

from core.sql import ENSURE_PARTITION


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        BtreeGistExtension(),
        migrations.RunSQL(ENSURE_PARTITION, "DROP FUNCTION campushub_ensure_partition(regclass, integer)"),
        migrations.CreateModel(
            name="TaskHealth",
            fields=[
                (
                    "name",
                    models.CharField(max_length=120, primary_key=True, serialize=False, verbose_name="name"),
                ),
                ("period_seconds", models.PositiveIntegerField(verbose_name="period in seconds")),
                ("started_at", models.DateTimeField(null=True, verbose_name="last started")),
                ("succeeded_at", models.DateTimeField(null=True, verbose_name="last success")),
                ("failed_at", models.DateTimeField(null=True, verbose_name="last failure")),
                ("error", models.TextField(blank=True, verbose_name="last error")),
            ],
            options={
                "verbose_name": "task health",
                "verbose_name_plural": "task health",
                "db_table": "core_task_health",
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("user_id", models.BigIntegerField(verbose_name="user")),
                ("route", models.CharField(max_length=200, verbose_name="route")),
                ("key", models.CharField(max_length=255, verbose_name="key")),
                ("body_hash", models.CharField(max_length=64, verbose_name="body hash")),
                ("status", models.PositiveSmallIntegerField(null=True, verbose_name="status")),
                ("response", models.JSONField(null=True, verbose_name="response")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
            ],
            options={
                "verbose_name": "idempotency key",
                "verbose_name_plural": "idempotency keys",
                "db_table": "core_idempotency_key",
                "indexes": [models.Index(fields=["created_at"], name="idempotency_key_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("user_id", "route", "key"), name="idempotency_key_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("job", models.CharField(max_length=120, verbose_name="job")),
                ("arguments", models.JSONField(default=dict, verbose_name="arguments")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("available_at", models.DateTimeField(verbose_name="available at")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                ("last_error", models.TextField(blank=True, verbose_name="last error")),
            ],
            options={
                "verbose_name": "outbox message",
                "verbose_name_plural": "outbox messages",
                "db_table": "core_outbox",
                "indexes": [
                    models.Index(
                        models.F("available_at"),
                        models.F("id"),
                        condition=models.Q(("sent_at__isnull", True)),
                        name="outbox_waiting",
                    )
                ],
            },
        ),
    ]
