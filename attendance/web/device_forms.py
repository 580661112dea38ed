"""Forms of the pages about readers."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from academics.models import Room, Student
from academics.services import numbers
from accounts.models import School
from attendance.enums import DeviceKind, ReadingState
from attendance.models import BiometricDevice


class NetworksField(forms.CharField):
    """Networks, one a line or between commas."""

    def __init__(self, **more: Any) -> None:
        super().__init__(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), required=False, **more)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return [part for part in text.replace(",", " ").split() if part]


class DeviceForm(forms.Form):
    """What is known of a reader; what it may be, its service says."""

    name = forms.CharField(
        label=_("Name"), max_length=100, required=False, help_text=_("Such as “Gate” or “Lab 2”.")
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=DeviceKind.choices)
    room = forms.ModelChoiceField(
        Room.objects.none(), label=_("Room"), required=False, empty_label=_("No room in particular")
    )
    allowed_networks = NetworksField(
        label=_("Allowed networks"),
        help_text=_(
            "One a line, such as 10.20.0.0/16: from these it is known by its serial number alone. Readers that can "
            "send a key need none."
        ),
    )
    clock_offset = forms.IntegerField(
        label=_("Clock offset (seconds)"),
        min_value=-86_400,
        max_value=86_400,
        required=False,
        help_text=_("How far its clock is ahead; negative when it is behind. Empty: it is right."),
    )

    def __init__(self, *args: Any, school: School, **more: Any) -> None:
        super().__init__(*args, **more)
        rooms = Room.objects.filter(school=school).order_by("code")
        cast(forms.ModelChoiceField, self.fields["room"]).queryset = rooms

    def values(self) -> dict[str, Any]:
        """As the services want them."""
        return {**self.cleaned_data, "clock_offset": self.cleaned_data["clock_offset"] or 0}

    @staticmethod
    def of(device: BiometricDevice) -> dict[str, Any]:
        """What the form shows of a reader."""
        return {
            "name": device.name,
            "kind": device.kind,
            "room": device.room_id,
            "allowed_networks": "\n".join(device.allowed_networks),
            "clock_offset": device.clock_offset,
        }


class RegisterForm(DeviceForm):
    serial = forms.CharField(label=_("Serial number"), max_length=64)
    field_order = ["serial", "name", "kind", "room", "allowed_networks", "clock_offset"]


class SwitchForm(forms.Form):
    """On or off: what is neither is not taken for off."""

    on = forms.TypedChoiceField(
        choices=[("true", _("On")), ("false", _("Off"))], coerce=lambda said: said == "true"
    )


class PinForm(forms.Form):
    """Whom a number means; without an enrollment number it means nobody any more."""

    pin = forms.RegexField(r"^[A-Za-z0-9]{1,24}$", label=_("Number on the reader"), strip=True)
    student = forms.CharField(label=_("Enrollment number"), max_length=30, required=False)

    def __init__(self, *args: Any, school: School, **more: Any) -> None:
        super().__init__(*args, **more)
        self._school = school

    def clean_student(self) -> Student | None:
        number = numbers.canonical(self.cleaned_data["student"])
        if not number:
            return None
        student = Student.objects.filter(school=self._school, enrollment_no=number).first()
        if student is None:
            raise forms.ValidationError(_("There is no student with this number."))
        return student


class PinFileForm(forms.Form):
    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("With the columns pin and enrollment_no, as the reader's software exports them."),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )


class ReadingForm(forms.Form):
    """What the list of readings is narrowed to."""

    state = forms.ChoiceField(required=False, choices=ReadingState.choices)
    device = forms.ModelChoiceField(BiometricDevice.objects.none(), required=False)

    def __init__(self, data: Any, *, school: School) -> None:
        super().__init__(data)
        cast(forms.ModelChoiceField, self.fields["device"]).queryset = BiometricDevice.objects.filter(
            school=school
        )
