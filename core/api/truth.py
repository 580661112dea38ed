"""Filters by yes or no, which refuse what is neither."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from django_filters.widgets import BooleanWidget


class TruthWidget(BooleanWidget):
    """Leaves what is neither true nor false as it is, for the field to refuse."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        said = super().value_from_datadict(data, files, name)
        return data.get(name) if said is None else said


class TruthField(forms.NullBooleanField):
    """True, false, or left out; the form's own field takes everything else for left out as well."""

    def to_python(self, value: Any) -> bool | None:  # type: ignore[override] # the field is made for three values
        if value in (True, False, None, ""):
            return None if value == "" else value
        raise ValidationError(_("True or false is expected."), code="invalid")


class TruthFilter(filters.BooleanFilter):
    field_class = TruthField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=TruthWidget, **kwargs)
