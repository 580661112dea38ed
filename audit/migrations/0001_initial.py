from __future__ import annotations

import django.core.serializers.json
from django.db import migrations, models

import audit.models
import core.ids
from audit.sql import APPEND_ONLY, APPEND_ONLY_REVERSE
from core.partitions import CreatePartitionedModel


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0001_initial"),
    ]

    operations = [
        CreatePartitionedModel(
            partition_column="at",
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "xid",
                    audit.models.TransactionIdField(
                        db_default=audit.models.CurrentTransactionId(), editable=False
                    ),
                ),
                ("school_id", models.BigIntegerField(null=True, verbose_name="school")),
                ("operation_id", models.UUIDField(verbose_name="operation")),
                ("actor_id", models.BigIntegerField(null=True, verbose_name="actor")),
                ("actor_kind", models.CharField(default="user", max_length=12, verbose_name="kind of actor")),
                ("action", models.CharField(max_length=60, verbose_name="action")),
                ("object_type", models.CharField(max_length=60, verbose_name="object type")),
                ("object_id", models.CharField(max_length=80, verbose_name="object")),
                (
                    "before",
                    models.JSONField(
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        null=True,
                        verbose_name="before",
                    ),
                ),
                (
                    "after",
                    models.JSONField(
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        null=True,
                        verbose_name="after",
                    ),
                ),
                ("reason", models.TextField(blank=True, db_default="", default="", verbose_name="reason")),
                ("ip", models.GenericIPAddressField(null=True, verbose_name="IP address")),
                (
                    "request_id",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=64, verbose_name="request"
                    ),
                ),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
                "db_table": "attendance_audit_log",
                "indexes": [
                    models.Index(fields=["object_type", "object_id", "at"], name="audit_by_object"),
                    models.Index(fields=["school_id", "-at", "-id"], name="audit_by_school"),
                    models.Index(fields=["xid", "id"], name="audit_by_transaction"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("year", models.PositiveSmallIntegerField(verbose_name="year")),
                ("system_identifier", models.CharField(max_length=24, verbose_name="database cluster")),
                ("from_xid", audit.models.TransactionIdField()),
                ("upto_xid", audit.models.TransactionIdField()),
                ("entries", models.PositiveIntegerField(verbose_name="entries")),
                ("previous", models.CharField(max_length=64, verbose_name="previous seal")),
                ("mac", models.CharField(max_length=64, verbose_name="seal")),
                ("manifest", models.BinaryField(verbose_name="manifest")),
                ("sealed_at", models.DateTimeField(verbose_name="sealed at")),
            ],
            options={
                "verbose_name": "audit seal",
                "verbose_name_plural": "audit seals",
                "db_table": "audit_seal",
                "indexes": [
                    models.Index(fields=["system_identifier", "upto_xid"], name="audit_seal_by_cluster")
                ],
                "constraints": [models.UniqueConstraint(fields=("previous",), name="audit_seal_one_chain")],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_REVERSE),
    ]
