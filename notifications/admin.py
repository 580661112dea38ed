"""Notices, mail and webhooks in Django admin: to see what became of them, and to set going again what was given up."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core import clock
from core.admin import PolicyAdmin
from notifications import kinds, policies
from notifications.models import Notification, OutgoingMail, Preference, WebhookDelivery, WebhookEndpoint
from notifications.services import deliveries, mails, webhooks


def _by(request: HttpRequest) -> User:
    return cast(User, request.user)


@admin.register(Notification)
class NotificationAdmin(PolicyAdmin):
    """That somebody was told and when, for whoever is asked about it; not what: that is between them and us."""

    list_display = ("created_at", "user", "kind", "in_app", "read_at", "mail_due_at", "mail")
    list_filter = ("kind", "in_app", "digest")
    list_select_related = ("user", "mail")
    search_fields = ("user__username", "=key")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    fields = ("user", "kind", "key", "created_at", "in_app", "read_at", "mail_due_at", "digest", "mail")
    seen_by = ("admin", "superuser")

    def get_queryset(self, request: HttpRequest) -> Any:
        # The model's own `visible_to` is for readers: one's own notices.
        found = self.model._default_manager.order_by(*self.ordering)
        user = _by(request)
        return found if user.role == "superuser" else found.filter(school_id=user.school_id)


@admin.register(Preference)
class PreferenceAdmin(PolicyAdmin):
    list_display = ("user", "kind", "channel", "mode")
    list_filter = ("kind", "channel", "mode")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    school_path = "user__school"
    seen_by = ("admin", "superuser")


@admin.register(OutgoingMail)
class OutgoingMailAdmin(PolicyAdmin):
    list_display = (
        "created_at",
        "user",
        "kinds",
        "digest",
        "state",
        "attempts",
        "next_try_at",
        "sent_at",
        "last_error",
    )
    list_filter = ("state", "digest", "language")
    list_select_related = ("user",)
    search_fields = ("user__username", "=id")
    date_hierarchy = "created_at"
    actions = ("send_again",)
    seen_by = ("admin", "superuser")

    @admin.action(description=_("Send again what was given up"))
    def send_again(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: OutgoingMail) -> None:
            mails.resend(mail=obj, by=_by(request), now=clock.now())

        found = queryset.select_related("school")
        self.each(request, found, act, lambda user, obj: policies.can_resend_mail(user, obj.school))


@admin.register(WebhookEndpoint)
class WebhookAdmin(PolicyAdmin):
    """Made here or through the API; the secret is shown once, where it is made."""

    list_display = ("name", "url", "kinds", "is_active", "failures", "next_try_at", "parked_at", "last_error")
    list_filter = ("is_active", ("parked_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "url")
    fields = ("name", "url", "kinds", "is_active")
    actions = ("resume_webhooks", "send_tests", "rotate_secrets")
    seen_by = ("admin", "superuser")

    def may_add(self, user: Any) -> bool:
        return bool(user.school_id) and policies.can_manage_webhooks(user, user.school)

    def may_change(self, user: Any, obj: Any) -> bool:
        return policies.can_change_webhook(user, obj)

    may_delete = may_change

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "kinds":
            return forms.MultipleChoiceField(
                label=db_field.verbose_name,
                help_text=db_field.help_text,
                choices=[(kind.code, kind.label) for kind in kinds.for_webhooks()],
                widget=forms.CheckboxSelectMultiple,
                required=False,
            )
        if db_field.name == "url":
            kwargs["widget"] = forms.URLInput(attrs={"class": "vURLField", "placeholder": "https://"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        made = (
            "failures",
            "next_try_at",
            "parked_at",
            "last_error",
            "previous_until",
            "created_by",
            "created_at",
        )
        return self.fields if obj is None else (*cast(Any, self.fields), *made)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else tuple(self.get_fields(request, obj))[4:]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        said = form.cleaned_data
        if change:
            values = {name: said[name] for name in form.changed_data}
            webhooks.update(endpoint=obj, changes=values, by=_by(request), now=clock.now())
            return
        made = webhooks.create(
            school=cast(Any, _by(request).school),
            url=said["url"],
            name=said["name"],
            wanted=said["kinds"],
            by=_by(request),
            now=clock.now(),
        )
        obj.pk, obj.school_id = made.endpoint.pk, made.endpoint.school_id
        self._show(request, made)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its deliveries go with it; nobody deletes them otherwise."""
        shown, counts, _forbidden, protected = super().get_deleted_objects(objs, request)
        return shown, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        webhooks.remove(endpoint=obj, by=_by(request), now=clock.now())

    @admin.action(description=_("Resume what was given up"))
    def resume_webhooks(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: WebhookEndpoint) -> None:
            webhooks.resume(endpoint=obj, by=_by(request), now=clock.now())

        self._each(request, queryset, act)

    @admin.action(description=_("Send a test"))
    def send_tests(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: WebhookEndpoint) -> None:
            webhooks.send_test(endpoint=obj, by=_by(request), now=clock.now())

        self._each(request, queryset, act)

    @admin.action(description=_("Make a new secret"))
    def rotate_secrets(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: WebhookEndpoint) -> None:
            self._show(request, webhooks.rotate_secret(endpoint=obj, by=_by(request), now=clock.now()))

        self._each(request, queryset, act)

    def _each(self, request: HttpRequest, queryset: Any, act: Any) -> None:
        self.each(request, queryset.select_related("school"), act, policies.can_change_webhook)

    def _show(self, request: HttpRequest, made: webhooks.WithSecret) -> None:
        told = _("The secret of {webhook}: {secret} – keep it now, nobody can show it again.")
        messages.warning(request, told.format(webhook=made.endpoint, secret=made.secret))


@admin.register(WebhookDelivery)
class DeliveryAdmin(PolicyAdmin):
    list_display = (
        "created_at",
        "endpoint",
        "kind",
        "state",
        "attempts",
        "response_status",
        "next_try_at",
        "last_error",
    )
    list_filter = ("state", "kind")
    list_select_related = ("endpoint",)
    search_fields = ("=event_id", "endpoint__url")
    date_hierarchy = "created_at"
    actions = ("send_again",)
    seen_by = ("admin", "superuser")

    @admin.action(description=_("Send again what was given up"))
    def send_again(self, request: HttpRequest, queryset: Any) -> None:
        def act(obj: WebhookDelivery) -> None:
            deliveries.resend(delivery=obj, by=_by(request), now=clock.now())

        found = queryset.select_related("school")
        self.each(request, found, act, policies.can_resend)
