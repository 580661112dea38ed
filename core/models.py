"""Rows that every app relies on: what waits to be sent, answers already given, health of scheduled tasks."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class OutboxMessage(models.Model):
    """A background job asked for inside a transaction, sent to the broker after its commit."""

    id = models.BigAutoField(primary_key=True)
    job = models.CharField(_("job"), max_length=120)
    arguments = models.JSONField(_("arguments"), default=dict)
    created_at = models.DateTimeField(_("created at"))
    available_at = models.DateTimeField(_("available at"))
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.TextField(_("last error"), blank=True)

    class Meta:
        db_table = "core_outbox"
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox messages")
        indexes = [
            models.Index("available_at", "id", condition=Q(sent_at__isnull=True), name="outbox_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.job} #{self.pk}"


class IdempotencyKey(models.Model):
    """The answer that a request with an Idempotency-Key got, kept for a day."""

    id = models.BigAutoField(primary_key=True)
    # A plain id: core knows no accounts.
    user_id = models.BigIntegerField(_("user"))
    route = models.CharField(_("route"), max_length=200)
    key = models.CharField(_("key"), max_length=255)
    body_hash = models.CharField(_("body hash"), max_length=64)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    response = models.JSONField(_("response"), null=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        db_table = "core_idempotency_key"
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(fields=["user_id", "route", "key"], name="idempotency_key_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class TaskHealth(models.Model):
    """When a scheduled task last ran, and how that ended."""

    name = models.CharField(_("name"), max_length=120, primary_key=True)
    period_seconds = models.PositiveIntegerField(_("period in seconds"))
    started_at = models.DateTimeField(_("last started"), null=True)
    succeeded_at = models.DateTimeField(_("last success"), null=True)
    failed_at = models.DateTimeField(_("last failure"), null=True)
    error = models.TextField(_("last error"), blank=True)

    class Meta:
        db_table = "core_task_health"
        verbose_name = _("task health")
        verbose_name_plural = _("task health")

    def __str__(self) -> str:
        return self.name
