"""Forms about what students ask for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from academics.models import Course
from attendance.enums import Status
from attendance.selectors.figures import CourseFigures
from core.errors import DomainError, ReasonRequired


def evidence_field(help_text: Any) -> forms.FileField:
    """A file that goes with a request; which ones can be attached, `services.evidence` says."""
    return forms.FileField(
        label=_("File"),
        required=False,
        help_text=help_text,
        widget=forms.FileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png,application/pdf,image/jpeg,image/png"}),
    )


def reason_field() -> forms.CharField:
    return forms.CharField(label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


def add_refusal(form: forms.Form, refusal: DomainError, *, other: str | None = None) -> None:
    """Say what a service refused beside the field that it is about, or else beside `other` or above the form."""
    form.add_error(refusal.attr if refusal.attr in form.fields else other, str(refusal))


class CorrectionForm(forms.Form):
    """What a mark should be, and why. Whether that can be, the service says."""

    requested_status = forms.ChoiceField(label=_("It should be"), choices=Status.choices)
    reason = reason_field()
    file = evidence_field(
        _("What shows that you are right, if there is something: PDF, JPEG or PNG, 4 MB at most.")
    )

    def __init__(self, *args: Any, mark: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Offered is what differs from the mark; what is sent all the same, the service answers with its own words.
        widget = self.fields["requested_status"].widget
        widget.choices = [choice for choice in Status.choices if choice[0] != mark]


class CourseField(forms.ModelChoiceField[Course]):
    """One of the student's courses, with its percentage."""

    known: dict[int, CourseFigures]

    def label_from_instance(self, course: Course) -> str:
        percentage = self.known[course.pk].figures.percentage
        return course.title if percentage is None else f"{course.title} · {number_format(percentage, 2)} %"


class CondonationForm(forms.Form):
    """In which course, and why. Offered are those in which one may apply; of the others the service says why not."""

    course = CourseField(Course.objects.none(), label=_("Course"), empty_label=None)
    reason = reason_field()
    fee_reference = forms.CharField(
        label=_("Fee reference"),
        max_length=60,
        required=False,
        help_text=_("The number on the receipt, if your school takes a fee for condonation."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    file = evidence_field(_("Such as a hospital's discharge summary: PDF, JPEG or PNG, 4 MB at most."))

    def __init__(
        self, *args: Any, offered: Iterable[CourseFigures], known: Iterable[CourseFigures], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        course = cast(CourseField, self.fields["course"])
        course.known = {one.course_id: one for one in known}
        course.queryset = Course.objects.filter(pk__in=course.known).order_by("title", "pk")
        open_ = {one.course_id for one in offered}
        course.widget.choices = [
            (one.pk, course.label_from_instance(one)) for one in course.queryset if one.pk in open_
        ]


class WordForm(forms.Form):
    """What the reviewer says where saying nothing will do as well."""

    remarks = forms.CharField(
        label=_("Remarks"),
        help_text=_("The student reads it."),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RemarksForm(WordForm):
    """What the reviewer says where saying nothing will not do."""

    remarks = forms.CharField(
        label=_("Why"),
        help_text=_("The student reads it."),
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": ReasonRequired.message},
    )
