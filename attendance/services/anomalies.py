"""Cases that somebody looked into and found fine: said, and taken back.

The school's dismissals are written one after the other, so that of one case there is one.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import School, User
from attendance.models import AnomalyDismissal
from attendance.selectors.anomalies import Anomaly
from audit.services.entries import operation
from core import locks
from core.db import still_there


@transaction.atomic
def dismiss(
    *, school: School, anomaly: Anomaly, remark: str = "", by: User, now: datetime
) -> AnomalyDismissal:
    """List a case no more, of those who are in it now. Harmless to repeat.

    Where somebody joined it since it was dismissed, the new dismissal takes the place of the old one.
    """
    locks.lock("anomalies", school.pk)
    standing = AnomalyDismissal.objects.filter(
        school=school, kind=anomaly.kind, subject=anomaly.subject, undone_at=None
    ).first()
    students = set(anomaly.student_ids)
    with operation(by=by, at=now) as op:
        if standing is not None:
            if students <= set(standing.students):
                return standing
            students |= set(standing.students)
            standing.undone_by, standing.undone_at = by, now
            standing.save(update_fields=["undone_by", "undone_at"])
        dismissal = AnomalyDismissal.objects.create(
            school=school,
            kind=anomaly.kind,
            subject=anomaly.subject,
            students=sorted(students),
            session_id=anomaly.session_id,
            remark=remark.strip(),
            dismissed_by=by,
            dismissed_at=now,
        )
        op.record(
            "anomaly.dismiss",
            dismissal,
            school_id=school.pk,
            after={
                "kind": anomaly.kind,
                "session": str(anomaly.session_id),
                "students": sorted(students),
                "remarks": remark.strip(),
            },
        )
    return dismissal


@transaction.atomic
def undo(*, dismissal: AnomalyDismissal, by: User, now: datetime) -> AnomalyDismissal:
    """List it again. Harmless to repeat. Raises NotFound."""
    dismissal = still_there(AnomalyDismissal.objects.select_for_update(of=("self",)), dismissal.pk)
    if dismissal.undone_at is not None:
        return dismissal
    dismissal.undone_by, dismissal.undone_at = by, now
    dismissal.save(update_fields=["undone_by", "undone_at"])
    with operation(by=by, at=now) as op:
        op.record(
            "anomaly.undo",
            dismissal,
            school_id=dismissal.school_id,
            before={"dismissed": True},
            after={"dismissed": False},
        )
    return dismissal
