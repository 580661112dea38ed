"""What pages of every app share: refusals as messages, and the way in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core.errors import DomainError, Invalid


def attempt(request: HttpRequest, act: Callable[[], Any], *, success: str = "") -> bool:
    """Make one domain call of a page; says on the next page how it went. Returns whether it went well."""
    try:
        act()
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return False
    if success:
        messages.success(request, success)
    return True


def understood(form: Form) -> dict[str, Any]:
    """What a form says that nobody has typed. Raises Invalid, which names the first field that is wrong."""
    if not form.is_valid():
        field, refusals = next(iter(form.errors.items()))
        raise Invalid(detail=refusals[0], attr=field)
    return form.cleaned_data


def back_to(name: str, *args: Any) -> HttpResponse:
    """A redirect by route name after a POST."""
    return redirect(name, *args)
