"""Condonation: who lies between floor and threshold may ask to sit the examination all the same.

The head of department recommends, the office decides; no percentage changes. Every move holds the request's row
first, so two people decide once; the same decision again answers the same and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from academics.models import Course, Department, Student, Term
from academics.services.scope import same_school
from accounts.models import User
from attendance import errors
from attendance.enums import Band, CondonationStatus
from attendance.models import CondonationRequest
from attendance.selectors.figures import Figures, course_figures
from attendance.services import notices
from attendance.services.evidence import Upload, attached
from audit.services.entries import operation
from core.db import still_there
from core.errors import DomainError, InvalidTransition, ReasonRequired
from core.ids import uuid7
from core.many import one_by_one


def apply(
    *,
    student: Student,
    course: Course,
    term: Term,
    reason: str,
    fee_reference: str = "",
    upload: Upload | None = None,
    by: User,
    now: datetime,
) -> CondonationRequest:
    """Ask for condonation in one course of a term, with the percentage as it is now.

    The band of the unrounded percentage decides who may. Raises ReasonRequired, CrossSchool, NotCondonable,
    CondonationExists, FileTooLarge, FileTypeRefused.
    """
    if not reason.strip():
        raise ReasonRequired
    same_school(student.school_id, course=course, term=term)
    figures = course_figures(students=[student.pk], course_id=course.pk, term_id=term.pk).get(student.pk)
    if figures is None or figures.percentage is None or figures.band != Band.CONDONABLE:
        raise _not_condonable(student, figures)
    standing = CondonationRequest.objects.filter(status__in=CondonationStatus.standing())
    if standing.filter(student=student, course=course, term=term).exists():
        raise errors.CondonationExists
    condonation = CondonationRequest(
        school_id=student.school_id,
        student=student,
        course=course,
        term=term,
        percentage=figures.percentage,
        reason=reason,
        fee_reference=fee_reference,
        requested_at=now,
        requested_by=by,
    )
    # The file goes if the row, for whatever cause, does not come to be.
    with attached(condonation, upload), transaction.atomic(), operation(by=by, at=now) as op:
        condonation.save(force_insert=True)
        op.record(
            "condonation.apply",
            condonation,
            school_id=condonation.school_id,
            after={
                "student": student.enrollment_no,
                "course": course.code,
                "term": term.pk,
                "percentage": figures.percentage,
                "fee_reference": fee_reference,
                "file": condonation.file_type,
            },
        )
        notices.of_condonation_asked(condonation, by=by, now=now)
    return condonation


@transaction.atomic
def recommend(
    *,
    condonation: CondonationRequest,
    remarks: str = "",
    by: User,
    now: datetime,
    operation_id: UUID | None = None,
) -> CondonationRequest:
    """The head of department stands by it. Harmless to repeat. Raises OwnRequest, InvalidTransition."""
    condonation = _locked(condonation)
    _not_ones_own(condonation, by)
    if not _moves(condonation, CondonationStatus.RECOMMENDED, since={CondonationStatus.PENDING}):
        return condonation
    condonation.recommended_by, condonation.recommended_at = by, now
    condonation.recommendation = remarks
    with operation(by=by, at=now, ident=operation_id):
        return _move(condonation, CondonationStatus.RECOMMENDED, remarks=remarks, by=by, now=now)


@transaction.atomic
def approve(
    *,
    condonation: CondonationRequest,
    remarks: str = "",
    by: User,
    now: datetime,
    operation_id: UUID | None = None,
) -> CondonationRequest:
    """Condone what was recommended, or what nobody heads a department to recommend. Harmless to repeat.

    Raises OwnRequest, InvalidTransition, RecommendationMissing.
    """
    condonation = _locked(condonation)
    _not_ones_own(condonation, by)
    if not _moves(condonation, CondonationStatus.APPROVED, since=CondonationStatus.undecided()):
        return condonation
    if condonation.status == CondonationStatus.PENDING and _has_a_head(condonation):
        raise errors.RecommendationMissing
    condonation.reviewer, condonation.reviewed_at = by, now
    with operation(by=by, at=now, ident=operation_id):
        return _move(condonation, CondonationStatus.APPROVED, remarks=remarks, by=by, now=now)


def recommend_many(
    *, condonations: Iterable[CondonationRequest], remarks: str = "", by: User, now: datetime
) -> list[CondonationRequest | DomainError]:
    """Recommend each by itself, all under one operation_id; in the order given, what became of it or why not."""
    act = partial(recommend, remarks=remarks, by=by, now=now, operation_id=uuid7())
    return one_by_one(lambda one: act(condonation=one), condonations)


def approve_many(
    *, condonations: Iterable[CondonationRequest], remarks: str = "", by: User, now: datetime
) -> list[CondonationRequest | DomainError]:
    """Approve each by itself, as `recommend_many` recommends."""
    act = partial(approve, remarks=remarks, by=by, now=now, operation_id=uuid7())
    return one_by_one(lambda one: act(condonation=one), condonations)


@transaction.atomic
def reject(
    *, condonation: CondonationRequest, remarks: str = "", by: User, now: datetime
) -> CondonationRequest:
    """Refuse it, recommended or not. Harmless to repeat. Raises OwnRequest, InvalidTransition."""
    condonation = _locked(condonation)
    _not_ones_own(condonation, by)
    if not _moves(condonation, CondonationStatus.REJECTED, since=CondonationStatus.undecided()):
        return condonation
    condonation.reviewer, condonation.reviewed_at = by, now
    return _move(condonation, CondonationStatus.REJECTED, remarks=remarks, by=by, now=now)


@transaction.atomic
def cancel(
    *, condonation: CondonationRequest, remarks: str = "", by: User, now: datetime
) -> CondonationRequest:
    """Take back what the office has not decided yet. Harmless to repeat. Raises InvalidTransition."""
    condonation = _locked(condonation)
    if not _moves(condonation, CondonationStatus.CANCELLED, since=CondonationStatus.undecided()):
        return condonation
    return _move(condonation, CondonationStatus.CANCELLED, remarks=remarks, by=by, now=now)


def _not_condonable(student: Student, figures: Figures | None) -> errors.NotCondonable:
    rules = student.school.attendance_configuration
    floor, threshold = rules.condonation_floor_percent, rules.attendance_threshold_percent
    percentage, band = (figures.percentage, figures.band) if figures else (None, None)
    return errors.NotCondonable(
        floor=floor,
        threshold=threshold,
        meta={"percentage": percentage, "band": band, "floor": floor, "threshold": threshold},
    )


def _locked(condonation: CondonationRequest) -> CondonationRequest:
    """The request as it is now, held until the transaction ends."""
    found = CondonationRequest.objects.select_for_update(of=("self",)).select_related("student", "course")
    return still_there(found, condonation.pk)


def _not_ones_own(condonation: CondonationRequest, by: User) -> None:
    if by.pk in {condonation.requested_by_id, condonation.student.user_id}:
        raise errors.OwnRequest


def _has_a_head(condonation: CondonationRequest) -> bool:
    """Whether there is anybody who could recommend it."""
    departments = Q(pk=condonation.student.department_id) | Q(pk=condonation.course.department_id)
    return Department.objects.filter(departments, head__user__is_active=True).exists()


def _moves(condonation: CondonationRequest, target: CondonationStatus, *, since: Collection[str]) -> bool:
    """Whether it can become that; False when it is that already. Raises InvalidTransition."""
    if condonation.status == target:
        return False
    if condonation.status not in since:
        raise InvalidTransition(
            current=condonation.get_status_display(),
            target=target.label,
            meta={"current": condonation.status, "target": target.value},
        )
    return True


def _move(
    condonation: CondonationRequest, target: CondonationStatus, *, remarks: str, by: User, now: datetime
) -> CondonationRequest:
    before: dict[str, Any] = {"status": condonation.status}
    condonation.status = target
    # A decision without a word leaves that of the head of department.
    condonation.remarks = remarks or condonation.remarks
    condonation.save(
        update_fields=[
            "status",
            "remarks",
            "recommended_by",
            "recommended_at",
            "recommendation",
            "reviewer",
            "reviewed_at",
        ]
    )
    with operation(by=by, at=now) as op:
        op.record(
            f"condonation.{_VERBS[target]}",
            condonation,
            school_id=condonation.school_id,
            before=before,
            after={"status": target.value},
            reason=remarks,
        )
    if target == CondonationStatus.CANCELLED:
        notices.condonation_settled(condonation)
    else:
        notices.of_condonation_moved(condonation, by=by, now=now)
    return condonation


_VERBS = {
    CondonationStatus.RECOMMENDED: "recommend",
    CondonationStatus.APPROVED: "approve",
    CondonationStatus.REJECTED: "reject",
    CondonationStatus.CANCELLED: "cancel",
}
