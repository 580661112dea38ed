"""What happened, who did it and why; and the seals that show that nobody changed it afterwards."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import uuid7
from core.partitions import Partitioned


class TransactionIdField(models.Field[int, int]):
    """PostgreSQL's ``xid8``: the 64-bit number of the transaction that wrote the row."""

    def db_type(self, connection: object) -> str:
        return "xid8"

    def from_db_value(self, value: object, expression: object, connection: object) -> int | None:
        return None if value is None else int(str(value))

    def get_prep_value(self, value: int | models.Expression | None) -> Any:
        # PostgreSQL casts no integer to xid8, only text.
        return str(value) if isinstance(value, int) else super().get_prep_value(value)


class CurrentTransactionId(models.Func):
    """``pg_current_xact_id()`` as a database default."""

    function = "pg_current_xact_id"
    output_field = TransactionIdField()


class AuditEntry(Partitioned):
    """One change, told in the transaction that made it. Append-only; school and actor are plain ids.

    `before` and `after` hold changed fields only; personal fields appear as a keyed fingerprint, never by value.
    """

    partition_column: ClassVar[str] = "at"
    append_only: ClassVar[bool] = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("at"))
    xid = TransactionIdField(db_default=CurrentTransactionId(), editable=False)
    school_id = models.BigIntegerField(_("school"), null=True)
    operation_id = models.UUIDField(_("operation"))
    actor_id = models.BigIntegerField(_("actor"), null=True)
    actor_kind = models.CharField(_("kind of actor"), max_length=12, default="user")
    action = models.CharField(_("action"), max_length=60)
    object_type = models.CharField(_("object type"), max_length=60)
    object_id = models.CharField(_("object"), max_length=80)
    before = models.JSONField(_("before"), null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(_("after"), null=True, encoder=DjangoJSONEncoder)
    reason = models.TextField(_("reason"), blank=True, default="", db_default="")
    ip = models.GenericIPAddressField(_("IP address"), null=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True, default="", db_default="")

    class Meta:
        db_table = "attendance_audit_log"
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [
            models.Index(fields=["object_type", "object_id", "at"], name="audit_by_object"),
            models.Index(fields=["school_id", "-at", "-id"], name="audit_by_school"),
            models.Index(fields=["xid", "id"], name="audit_by_transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"


class AuditSeal(models.Model):
    """A link of the chain: HMAC over the entries of one year in [from_xid, upto_xid), in (xid, id) order.

    `manifest` says of each entry which it is and how the hash ran on, so that a break can be named
    (`audit.services.chain`).
    """

    append_only: ClassVar[bool] = True

    id = models.BigAutoField(primary_key=True)
    year = models.PositiveSmallIntegerField(_("year"))
    system_identifier = models.CharField(_("database cluster"), max_length=24)
    from_xid = TransactionIdField()
    upto_xid = TransactionIdField()
    entries = models.PositiveIntegerField(_("entries"))
    previous = models.CharField(_("previous seal"), max_length=64)
    mac = models.CharField(_("seal"), max_length=64)
    manifest = models.BinaryField(_("manifest"))
    sealed_at = models.DateTimeField(_("sealed at"))

    class Meta:
        db_table = "audit_seal"
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        constraints = [models.UniqueConstraint(fields=["previous"], name="audit_seal_one_chain")]
        indexes = [models.Index(fields=["system_identifier", "upto_xid"], name="audit_seal_by_cluster")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.year}"


class RetentionRun(models.Model):
    """What one transaction of retention took away for good: of which table, year and school, how much, and a digest.

    Append-only; school and actor are plain ids, so that nothing can take the evidence along with it.
    """

    append_only: ClassVar[bool] = True

    id = models.BigAutoField(primary_key=True)
    table = models.CharField(_("table"), max_length=63)
    year = models.PositiveSmallIntegerField(_("year"))
    school_id = models.BigIntegerField(_("school"), null=True)
    rows = models.PositiveBigIntegerField(_("rows that went"))
    held = models.PositiveBigIntegerField(_("rows kept under legal hold"))
    #: SHA-256 over the SHA-256 of each row that went: somebody with a backup can show that it was these.
    digest = models.CharField(_("digest"), max_length=64)
    actor_id = models.BigIntegerField(_("actor"), null=True)
    at = models.DateTimeField(_("at"))
    duration_ms = models.PositiveIntegerField(_("duration (ms)"))
    #: The longest that readers and writers of the table could have had to wait for it.
    locked_ms = models.PositiveIntegerField(_("locked (ms)"), default=0, db_default=0)

    class Meta:
        db_table = "audit_retention_run"
        verbose_name = _("retention run")
        verbose_name_plural = _("retention runs")
        ordering = ["-id"]
        indexes = [models.Index(fields=["table", "year"], name="retention_run_by_year")]

    def __str__(self) -> str:
        return f"{self.table} {self.year}"
