"""Forms of the page about exports, one for each kind: what it may be narrowed to, with sensible beginnings."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from academics.models import Department, Section
from attendance.enums import Band, ExportFormat, ExportKind
from attendance.web.days import day_field

#: Months that can be chosen: a year of teaching.
_MONTHS = 14


class ExportForm(forms.Form):
    """What every kind asks. `filters` gives what was chosen in the words of the API."""

    kind = ""
    first_format: str = ExportFormat.XLSX

    format = forms.ChoiceField(
        label=_("Format"),
        choices=ExportFormat.choices,
        widget=forms.Select(attrs={"class": "form-select"}),
    )

    def __init__(
        self,
        data: Any = None,
        *,
        today: date,
        sections: QuerySet[Section],
        departments: QuerySet[Department],
        initial: dict[str, Any],
    ) -> None:
        super().__init__(data, initial={"format": self.first_format, **self.beginnings(today), **initial})
        if "section" in self.fields:
            cast(forms.ModelChoiceField, self.fields["section"]).queryset = sections
        if "department" in self.fields:
            cast(forms.ModelChoiceField, self.fields["department"]).queryset = departments
            if not departments:
                del self.fields["department"]
        if "month" in self.fields:
            cast(forms.ChoiceField, self.fields["month"]).choices = _months(today)

    def beginnings(self, today: date) -> dict[str, Any]:
        """What stands in the fields at first."""
        return {}

    def filters(self) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for name, value in self.cleaned_data.items():
            if name == "format" or value in (None, ""):
                continue
            if isinstance(value, Section):
                value = str(value.pk)
            elif isinstance(value, Department):
                value = value.code
            elif isinstance(value, date):
                value = value.isoformat()
            said[_API_NAMES.get(name, name)] = value
        return said


_API_NAMES = {"first": "from", "last": "to"}


def _section(**more: Any) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        Section.objects.none(),
        label=_("Section"),
        widget=forms.Select(attrs={"class": "form-select"}),
        **more,
    )


def _sections() -> forms.ModelChoiceField:
    return _section(required=False, empty_label=_("All sections"))


def _departments() -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        Department.objects.none(),
        required=False,
        to_field_name="code",
        label=_("Department"),
        empty_label=_("All departments"),
        widget=forms.Select(attrs={"class": "form-select"}),
    )


class RegisterForm(ExportForm):
    kind = ExportKind.REGISTER
    first_format = ExportFormat.PDF

    section = _section(empty_label=_("Choose a section"))
    month = forms.ChoiceField(label=_("Month"), widget=forms.Select(attrs={"class": "form-select"}))
    field_order = ["section", "month", "format"]

    def beginnings(self, today: date) -> dict[str, Any]:
        return {"month": f"{today:%Y-%m}"}


class DaysForm(ExportForm):
    first = day_field(label=_("First day"), required=False)
    last = day_field(label=_("Last day"), required=False)

    def beginnings(self, today: date) -> dict[str, Any]:
        return {"first": today.replace(day=1), "last": today}


class RecordsForm(DaysForm):
    kind = ExportKind.RECORDS

    section = _sections()
    department = _departments()
    student = forms.CharField(label=_("Enrollment number"), required=False, max_length=30)
    field_order = ["section", "department", "first", "last", "student", "format"]


class SummaryForm(ExportForm):
    kind = ExportKind.SUMMARY

    section = _sections()
    department = _departments()
    field_order = ["section", "department", "format"]


class ShortageExportForm(ExportForm):
    kind = ExportKind.SHORTAGE
    first_format = ExportFormat.PDF

    section = _sections()
    department = _departments()
    band = forms.ChoiceField(
        label=_("Band"),
        required=False,
        choices=[
            ("", _("All below the threshold")),
            *((one.value, one.label) for one in (Band.CONDONABLE, Band.SHORTAGE)),
        ],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    field_order = ["section", "department", "band", "format"]


class AuditForm(DaysForm):
    kind = ExportKind.AUDIT

    actor = forms.CharField(label=_("User name"), required=False, max_length=150)
    action = forms.CharField(
        label=_("Action"), required=False, max_length=60, help_text=_("Such as record.update.")
    )
    field_order = ["first", "last", "actor", "action", "format"]


FORMS: dict[str, type[ExportForm]] = {
    form.kind: form for form in (RegisterForm, RecordsForm, SummaryForm, ShortageExportForm, AuditForm)
}


def _months(today: date) -> list[tuple[str, str]]:
    """This month and those before it, latest first."""
    found, month = [], today.replace(day=1)
    for _number in range(_MONTHS):
        found.append((f"{month:%Y-%m}", date_format(month, "F Y")))
        month = (month - timedelta(days=1)).replace(day=1)
    return found
