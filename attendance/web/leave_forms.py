"""Forms of the pages about leave."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from academics.models import Student
from attendance.api.fields import FIRST_DAY, LAST_DAY
from attendance.enums import LeaveKind
from attendance.models import LeaveApplication, Session
from core.errors import ReasonRequired


def day_field(**more: Any) -> forms.DateField:
    """A date in years in which classes are held, chosen with the browser's own calendar."""
    return forms.DateField(
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
        **more,
    )


class DaysForm(forms.Form):
    """From when to when; without a last day the first one alone."""

    from_date = day_field(label=_("First day"))
    to_date = day_field(label=_("Last day"), required=False, help_text=_("Leave it empty for a single day."))

    def clean(self) -> dict[str, Any]:
        known = self.cleaned_data
        if "from_date" in known and known.get("to_date", "") is None:
            known["to_date"] = known["from_date"]
        return known

    def single_day(self) -> date | None:
        """The day whose classes can be chosen from; None for several days, or while they cannot be read."""
        if not self.is_valid() or self.cleaned_data["to_date"] != self.cleaned_data["from_date"]:
            return None
        return self.cleaned_data["from_date"]


class LeaveForm(DaysForm):
    """An application for leave; what it may be for, its service says."""

    kind = forms.ChoiceField(label=_("Kind of leave"), choices=LeaveKind.choices)
    reason = forms.CharField(label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    file = forms.FileField(
        label=_("File"),
        required=False,
        help_text=_("Such as a doctor's note: PDF, JPEG or PNG, 4 MB at most."),
        widget=forms.FileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png,application/pdf,image/jpeg,image/png"}),
    )
    field_order = ["kind", "from_date", "to_date", "sessions", "reason", "file"]

    def __init__(self, *args: Any, student: Student, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whether a class is the student's own, the service says with a better word than "not one of the choices".
        self.fields["sessions"] = forms.ModelMultipleChoiceField(
            queryset=Session.objects.filter(school=student.school_id), required=False
        )

    def values(self) -> dict[str, Any]:
        """What was asked for, as the service calls it, but for the file."""
        names = ("kind", "from_date", "to_date", "reason")
        return {name: self.cleaned_data[name] for name in names} | {
            "only": list(self.cleaned_data["sessions"])
        }


def described(leave: LeaveApplication) -> dict[str, Any]:
    """What `LeaveForm` shows of an application that is to be changed."""
    return {
        "kind": leave.kind,
        "from_date": leave.from_date,
        "to_date": leave.to_date,
        "sessions": [str(ident) for ident in leave.classes.values_list("session", flat=True)],
        "reason": leave.reason,
    }


class RemarksForm(forms.Form):
    """What the reviewer says where saying nothing will not do."""

    remarks = forms.CharField(
        label=_("Why"),
        help_text=_("The student reads it."),
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": ReasonRequired.message},
    )
