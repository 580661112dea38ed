"""The form by which the audit trail is searched."""

from __future__ import annotations

from django import forms
from django.apps import apps
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from attendance.web.days import day_field

_APPS = ("accounts", "academics", "attendance")


def _things() -> list[tuple[str, str]]:
    """Everything that there can be entries of, as people call it."""
    found = [
        (str(model._meta.model_name), capfirst(str(model._meta.verbose_name)))
        for label in _APPS
        for model in apps.get_app_config(label).get_models()
    ]
    return [("", str(_("Anything"))), *sorted(found, key=lambda thing: thing[1])]


class TrailForm(forms.Form):
    """What is searched for: all of it must fit."""

    object_type = forms.ChoiceField(label=_("What"), required=False, choices=_things)
    object_id = forms.CharField(
        label=_("Which"),
        required=False,
        max_length=80,
        help_text=_("A student's enrollment number, a user name, or an id."),
    )
    actor = forms.CharField(
        label=_("By whom"), required=False, max_length=150, help_text=_("A name, or “system”.")
    )
    action = forms.CharField(
        label=_("Action"),
        required=False,
        max_length=60,
        help_text=_("Its beginning, such as record. or leave."),
    )
    first = day_field(label=_("From"), required=False)
    until = day_field(label=_("Until"), required=False)
    operation = forms.UUIDField(required=False, widget=forms.HiddenInput)
