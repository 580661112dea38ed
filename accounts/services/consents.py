"""What people agree to, and take back. What they agreed to before stays on record."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.consent_texts import current, purposes_for
from accounts.enums import ConsentPurpose
from accounts.models import Consent, User
from audit.services.entries import operation
from core.errors import Invalid, Stale


@transaction.atomic
def grant(*, user: User, purpose: str, text_version: str, by: User, now: datetime) -> Consent:
    """`user` agrees to the text of that version. Harmless to repeat; another version replaces the one before.

    Raises Invalid for an unknown purpose.
    """
    if purpose not in ConsentPurpose.values:
        raise Invalid(attr="purpose", detail=_("There is no such purpose."))
    # The person's row stands for what they agreed to: two requests at once make one consent.
    User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    active = Consent.objects.filter(user=user, purpose=purpose, withdrawn_at__isnull=True).first()
    if active is not None and active.text_version == text_version:
        return active
    with operation(by=by, at=now) as op:
        if active is not None:
            active.withdrawn_at = now
            active.save(update_fields=["withdrawn_at"])
        consent = Consent.objects.create(
            user=user, purpose=purpose, text_version=text_version, granted_at=now
        )
        op.record(
            "consent.grant",
            consent,
            school_id=user.school_id,
            after={"purpose": purpose, "text_version": text_version, "user": user.pk},
        )
    return consent


def agree(*, user: User, purpose: str, text_version: str, now: datetime) -> Consent:
    """`user` agrees to the text that lies before them, which is the one in force. Harmless to repeat.

    Raises Invalid for a purpose that such a person is not asked, Stale when the text is another one by now.
    """
    if purpose not in purposes_for(user.role):
        raise Invalid(attr="purpose", detail=_("There is no such purpose."))
    if text_version != current(purpose).version:
        raise Stale
    return grant(user=user, purpose=purpose, text_version=text_version, by=user, now=now)


@transaction.atomic
def withdraw(*, user: User, purpose: str, by: User, now: datetime) -> Consent | None:
    """`user` takes a consent back; None where none stands.

    What was kept by it has to go with it: whoever keeps something has a use case of their own that calls this one
    (`attendance.services.templates.withdraw_consent` for biometrics).
    """
    User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    consent = Consent.objects.filter(user=user, purpose=purpose, withdrawn_at__isnull=True).first()
    if consent is None:
        return None
    consent.withdrawn_at = now
    consent.save(update_fields=["withdrawn_at"])
    with operation(by=by, at=now) as op:
        op.record(
            "consent.withdraw",
            consent,
            school_id=user.school_id,
            after={"purpose": purpose, "withdrawn_at": now, "user": user.pk},
        )
    return consent
