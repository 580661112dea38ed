"""Days in forms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from attendance.api.fields import FIRST_DAY, LAST_DAY


def day_field(**more: Any) -> forms.DateField:
    """A date in years in which classes are held, chosen with the browser's own calendar."""
    return forms.DateField(
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
        **more,
    )
