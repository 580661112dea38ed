"""Forms of the list of anomalies."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from academics.models import Section
from attendance.enums import AnomalyKind
from attendance.web.days import day_field


class AnomalyForm(forms.Form):
    """What the list is narrowed to."""

    first = day_field(label=_("From"), required=False)
    until = day_field(label=_("Until"), required=False)
    section = forms.ModelChoiceField(
        Section.objects.none(), required=False, label=_("Section"), empty_label=_("All sections")
    )
    session = forms.UUIDField(required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(required=False, choices=AnomalyKind.choices, widget=forms.HiddenInput)
    show = forms.ChoiceField(
        required=False, choices=[("dismissed", _("Looked at"))], widget=forms.HiddenInput
    )

    def __init__(self, data: Any, *, sections: QuerySet[Section]) -> None:
        super().__init__(data)
        cast(forms.ModelChoiceField, self.fields["section"]).queryset = sections
        if not sections:
            del self.fields["section"]


class DismissForm(forms.Form):
    """One case of the list, and why it is fine."""

    kind = forms.ChoiceField(choices=AnomalyKind.choices)
    subject = forms.CharField(max_length=120)
    remark = forms.CharField(required=False, max_length=500)
