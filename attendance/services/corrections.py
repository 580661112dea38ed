"""Corrections: a student says that a mark is wrong, and whoever runs the class decides.

Every decision holds the request's row first and the session's after it, so two reviewers decide once and a class
does not lock in between. Whoever comes second with the same decision gets the same answer; nothing is written again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from academics.models import Enrollment, Student
from accounts.models import User
from attendance import errors
from attendance.enums import CorrectionStatus, SessionStatus, Status
from attendance.models import AttendanceRecord, CorrectionRequest, Session
from attendance.selectors.corrections import first_day
from attendance.services import marking, notices, sessions
from attendance.services.evidence import Upload, attached
from audit.services.entries import operation
from core.db import still_there
from core.errors import DomainError, InvalidTransition, ReasonRequired
from core.ids import uuid7
from core.many import one_by_one


def request_correction(
    *,
    session: Session,
    student: Student,
    requested_status: str,
    reason: str,
    upload: Upload | None = None,
    by: User,
    now: datetime,
) -> CorrectionRequest:
    """Ask for another mark in a class, up to `max_correction_days` of the school's calendar after it was held.

    The class is closed or locked, where also who has no mark may ask for one, or it still takes marks and has one of
    this student. Raises ReasonRequired, NotOnRoster, NotMarkable, NothingToCorrect, CorrectionTooLate, MarkStands,
    CorrectionOpen, FileTooLarge, FileTypeRefused.
    """
    if not reason.strip():
        raise ReasonRequired
    old_status = standing_mark(session=session, student=student, now=now)
    if old_status == requested_status:
        raise errors.MarkStands(status=Status(old_status).label)
    correction = CorrectionRequest(
        school_id=session.school_id,
        session=session,
        student=student,
        old_status=old_status,
        requested_status=requested_status,
        reason=reason,
        requested_at=now,
        requested_by=by,
    )
    # The file goes if the row, for whatever cause, does not come to be.
    with attached(correction, upload), transaction.atomic(), operation(by=by, at=now) as op:
        correction.save(force_insert=True)
        op.record(
            "correction.request",
            correction,
            school_id=correction.school_id,
            after={
                "session": session.pk,
                "student": student.enrollment_no,
                "old_status": old_status,
                "requested_status": requested_status,
                "file": correction.file_type,
            },
        )
        notices.of_correction_asked(correction, by=by, now=now)
    return correction


def standing_mark(*, session: Session, student: Student, now: datetime) -> str:
    """The mark of which a correction may be asked for now, empty where there is none; writes nothing.

    Raises NotOnRoster, NotMarkable, NothingToCorrect, CorrectionTooLate, CorrectionOpen.
    """
    old_status = _old_status(session, student)
    _within_days(session, now=now)
    waiting = CorrectionRequest.objects.filter(status=CorrectionStatus.PENDING)
    if waiting.filter(session=session, student=student).exists():
        raise errors.CorrectionOpen
    return old_status


@transaction.atomic
def approve(
    *,
    correction: CorrectionRequest,
    remarks: str = "",
    by: User,
    now: datetime,
    operation_id: UUID | None = None,
) -> CorrectionRequest:
    """Make the mark what was asked for, as marking by hand does it. Harmless to repeat.

    A locked class needs an administrator, whose `remarks` are then the reason. Raises OwnRequest, InvalidTransition,
    NotMarkable, SessionLocked, ReasonRequired, StudentNotOnRoster, DatabaseBusy.
    """
    correction = _locked(correction)
    if not _undecided(correction, CorrectionStatus.APPROVED, by=by):
        return correction
    session = sessions.locked(correction.session)
    if session.status == SessionStatus.LOCKED and by.is_office and not remarks.strip():
        raise ReasonRequired(attr="remarks")
    with operation(by=by, at=now, ident=operation_id):
        marking.mark(
            session=session,
            student=correction.student.enrollment_no,
            status=correction.requested_status,
            # What the student wrote stays sealed; the trail leads to it.
            reason=remarks.strip() or f"correction {correction.pk}",
            by=by,
            now=now,
        )
        return _decide(correction, CorrectionStatus.APPROVED, remarks=remarks, by=by, now=now)


def approve_many(
    *, corrections: Iterable[CorrectionRequest], remarks: str = "", by: User, now: datetime
) -> list[CorrectionRequest | DomainError]:
    """Approve each by itself, all under one operation_id; in the order given, what became of it or why not."""
    act = partial(approve, remarks=remarks, by=by, now=now, operation_id=uuid7())
    return one_by_one(lambda one: act(correction=one), corrections)


@transaction.atomic
def reject(*, correction: CorrectionRequest, remarks: str = "", by: User, now: datetime) -> CorrectionRequest:
    """Leave the mark as it is. Harmless to repeat. Raises OwnRequest, InvalidTransition."""
    correction = _locked(correction)
    if not _undecided(correction, CorrectionStatus.REJECTED, by=by):
        return correction
    return _decide(correction, CorrectionStatus.REJECTED, remarks=remarks, by=by, now=now)


@transaction.atomic
def cancel(*, correction: CorrectionRequest, remarks: str = "", by: User, now: datetime) -> CorrectionRequest:
    """Take back what nobody has decided yet. Harmless to repeat. Raises InvalidTransition."""
    correction = _locked(correction)
    if not _undecided(correction, CorrectionStatus.CANCELLED, by=None):
        return correction
    return _decide(correction, CorrectionStatus.CANCELLED, remarks=remarks, by=by, now=now)


def _old_status(session: Session, student: Student) -> str:
    """The mark that stands, empty where there is none. Raises NotOnRoster, NotMarkable, NothingToCorrect."""
    found = (
        AttendanceRecord.objects.filter(session=session, held_on=session.held_on, student=student)
        .values_list("status", flat=True)
        .first()
    )
    if found is None and not _on_roster(session, student):
        raise errors.NotOnRoster
    if session.status not in SessionStatus.correctable():
        raise errors.NotMarkable(state=session.get_status_display(), meta={"status": session.status})
    if found is None and session.status not in SessionStatus.counted():
        raise errors.NothingToCorrect
    return found or ""


def _on_roster(session: Session, student: Student) -> bool:
    return Enrollment.objects.on(session.held_on).filter(student=student, section__sessions=session).exists()


def _within_days(session: Session, *, now: datetime) -> None:
    if session.held_on < first_day(session.school, now=now):
        days = session.school.attendance_configuration.max_correction_days
        raise errors.CorrectionTooLate(days=days, meta={"days": days})


def _locked(correction: CorrectionRequest) -> CorrectionRequest:
    """The request as it is now, held until the transaction ends."""
    found = CorrectionRequest.objects.select_for_update(of=("self",)).select_related("session", "student")
    return still_there(found, correction.pk)


def _undecided(correction: CorrectionRequest, target: CorrectionStatus, *, by: User | None) -> bool:
    """Whether it still can become that; False when it is that already. Raises OwnRequest, InvalidTransition."""
    if by is not None and by.pk in {correction.requested_by_id, correction.student.user_id}:
        raise errors.OwnRequest
    if correction.status == target:
        return False
    if correction.status != CorrectionStatus.PENDING:
        raise InvalidTransition(
            current=correction.get_status_display(),
            target=target.label,
            meta={"current": correction.status, "target": target.value},
        )
    return True


def _decide(
    correction: CorrectionRequest, target: CorrectionStatus, *, remarks: str, by: User, now: datetime
) -> CorrectionRequest:
    before = correction.status
    correction.status = target
    correction.remarks = remarks
    if target != CorrectionStatus.CANCELLED:
        correction.reviewer, correction.reviewed_at = by, now
    correction.save(update_fields=["status", "remarks", "reviewer", "reviewed_at"])
    with operation(by=by, at=now) as op:
        op.record(
            f"correction.{_VERBS[target]}",
            correction,
            school_id=correction.school_id,
            before={"status": before},
            after={"status": target.value},
            reason=remarks,
        )
    if target == CorrectionStatus.CANCELLED:
        notices.correction_settled(correction)
    else:
        notices.of_correction_decided(correction, now=now)
    return correction


_VERBS = {
    CorrectionStatus.APPROVED: "approve",
    CorrectionStatus.REJECTED: "reject",
    CorrectionStatus.CANCELLED: "cancel",
}
