"""What people of the demo were told lately, by the services that tell it; none of it is mailed when the demo starts."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.models import School
from attendance.enums import LeaveStatus, SessionStatus, Status
from attendance.models import AttendanceRecord, LeaveApplication, Session
from attendance.services import notices, shortages
from notifications.models import Notification

#: Of so many days back people remember what they were told.
_DAYS = timedelta(days=2)
_WEEKS = timedelta(weeks=6)
_LEAVE_DAYS = timedelta(days=10)
#: What is older than this was read.
_UNREAD = timedelta(days=1)


@transaction.atomic
def tell(school: School, *, now: datetime) -> int:
    """Absences of the last days, leave that waits and that was decided, shortages; how many notices there are."""
    _absences(school, now)
    _leave(school, now)
    shortages.tell(school=school, now=now)
    made = Notification.objects.filter(school=school)
    made.update(mail_due_at=None, digest=False)
    made.filter(created_at__lt=now - _UNREAD).update(read_at=now - _UNREAD)
    return made.count()


def _absences(school: School, now: datetime) -> None:
    """Of everybody for some days; of the one who signs in for weeks, so that there is something to leaf through."""
    held = Session.objects.filter(school=school, status=SessionStatus.CLOSED, ends_at__lte=now)
    missed = AttendanceRecord.objects.filter(
        school=school,
        student__user__username="student",
        status=Status.ABSENT,
        held_on__gte=(now - _WEEKS).date(),
    )
    chosen = Q(ends_at__gte=now - _DAYS) | Q(pk__in=missed.values("session"))
    for session in held.filter(chosen).select_related("school__attendance_configuration").order_by("ends_at"):
        notices.of_absences(session, now=session.ends_at)


def _leave(school: School, now: datetime) -> None:
    lately = LeaveApplication.objects.filter(school=school, applied_at__gte=now - _LEAVE_DAYS)
    for leave in lately.select_related("school", "student__user", "applied_by").order_by("applied_at"):
        if leave.status == LeaveStatus.PENDING:
            notices.of_leave_asked(leave, by=leave.applied_by, now=leave.applied_at)
        elif leave.reviewed_at is not None and leave.reviewed_at <= now:
            notices.of_leave_decided(leave, now=leave.reviewed_at)
