"""Django admin on the product's own terms: lists by `visible_to`, rights by policies, writes by services.

Faculty work here too and find exactly what their policies allow. What another school owns is not there (404), as
everywhere. A refusal of a service comes back as an error of the form, with everything that was typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteMixin, AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError, Invalid

_REFUSAL = "_campushub_refusal"
#: Dates outside these years are typing mistakes, and calendars break at their ends.
PLAUSIBLE_DAYS = (MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2200, 12, 31)))


class ReasonForm(ActionForm):
    """Beside the choice of an action: why."""

    reason = forms.CharField(label=_("Reason"), required=False, max_length=500)


class PolicyChangeList(ChangeList):
    def get_filters(self, request: HttpRequest) -> Any:
        try:
            return super().get_filters(request)
        except (ValueError, OverflowError) as error:
            # A year of the date hierarchy at the end of the calendar, or beyond it.
            raise IncorrectLookupParameters(error) from error


def _is_key(model: Any, value: str) -> bool:
    """Whether a row could have this key."""
    try:
        model._meta.pk.to_python(value)
    except ValidationError:
        return False
    return True


class _ShowsKeysOnly(AutocompleteMixin):
    """The library's fields with search look up what was sent to show it again, even if it is no key of anything."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        model = self.field.remote_field.model
        return super().optgroups(name, [one for one in value if _is_key(model, one)], attr)


class _SelectOne(_ShowsKeysOnly, AutocompleteSelect):
    """A choice with search."""


class _SelectMany(_ShowsKeysOnly, AutocompleteSelectMultiple):
    """Choices with search."""


class PolicyAdmin(admin.ModelAdmin[Any]):
    """Base of every admin: read-only unless a subclass says who may write.

    `school_path` leads from the model to its school (``""`` for what belongs to none).
    """

    school_path = "school"
    list_per_page = 50
    show_full_result_count = False
    #: Roles that find this model in admin at all.
    seen_by: tuple[str, ...] = ("faculty", "admin", "superuser")

    # -- who ------------------------------------------------------------------------------------------------

    def may_see(self, user: Any) -> bool:
        return bool(user.is_active and getattr(user, "role", "") in self.seen_by)

    def may_add(self, user: Any) -> bool:
        return False

    def may_change(self, user: Any, obj: Any) -> bool:
        return False

    def may_delete(self, user: Any, obj: Any) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may_see(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_see(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_see(request.user) and self.may_add(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user = cast(Any, request.user)
        return self.may_see(user) and (
            user.is_office and self._writes() if obj is None else self.may_change(user, obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and self.may_see(request.user) and self.may_delete(request.user, obj)

    def _writes(self) -> bool:
        return type(self).may_change is not PolicyAdmin.may_change

    # -- what -----------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        visible = getattr(self.model._default_manager, "visible_to", None)
        if visible is not None:
            found = cast(models.QuerySet[Any], visible(request.user))
            # Ordering by nothing would take the model's own order away.
            return found.order_by(*ordering) if (ordering := self.get_ordering(request)) else found
        found = super().get_queryset(request)
        user = cast(Any, request.user)
        if user.role == "superuser" or not self.school_path:
            return found
        return found.filter(**{self.school_path: user.school_id})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PolicyChangeList

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, forms.DateField):
            field.validators += PLAUSIBLE_DAYS
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        self._within_reach(db_field, request, kwargs)
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", _SelectOne(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        self._within_reach(db_field, request, kwargs)
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", _SelectMany(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _within_reach(self, db_field: Any, request: HttpRequest, kwargs: dict[str, Any]) -> None:
        """Choices are what the person may see: another school's rows cannot be chosen."""
        visible = getattr(db_field.remote_field.model._default_manager, "visible_to", None)
        if visible is not None and "queryset" not in kwargs:
            kwargs["queryset"] = visible(request.user)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        raise Http404

    # -- how ------------------------------------------------------------------------------------------------

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            # Once more, with the refusal among the form's errors: nothing that was typed is lost.
            setattr(request, _REFUSAL, refusal)
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        base = super().get_form(request, obj, change=change, **kwargs)
        refusal: DomainError | None = getattr(request, _REFUSAL, None)
        if refusal is None:
            return base
        attr, text = refusal.attr, str(refusal)

        class Refused(base):  # type: ignore[misc, valid-type] # the class is made per request
            def clean(self) -> dict[str, Any]:
                cleaned = super().clean() or self.cleaned_data
                self.add_error(attr if attr in self.fields else None, text)
                return cast(dict[str, Any], cleaned)

        return Refused

    def school_id_of(self, obj: Any) -> int | None:
        found: Any = obj
        for name in self.school_path.split("__") if self.school_path else []:
            found = getattr(found, name)
        return getattr(found, "pk", None)

    def response_action(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> Any:  # type: ignore[override] # the types are of a later Django
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(_is_key(self.model, value) for value in chosen):
            raise Invalid(detail=_("What was chosen is no row of this list."), attr=ACTION_CHECKBOX_NAME)
        return super().response_action(request, queryset)

    def each(self, request: HttpRequest, queryset: models.QuerySet[Any], act: Any, allowed: Any) -> None:
        """An action: one service call per object, each with its own right and its own answer."""
        done = 0
        for obj in queryset:
            if not allowed(request.user, obj):
                messages.error(request, _("{thing}: you may not do that.").format(thing=obj))
                continue
            try:
                act(obj)
                done += 1
            except DomainError as refusal:
                messages.error(request, f"{obj}: {refusal}")
        if done:
            messages.success(request, _("Done for {n}.").format(n=done))

    # The audit trail tells it; Django's own log would be a second, weaker one.

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing: see above."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing: see above."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Nothing: see above."""
