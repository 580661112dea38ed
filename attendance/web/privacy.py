"""Privacy: what a person agreed to, in which words, what is kept by it, and how to take it back.

Here and not in `accounts`, which cannot know what attendance keeps by somebody's consent.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.consent_texts import current, purposes_for, text_of
from accounts.enums import ConsentPurpose
from accounts.models import Consent, User
from accounts.policies import can_consent
from accounts.services import consents
from attendance.models import BiometricTemplate
from attendance.services import privacy
from attendance.web.access import person
from core import clock
from core.web import attempt, back_to, understood


class PurposeForm(forms.Form):
    purpose = forms.ChoiceField(choices=ConsentPurpose.choices)


class AgreementForm(PurposeForm):
    """`version` is that of the text which the page showed."""

    version = forms.CharField(max_length=32)


@never_cache
@login_required
def own(request: HttpRequest) -> HttpResponse:
    """Each purpose with its text and since when it is agreed to, and below all that was agreed to and taken back."""
    user = _somebody(request)
    given = list(Consent.objects.filter(user=user).order_by("-granted_at", "-pk"))
    return render(
        request,
        "attendance/privacy.html",
        {
            "purposes": [_purpose(purpose, given) for purpose in _purposes(user, given)],
            "kept": list(
                BiometricTemplate.objects.filter(student__user=user)
                .order_by("enrolled_at", "pk")
                .only("kind", "position", "enrolled_at")
            ),
            "events": _events(given),
        },
    )


@require_POST
@login_required
def agree(request: HttpRequest) -> HttpResponse:
    """Agree to the text that the page showed. Raises Invalid."""
    user = _somebody(request)
    said = understood(AgreementForm(request.POST))
    attempt(
        request,
        lambda: consents.agree(
            user=user, purpose=said["purpose"], text_version=said["version"], now=clock.now()
        ),
        success=_("{purpose}: you agree. You can take it back at any time.").format(
            purpose=ConsentPurpose(said["purpose"]).label
        ),
    )
    return back_to("attendance:privacy")


@require_POST
@login_required
def withdraw(request: HttpRequest) -> HttpResponse:
    """Take a consent back, and with it what was kept by it. Raises Invalid."""
    user = _somebody(request)
    purpose = understood(PurposeForm(request.POST))["purpose"]
    done = privacy.withdraw(user=user, purpose=purpose, now=clock.now())
    label = ConsentPurpose(purpose).label
    parts = [
        _("{purpose}: your consent is withdrawn.").format(purpose=label)
        if done.stood
        else _("{purpose}: there was no consent to withdraw.").format(purpose=label)
    ]
    if done.removed:
        parts.append(
            ngettext(
                "{n} template was removed. Your attendance history stays.",
                "{n} templates were removed. Your attendance history stays.",
                done.removed,
            ).format(n=done.removed)
        )
    messages.success(request, " ".join(parts))
    return back_to("attendance:privacy")


def _somebody(request: HttpRequest) -> User:
    user = person(request)
    if not can_consent(user):
        raise PermissionDenied
    return user


def _purposes(user: User, given: list[Consent]) -> list[str]:
    """What this person is asked, and whatever else stands of theirs: it can be taken back."""
    asked = purposes_for(user.role)
    standing = {one.purpose for one in given if one.withdrawn_at is None}
    return [*asked, *sorted(standing - set(asked))]


def _purpose(purpose: str, given: list[Consent]) -> dict[str, Any]:
    standing = next((one for one in given if one.purpose == purpose and one.withdrawn_at is None), None)
    text = current(purpose)
    agreed = text_of(purpose, standing.text_version) if standing else None
    return {
        "value": purpose,
        "label": ConsentPurpose(purpose).label,
        "standing": standing,
        "text": text,
        # Whoever agreed to an older text sees that one, and is asked about the new one beside it.
        "agreed": agreed if standing and standing.text_version != text.version else None,
        "renewed": standing is not None and standing.text_version != text.version,
    }


def _events(given: list[Consent]) -> list[dict[str, Any]]:
    """Every agreement and withdrawal, newest first."""
    events = [
        {
            "at": at,
            "given": is_given,
            "label": ConsentPurpose(one.purpose).label,
            "version": one.text_version,
            "text": text_of(one.purpose, one.text_version),
        }
        for one in given
        for at, is_given in ((one.granted_at, True), (one.withdrawn_at, False))
        if at is not None
    ]
    return sorted(events, key=lambda event: event["at"], reverse=True)
