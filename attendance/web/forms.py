"""Forms of attendance pages."""

from __future__ import annotations

import math
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from academics.models import Department, Section
from attendance.enums import Band, Keep, Status
from attendance.models import AttendanceConfiguration
from attendance.models.configuration import RULES


def finite(value: float) -> None:
    if not math.isfinite(value):
        raise ValidationError(_("Enter a number."))


class LocationForm(forms.Form):
    """Where the browser says it is; all empty when nothing was asked. Degrees, degrees, metres."""

    latitude = forms.FloatField(required=False, min_value=-90, max_value=90, validators=[finite])
    longitude = forms.FloatField(required=False, min_value=-180, max_value=180, validators=[finite])
    accuracy = forms.FloatField(required=False, min_value=0, validators=[finite])


class TokenForm(forms.Form):
    token = forms.RegexField(r"^[A-Za-z0-9_-]+$", max_length=128)


class ReasonForm(forms.Form):
    """Why; some changes need it, which their services say."""

    reason = forms.CharField(required=False, max_length=500)


class ChosenForm(forms.Form):
    """Which of two marks counts."""

    keep = forms.ChoiceField(choices=Keep.choices)


class KeepForm(ChosenForm, ReasonForm):
    """The same of one conflict, with the mark that was seen (`ConflictView.version`)."""

    version = forms.CharField(required=False, max_length=64)


class MarkForm(ReasonForm):
    """``mark=<number>:<status>``, or ``all=present`` for whoever is unmarked."""

    mark = forms.CharField(required=False, max_length=100)
    all = forms.ChoiceField(required=False, choices=[(Status.PRESENT.value, Status.PRESENT.label)])


class ConfirmForm(forms.Form):
    """Whether the class took place: what is neither is not taken for "no"."""

    held = forms.TypedChoiceField(
        choices=[("true", _("Yes")), ("false", _("No"))], coerce=lambda said: said == "true"
    )


class ConfigurationForm(forms.ModelForm[AttendanceConfiguration]):
    """Every rule of the school. `version` is what the page was made from: somebody else's change is noticed."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = AttendanceConfiguration
        fields = RULES

    def changes(self) -> dict[str, Any]:
        """What was really changed on the page, by field."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name != "version"}


class ShortageForm(forms.Form):
    """What the list of shortages is narrowed to; whoever sees no department as a whole is not asked for one."""

    department = forms.ModelChoiceField(
        Department.objects.none(),
        required=False,
        to_field_name="code",
        label=_("Department"),
        widget=forms.Select(attrs={"class": "form-select"}),
        empty_label=_("All departments"),
    )
    section = forms.ModelChoiceField(
        Section.objects.none(),
        required=False,
        label=_("Section"),
        empty_label=_("All sections"),
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    band = forms.ChoiceField(
        required=False,
        choices=[(band.value, band.label) for band in (Band.CONDONABLE, Band.SHORTAGE)],
        widget=forms.HiddenInput,
    )

    def __init__(self, data: Any, *, sections: QuerySet[Section], departments: QuerySet[Department]) -> None:
        super().__init__(data)
        cast(forms.ModelChoiceField, self.fields["section"]).queryset = sections
        cast(forms.ModelChoiceField, self.fields["department"]).queryset = departments
        if not departments:
            del self.fields["department"]
