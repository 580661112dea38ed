"""Forms of the retention page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from academics.models import Student
from academics.services import numbers
from accounts.models import School
from attendance.web.days import day_field


class HoldForm(forms.Form):
    """A legal hold; without a student it is for everybody of the school."""

    student = forms.CharField(
        label=_("Enrollment number"),
        max_length=30,
        required=False,
        help_text=_("Leave it empty for everybody of the school."),
    )
    from_date = day_field(label=_("Classes from"), required=False)
    until_date = day_field(label=_("Classes until"), required=False)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        help_text=_("Such as the number of the case. It stays in the trail."),
    )

    def __init__(self, *args: Any, school: School, **more: Any) -> None:
        super().__init__(*args, **more)
        self._school = school

    def clean_student(self) -> Student | None:
        number = numbers.canonical(self.cleaned_data["student"])
        if not number:
            return None
        found = Student.objects.filter(school=self._school, enrollment_no=number).first()
        if found is None:
            raise forms.ValidationError(_("There is no student with this number."))
        return found


class LiftForm(forms.Form):
    reason = forms.CharField(
        label=_("Why"), max_length=500, error_messages={"required": _("Say why: this change needs a reason.")}
    )
