"""Legal holds: what is stored about somebody stays beyond its time, because somebody must be able to ask for it."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from academics.models import Student
from academics.services.scope import same_school
from accounts.models import School, User
from attendance.models import LegalHold
from audit.services.entries import operation
from core.db import still_there
from core.errors import Invalid, ReasonRequired


@transaction.atomic
def place(
    *,
    school: School,
    student: Student | None = None,
    reason: str,
    from_date: date | None = None,
    until_date: date | None = None,
    by: User,
    now: datetime,
) -> LegalHold:
    """Keep a student's data, or everybody's of the school, of classes on these days (open-ended where empty).

    Raises ReasonRequired, CrossSchool, Invalid (`until_date`).
    """
    if not reason.strip():
        raise ReasonRequired
    same_school(school, student=student)
    if from_date is not None and until_date is not None and until_date < from_date:
        raise Invalid(detail=_("The last day lies before the first."), attr="until_date")
    with operation(by=by, at=now) as op:
        hold = LegalHold.objects.create(
            school=school,
            student=student,
            reason=reason,
            from_date=from_date,
            until_date=until_date,
            placed_by=by,
            placed_at=now,
        )
        op.record(
            "hold.place",
            hold,
            school_id=school.pk,
            after={
                "student": student.enrollment_no if student else None,
                "from_date": from_date,
                "until_date": until_date,
            },
            reason=reason,
        )
    return hold


@transaction.atomic
def lift(*, hold: LegalHold, reason: str, by: User, now: datetime) -> LegalHold:
    """Let it go: the next run of retention takes what nothing else keeps. Harmless to repeat.

    Raises NotFound, ReasonRequired.
    """
    if not reason.strip():
        raise ReasonRequired
    hold = still_there(LegalHold.objects.select_for_update(of=("self",)), hold.pk)
    if hold.lifted_at is not None:
        return hold
    with operation(by=by, at=now) as op:
        hold.lifted_at, hold.lifted_by = now, by
        hold.save(update_fields=["lifted_at", "lifted_by"])
        op.record(
            "hold.lift",
            hold,
            school_id=hold.school_id,
            before={"lifted_at": None},
            after={"lifted_at": now},
            reason=reason,
        )
    return hold
