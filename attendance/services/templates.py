"""What students are recognised by: kept sealed, with their consent, and gone with it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from academics.models import Student
from accounts.enums import ConsentPurpose
from accounts.models import Consent, User
from accounts.services import consents
from attendance import errors
from attendance.enums import DeviceKind
from attendance.models import BiometricTemplate
from attendance.services.cards import card_index
from audit.services.entries import operation
from core.errors import Invalid

#: Ten fingers.
_POSITIONS = range(10)
_LONGEST, _LONGEST_CARD = 9_000, 40


@transaction.atomic
def enrol(
    *, student: Student, kind: str, template: str, position: int = 0, by: User, now: datetime
) -> BiometricTemplate:
    """Keep a template (of a card: its number) of a student; another one of the same kind and position goes.

    Raises ConsentMissing, CardTaken, Invalid.
    """
    _judge(kind, template, position)
    # Withdrawing waits for this, or this for it: no template outlives its consent.
    User.objects.select_for_update(of=("self",)).get(pk=student.user_id)
    agreed = Consent.objects.filter(
        user=student.user_id, purpose=ConsentPurpose.BIOMETRIC, withdrawn_at__isnull=True
    )
    if not agreed.exists():
        raise errors.ConsentMissing
    index = card_index(template) if kind == DeviceKind.RFID else None
    cards = BiometricTemplate.objects.filter(school=student.school_id, card_index=index).exclude(
        student=student
    )
    if index is not None and cards.exists():
        raise errors.CardTaken
    with operation(by=by, at=now) as op:
        _of(student).filter(kind=kind, position=position).delete()
        made = BiometricTemplate.objects.create(
            school_id=student.school_id,
            student=student,
            kind=kind,
            position=position,
            template=template,
            card_index=index,
            enrolled_at=now,
            enrolled_by=by,
        )
        op.record(
            "template.enrol",
            made,
            school_id=student.school_id,
            after={"student": student.enrollment_no, "kind": kind, "position": position},
        )
    return made


@transaction.atomic
def remove(*, template: BiometricTemplate, by: User, now: datetime) -> None:
    """Delete one. Harmless to repeat."""
    count, _models = BiometricTemplate.objects.filter(pk=template.pk).delete()
    if count:
        with operation(by=by, at=now) as op:
            op.record(
                "template.remove",
                template,
                school_id=template.school_id,
                before={"student": template.student.enrollment_no, "kind": template.kind},
            )


@transaction.atomic
def withdraw_consent(*, student: Student, by: User, now: datetime) -> int:
    """Take the biometric consent back; every template goes in the same transaction. Returns how many went.

    Marks, readings and the consent's own history stay. Harmless to repeat.
    """
    with operation(by=by, at=now) as op:
        consents.withdraw(user=student.user, purpose=ConsentPurpose.BIOMETRIC, by=by, now=now)
        count, _models = _of(student).delete()
        if count:
            op.record(
                "template.remove_all",
                student,
                school_id=student.school_id,
                before={"count": count},
            )
    return count


def _of(student: Student) -> QuerySet[BiometricTemplate]:
    return BiometricTemplate.objects.filter(student=student)


def _judge(kind: str, template: str, position: int) -> None:
    if kind not in DeviceKind.values:
        raise Invalid(attr="kind", detail=_("There is no such kind."))
    if position not in _POSITIONS or (position and kind != DeviceKind.FINGERPRINT):
        raise Invalid(
            attr="position", detail=_("Fingers are counted from 0 to 9; of anything else there is one.")
        )
    longest = _LONGEST_CARD if kind == DeviceKind.RFID else _LONGEST
    if not template.strip(" 0") or len(template) > longest or "\0" in template:
        raise Invalid(attr="template", detail=_("Between one and {n} characters.").format(n=longest))
