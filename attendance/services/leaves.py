"""Leave: applied for by a student, decided by somebody else, and exactly undone when it is revoked.

Order of locks: the leave's row (a new one: the student's name), then the classes it covers in the order of their ids,
then their records. Closing locks the class before it looks for leaves, so that of an approval and a closing at the
same moment the later one always sees what the earlier one did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from academics.models import Student
from accounts.models import User
from attendance import errors
from attendance.enums import LeaveStatus
from attendance.models import LeaveApplication, LeaveSession, Session
from attendance.selectors.leaves import classes_of
from attendance.services import leave_marks, notices
from attendance.services.evidence import Upload, attached
from audit.services.entries import changed, operation
from core.db import still_there
from core.errors import DomainError, Invalid, InvalidTransition, ReasonRequired
from core.ids import uuid7
from core.locks import lock
from core.many import one_by_one

#: A term and its examinations; longer ones are typing mistakes.
LONGEST_DAYS = 200


@dataclass(frozen=True, slots=True)
class LeaveOutcome:
    """What a decision did: marks `changed`, and marks left as they are because their class is `locked`.

    Somebody of the office may decide the same again to change those as well.
    """

    leave: LeaveApplication
    changed: int = 0
    locked: int = 0


@transaction.atomic
def apply_for(
    *,
    student: Student,
    kind: str,
    from_date: date,
    to_date: date,
    only: Sequence[Session] = (),
    reason: str,
    upload: Upload | None = None,
    by: User,
    now: datetime,
) -> LeaveApplication:
    """Ask for leave on whole days, or with `only` for some classes of a single day.

    Raises Invalid (dates), RangeTooLong, NotTheirClass, LeaveOverlaps, FileTooLarge, FileTypeRefused.
    """
    leave = LeaveApplication(
        school_id=student.school_id, student=student, kind=kind, reason=reason, applied_at=now, applied_by=by
    )
    _check(leave, from_date, to_date, only)
    with attached(leave, upload), operation(by=by, at=now) as op:
        leave.save(force_insert=True)
        _keep_classes(leave, only)
        op.record(
            "leave.apply",
            leave,
            school_id=leave.school_id,
            after={"student": student.pk, **_described(leave)},
        )
        notices.of_leave_asked(leave, by=by, now=now)
    return leave


@transaction.atomic
def change(
    *, leave: LeaveApplication, changes: Mapping[str, Any], by: User, now: datetime
) -> LeaveApplication:
    """Change a leave that nobody has decided yet: any of `apply_for`'s kind, from_date, to_date, only, reason, upload.

    Raises what `apply_for` raises, and InvalidTransition once it is decided.
    """
    leave = _locked(leave)
    if leave.status != LeaveStatus.PENDING:
        raise _no_way(leave, LeaveStatus.PENDING)
    before = _described(leave)
    leave.kind = changes.get("kind", leave.kind)
    leave.reason = changes.get("reason", leave.reason)
    only = changes.get("only")
    if only is None:
        only = [item.session for item in leave.classes.select_related("session").order_by("session")]
    _check(leave, changes.get("from_date", leave.from_date), changes.get("to_date", leave.to_date), only)
    old = leave.file.name if changes.get("upload") else ""
    with attached(leave, changes.get("upload")), operation(by=by, at=now) as op:
        leave.save()
        leave.classes.all().delete()
        _keep_classes(leave, only)
        op.record(
            "leave.change",
            leave,
            school_id=leave.school_id,
            **changed(before, _described(leave)),
        )
        # Whoever has not seen it yet is told of the days that hold now.
        notices.leave_settled(leave)
        notices.of_leave_asked(leave, by=by, now=now)
    if old:
        transaction.on_commit(lambda: leave.file.storage.delete(old))
    return leave


@transaction.atomic
def approve(
    *,
    leave: LeaveApplication,
    remarks: str = "",
    by: User,
    now: datetime,
    operation_id: UUID | None = None,
) -> LeaveOutcome:
    """Approve: what it covers and is absent becomes excused, or present for duty elsewhere; figures follow.

    Harmless when it is approved already. Classes that are locked change only if `by` is of the office: approving
    again, somebody of the office reaches those too. Raises OwnRequest, InvalidTransition.
    """
    leave = _locked(leave)
    _check_reviewer(leave, by)
    with operation(by=by, at=now, ident=operation_id) as op:
        if leave.status != LeaveStatus.APPROVED:
            _decide(leave, LeaveStatus.APPROVED, op, remarks=remarks, by=by, now=now)
        marks = leave_marks.grant(leave, op, locked_too=by.is_office, now=now)
    return LeaveOutcome(leave, marks.changed, marks.locked)


def approve_many(
    *, leaves: Iterable[LeaveApplication], remarks: str = "", by: User, now: datetime
) -> list[LeaveOutcome | DomainError]:
    """Approve each by itself, all under one operation_id; in the order given, what became of it or why not."""
    ident = uuid7()
    return one_by_one(
        lambda leave: approve(leave=leave, remarks=remarks, by=by, now=now, operation_id=ident), leaves
    )


@transaction.atomic
def reject(*, leave: LeaveApplication, remarks: str, by: User, now: datetime) -> LeaveOutcome:
    """Say no, and why. Raises ReasonRequired, OwnRequest, InvalidTransition unless it is pending (or rejected)."""
    _need(remarks)
    leave = _locked(leave)
    _check_reviewer(leave, by)
    if leave.status != LeaveStatus.REJECTED:
        with operation(by=by, at=now) as op:
            _decide(leave, LeaveStatus.REJECTED, op, remarks=remarks, by=by, now=now)
    return LeaveOutcome(leave)


@transaction.atomic
def cancel(*, leave: LeaveApplication, by: User, now: datetime) -> LeaveOutcome:
    """The student does not want it any more. Raises InvalidTransition unless it is pending (or cancelled)."""
    leave = _locked(leave)
    if leave.status != LeaveStatus.CANCELLED:
        with operation(by=by, at=now) as op:
            _move(leave, LeaveStatus.CANCELLED, op)
            leave.save(update_fields=["status"])
            notices.leave_settled(leave)
    return LeaveOutcome(leave)


@transaction.atomic
def revoke(*, leave: LeaveApplication, remarks: str, by: User, now: datetime) -> LeaveOutcome:
    """Take an approval back: what the leave itself made is absent again, what anybody changed since stays.

    Locked classes as in `approve`. Raises ReasonRequired, OwnRequest, InvalidTransition.
    """
    _need(remarks)
    leave = _locked(leave)
    _check_reviewer(leave, by)
    with operation(by=by, at=now) as op:
        if leave.status != LeaveStatus.REVOKED:
            _decide(leave, LeaveStatus.REVOKED, op, remarks=remarks, by=by, now=now)
        marks = leave_marks.withdraw(leave, op, locked_too=by.is_office, now=now)
    return LeaveOutcome(leave, marks.changed, marks.locked)


# -- what is asked ---------------------------------------------------------------------------------------------------


def _check(leave: LeaveApplication, from_date: date, to_date: date, only: Sequence[Session]) -> None:
    """Whether the leave may be for these days or classes; then it is."""
    # Of two applications for the same days the second one waits here, and finds the first.
    lock("leave", leave.student_id)
    _check_dates(from_date, to_date, single=bool(only))
    _check_classes(leave.student, from_date, only)
    _check_free(leave, from_date, to_date, only)
    leave.from_date, leave.to_date, leave.partial = from_date, to_date, bool(only)


def _keep_classes(leave: LeaveApplication, only: Sequence[Session]) -> None:
    LeaveSession.objects.bulk_create(
        LeaveSession(leave=leave, session=session, student=leave.student) for session in only
    )


def _described(leave: LeaveApplication) -> dict[str, Any]:
    """What the trail says of it: not the reason, which is nobody's business there."""
    return {
        "kind": leave.kind,
        "from": leave.from_date,
        "to": leave.to_date,
        "classes": sorted(str(item) for item in leave.classes.values_list("session", flat=True)),
        "file": leave.file_type,
    }


def _check_dates(from_date: date, to_date: date, *, single: bool) -> None:
    if to_date < from_date:
        raise Invalid(attr="to_date", detail=_("The last day lies before the first."))
    if single and to_date != from_date:
        raise Invalid(attr="sessions", detail=_("Leave for single classes is for one day."))
    if (to_date - from_date).days >= LONGEST_DAYS:
        raise errors.RangeTooLong(days=LONGEST_DAYS, attr="to_date")


def _check_classes(student: Student, day: date, only: Sequence[Session]) -> None:
    if not only:
        return
    theirs = classes_of(student, day)
    if any(session.pk not in theirs for session in only):
        raise errors.NotTheirClass(day=day)


def _check_free(leave: LeaveApplication, from_date: date, to_date: date, only: Sequence[Session]) -> None:
    """The friendly answer; the constraints of the tables make the rest impossible."""
    meeting = (
        LeaveApplication.objects.standing()
        .filter(student=leave.student, from_date__lte=to_date, to_date__gte=from_date)
        .exclude(pk=leave.pk)
    )
    if only:
        # Other classes of the same day may have a leave of their own.
        meeting = meeting.exclude(
            partial=True,
            pk__in=LeaveApplication.objects.filter(student=leave.student, partial=True)
            .exclude(classes__session__in=only)
            .values("pk"),
        )
    other = meeting.order_by("from_date").first()
    if other is not None:
        raise errors.LeaveOverlaps(
            first=other.from_date, last=other.to_date, meta={"leave": str(other.pk), "status": other.status}
        )


# -- what is decided -------------------------------------------------------------------------------------------------

_FROM = {
    LeaveStatus.APPROVED: {LeaveStatus.PENDING},
    LeaveStatus.REJECTED: {LeaveStatus.PENDING},
    LeaveStatus.CANCELLED: {LeaveStatus.PENDING},
    LeaveStatus.REVOKED: {LeaveStatus.APPROVED},
}
_VERBS = {
    LeaveStatus.APPROVED: "approve",
    LeaveStatus.REJECTED: "reject",
    LeaveStatus.CANCELLED: "cancel",
    LeaveStatus.REVOKED: "revoke",
}


def _locked(leave: LeaveApplication) -> LeaveApplication:
    """The leave as it is now, its row locked until the transaction ends."""
    rows = LeaveApplication.objects.select_for_update(of=("self",)).select_related("student__user", "school")
    return still_there(rows, leave.pk)


def _check_reviewer(leave: LeaveApplication, by: User) -> None:
    if by.pk in {leave.applied_by_id, leave.student.user_id}:
        raise errors.OwnRequest


def _need(remarks: str) -> None:
    if not remarks.strip():
        raise ReasonRequired(attr="remarks")


def _decide(
    leave: LeaveApplication, target: LeaveStatus, op: Any, *, remarks: str, by: User, now: datetime
) -> None:
    _move(leave, target, op, remarks=remarks)
    leave.reviewer, leave.reviewed_at, leave.remarks = by, now, remarks
    leave.save(update_fields=["status", "reviewer", "reviewed_at", "remarks"])
    notices.of_leave_decided(leave, now=now)


def _move(leave: LeaveApplication, target: LeaveStatus, op: Any, *, remarks: str = "") -> None:
    if leave.status not in _FROM[target]:
        raise _no_way(leave, target)
    op.record(
        f"leave.{_VERBS[target]}",
        leave,
        school_id=leave.school_id,
        before={"status": leave.status},
        after={"status": target.value, **({"remarks": remarks} if remarks else {})},
    )
    leave.status = target
    if target not in LeaveStatus.standing():
        leave.classes.update(standing=False)


def _no_way(leave: LeaveApplication, target: LeaveStatus) -> InvalidTransition:
    return InvalidTransition(
        current=leave.get_status_display(),
        target=target.label,
        meta={"current": leave.status, "target": target.value},
    )
