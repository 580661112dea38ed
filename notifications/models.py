"""What people are told, how they want to be told, and what leaves the house: mail and webhooks."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import School, User
from core.fields import EncryptedTextField
from core.ids import uuid7
from notifications.enums import Channel, Mode, SendState
from notifications.querysets import NotificationQuerySet, OfficeQuerySet, WebhookQuerySet


class Sendable(models.Model):
    """A row that is sent exactly when its state says so: see `services.leases` and decision 11."""

    state = models.CharField(_("state"), max_length=8, choices=SendState, default=SendState.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(_("next try"))
    #: Who is sending it, and until when nobody else does.
    claim = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(_("being sent until"), null=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=500, blank=True, default="")
    created_at = models.DateTimeField(_("created at"))
    sent_at = models.DateTimeField(_("sent at"), null=True)

    class Meta:
        abstract = True


def _sendable(name: str) -> list[models.BaseConstraint]:
    """What must hold of every row that leaves the house; constraints are named per table."""
    return [
        models.CheckConstraint(condition=Q(state__in=SendState.values), name=f"{name}_state_known"),
        models.CheckConstraint(
            condition=Q(state=SendState.SENDING, claim__isnull=False, lease_until__isnull=False)
            | (~Q(state=SendState.SENDING) & Q(claim__isnull=True, lease_until__isnull=True)),
            name=f"{name}_claimed_while_sending",
        ),
        models.CheckConstraint(
            condition=Q(state=SendState.SENT, sent_at__isnull=False)
            | (~Q(state=SendState.SENT) & Q(sent_at__isnull=True)),
            name=f"{name}_sent_when_sent",
        ),
    ]


class OutgoingMail(Sendable):
    """One e-mail to one person. What it says are its notices, put into words when it is sent."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, verbose_name=_("to"), on_delete=models.CASCADE, related_name="+")
    #: That of the person when the mail was put together; it stays, however often it is tried.
    language = models.CharField(_("language"), max_length=8)
    kinds = ArrayField(models.CharField(max_length=40), verbose_name=_("kinds"))
    digest = models.BooleanField(_("digest"), default=False)

    objects = OfficeQuerySet.as_manager()

    class Meta:
        db_table = "notifications_mail"
        verbose_name = _("e-mail")
        verbose_name_plural = _("e-mails")
        ordering = ["-created_at", "-id"]
        constraints = _sendable("mail")
        indexes = [
            models.Index("next_try_at", "id", condition=Q(state__in=SendState.open()), name="mail_due"),
            models.Index(fields=["user", "created_at"], name="mail_by_person"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Notification(models.Model):
    """Something one person is told. Never a sentence: `notifications.kinds` makes it in the reader's language."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    user = models.ForeignKey(
        User, verbose_name=_("to"), on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=40)
    #: Whom it is about, for those who are told of others: their name is read when the notice is.
    about = models.ForeignKey(
        User,
        verbose_name=_("about"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    #: What happened, in one word for everybody whom it concerns: a person is told of it once.
    key = models.CharField(_("key"), max_length=120)
    data = models.JSONField(_("data"), default=dict)
    created_at = models.DateTimeField(_("created at"))
    in_app = models.BooleanField(_("shown in CampusHub"), default=True)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)
    #: When an e-mail is to tell of it; null for none, and once there is one.
    mail_due_at = models.DateTimeField(_("e-mail due"), null=True, blank=True)
    digest = models.BooleanField(_("in the daily e-mail"), default=False)
    mail = models.ForeignKey(
        OutgoingMail,
        verbose_name=_("e-mail"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="notices",
        db_index=False,
    )

    objects = NotificationQuerySet.as_manager()

    class Meta:
        db_table = "notifications_notification"
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-created_at", "-id"]
        constraints = [
            # In this order, so that what everybody was told of one thing is found by it.
            models.UniqueConstraint(fields=["key", "user"], name="notice_once"),
            # Also when the mail is forgotten: nothing is due twice.
            models.CheckConstraint(
                condition=Q(mail__isnull=True) | Q(mail_due_at__isnull=True), name="notice_mailed_once"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "created_at", "id"], name="notice_by_person"),
            models.Index(
                fields=["user"], condition=Q(read_at__isnull=True, in_app=True), name="notice_unread"
            ),
            models.Index(
                "mail_due_at", "user", condition=Q(mail_due_at__isnull=False), name="notice_to_mail"
            ),
            models.Index(fields=["mail"], condition=Q(mail__isnull=False), name="notice_by_mail"),
            # Erasing a person looks for what others were told of them.
            models.Index(fields=["about"], condition=Q(about__isnull=False), name="notice_about"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Preference(models.Model):
    """How one person wants to be told of one kind of thing; without a row the kind's own default holds."""

    user = models.ForeignKey(
        User, verbose_name=_("user"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=40)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    mode = models.CharField(_("when"), max_length=8, choices=Mode)

    class Meta:
        db_table = "notifications_preference"
        verbose_name = _("notification preference")
        verbose_name_plural = _("notification preferences")
        ordering = ["user", "kind", "channel"]
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "channel"], name="preference_once"),
            models.CheckConstraint(
                condition=Q(channel=Channel.EMAIL, mode__in=Mode.values)
                | Q(channel=Channel.IN_APP, mode__in=[Mode.NOW, Mode.OFF]),
                name="preference_mode_of_channel",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.mode}"


class Round(models.Model):
    """What a school is told as a whole and only once, such as the shortages of one week."""

    school = models.ForeignKey(School, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=60)
    at = models.DateTimeField()

    class Meta:
        db_table = "notifications_round"
        verbose_name = _("round of notices")
        verbose_name_plural = _("rounds of notices")
        constraints = [models.UniqueConstraint(fields=["school", "key"], name="round_once")]

    def __str__(self) -> str:
        return self.key


class WebhookEndpoint(models.Model):
    """Where another system of the school wants to hear of things, and the secret by which it knows that it is us."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    name = models.CharField(_("name"), max_length=100, blank=True, default="")
    url = models.CharField(_("address"), max_length=500)
    secret = EncryptedTextField(max_length=100, editable=False)
    #: Signed with as well until `previous_until`, so that the receiver can change over at leisure.
    previous_secret = EncryptedTextField(max_length=100, null=True, blank=True, editable=False)
    previous_until = models.DateTimeField(_("old secret good until"), null=True, editable=False)
    kinds = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("kinds"),
        default=list,
        blank=True,
        help_text=_("Empty: all."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    #: Since the last answer that was good.
    failures = models.PositiveSmallIntegerField(_("failures in a row"), default=0, editable=False)
    next_try_at = models.DateTimeField(_("rests until"), editable=False)
    parked_at = models.DateTimeField(_("given up at"), null=True, blank=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=500, blank=True, default="", editable=False)
    created_by = models.ForeignKey(
        User,
        verbose_name=_("made by"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        editable=False,
    )
    created_at = models.DateTimeField(_("created at"), editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        db_table = "notifications_webhook"
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["school", "url"], name="webhook_url_once")]

    def __str__(self) -> str:
        return self.name or self.url

    @property
    def is_sending(self) -> bool:
        """Whether anything goes there at all."""
        return self.is_active and self.parked_at is None


class WebhookDelivery(Sendable):
    """One event on its way to one endpoint: the very bytes that are sent, however often."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    school = models.ForeignKey(
        School, verbose_name=_("school"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        verbose_name=_("webhook"),
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,
    )
    event_id = models.UUIDField(_("event"))
    kind = models.CharField(_("kind"), max_length=40)
    body = models.TextField(_("body"))
    response_status = models.PositiveSmallIntegerField(_("answer"), null=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        db_table = "notifications_delivery"
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-created_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *_sendable("delivery"),
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="delivery_once"),
        ]
        indexes = [
            models.Index("next_try_at", "id", condition=Q(state__in=SendState.open()), name="delivery_due"),
            models.Index(fields=["school", "created_at", "id"], name="delivery_by_school"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
