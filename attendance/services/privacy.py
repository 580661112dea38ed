"""Taking back what one agreed to, together with what was kept by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from academics.models import Student
from accounts.enums import ConsentPurpose
from accounts.models import User
from accounts.services import consents
from attendance.services import templates


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Whether a consent stood, and how many biometric templates went with it."""

    stood: bool
    removed: int = 0


@transaction.atomic
def withdraw(*, user: User, purpose: str, now: datetime) -> Withdrawal:
    """`user` takes a consent back; what was kept by it goes in the same transaction. Harmless to repeat."""
    stood = user.consents.filter(purpose=purpose, withdrawn_at__isnull=True).exists()
    student = Student.objects.select_related("user").filter(user=user).first()
    if student is not None and purpose == ConsentPurpose.BIOMETRIC:
        return Withdrawal(stood, templates.withdraw_consent(student=student, by=user, now=now))
    consents.withdraw(user=user, purpose=purpose, by=user, now=now)
    return Withdrawal(stood)
