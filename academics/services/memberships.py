"""Who sits in a section, from when to when.

Every function here takes the school's membership lock first, so that a new section and a new student of the same
cohort, made at the same moment, cannot miss each other. What set-based work these do is in `membership_sql`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import F, Q

from academics.errors import DatesReversed, EnrollmentOverlap, JoinedLater, SameCohort
from academics.models import Cohort, Enrollment, Section, Student
from academics.services import membership_sql as sql
from academics.services.scope import same_school
from academics.services.snapshots import refresh_snapshots
from accounts.models import User
from audit.services import entries
from core import locks


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change of cohorts did to enrollments: numbers of rows."""

    left: int
    joined: int


def lock(school_id: int) -> None:
    """One writer of memberships per school at a time, until the transaction ends."""
    locks.lock("memberships", school_id)


@transaction.atomic
def enroll(
    *,
    student: Student,
    section: Section,
    joined_on: date,
    left_on: date | None = None,
    by: User | None,
    now: datetime,
) -> Enrollment:
    """Put a student into a section: on its roster on day d when ``joined_on <= d < left_on``.

    Raises DatesReversed, EnrollmentOverlap, CrossSchool.
    """
    same_school(section.school_id, student=student)
    _in_order(joined_on, left_on)
    lock(section.school_id)
    present = Q(left_on__isnull=True) | Q(left_on__gt=joined_on)
    overlapping = Enrollment.objects.filter(present, student=student, section=section)
    if left_on is not None:
        overlapping = overlapping.filter(joined_on__lt=left_on)
    if left_on != joined_on and overlapping.exists():
        raise EnrollmentOverlap(student=student.enrollment_no, attr="joined_on")
    with entries.operation(by=by, at=now) as operation:
        enrollment = Enrollment.objects.create(
            student=student, section=section, joined_on=joined_on, left_on=left_on
        )
        operation.record(
            "enrollment.create",
            enrollment,
            school_id=section.school_id,
            after={
                "student": student.enrollment_no,
                "section": str(section.pk),
                "joined_on": joined_on,
                "left_on": left_on,
            },
        )
    return enrollment


@transaction.atomic
def leave(*, enrollment: Enrollment, left_on: date, by: User | None, now: datetime) -> Enrollment:
    """End a membership; `left_on` is the first day that no longer counts. Raises DatesReversed, EnrollmentOverlap."""
    lock(enrollment.section.school_id)
    enrollment = Enrollment.objects.select_related("student", "section").get(pk=enrollment.pk)
    _in_order(enrollment.joined_on, left_on)
    later = Enrollment.objects.filter(
        student=enrollment.student, section=enrollment.section, joined_on__gte=enrollment.joined_on
    ).exclude(pk=enrollment.pk)
    if (
        later.filter(joined_on__lt=left_on)
        .filter(Q(left_on__isnull=True) | Q(left_on__gt=F("joined_on")))
        .exists()
    ):
        raise EnrollmentOverlap(student=enrollment.student.enrollment_no, attr="left_on")
    if enrollment.left_on != left_on:
        with entries.operation(by=by, at=now) as operation:
            operation.record(
                "enrollment.leave",
                enrollment,
                school_id=enrollment.section.school_id,
                before={"left_on": enrollment.left_on},
                after={"left_on": left_on},
            )
            enrollment.left_on = left_on
            enrollment.save(update_fields=["left_on"])
    return enrollment


@transaction.atomic
def transfer(*, student: Student, cohort: Cohort, on: date, by: User | None, now: datetime) -> Student:
    """Move a student to another cohort: from `on` they sit in its sections and no longer in those of the old one.

    Both dates are the same; electives and sections of a common class group stay; earlier marks are not touched,
    and nothing of the new sections before `on` is counted. Raises SameCohort, JoinedLater, CrossSchool.
    """
    same_school(student.school_id, cohort=cohort)
    lock(student.school_id)
    student = Student.objects.select_related("cohort", "user", "school").get(pk=student.pk)
    if student.cohort_id == cohort.pk:
        raise SameCohort(student=student.enrollment_no, cohort=cohort.code, attr="cohort")
    move = sql.Move(student.pk, student.cohort_id, cohort.pk)
    first_day = sql.joined_after([move], on=on).get(student.pk)
    if first_day is not None:
        raise JoinedLater(student=student.enrollment_no, day=first_day.isoformat(), attr="on")
    with entries.operation(by=by, at=now) as operation:
        before = {"cohort": student.cohort.code if student.cohort else None}
        student.cohort = cohort
        student.save(update_fields=["cohort"])
        moved = apply_moves([move], school_id=student.school_id, on=on, today=student.school.local_date(now))
        refresh_snapshots(student_ids=[student.pk], now=now)
        after = {
            "cohort": cohort.code,
            "on": on,
            "sections_left": moved.left,
            "sections_joined": moved.joined,
        }
        operation.record("student.transfer", student, school_id=student.school_id, before=before, after=after)
    student.refresh_from_db(fields=["current_snapshot"])
    return student


def enroll_cohort(*, section: Section, by: User | None, now: datetime) -> int:
    """Put everybody of the section's cohort on its roster from the term's start; how many that were.

    Harmless to repeat. Whoever joined the cohort later in this term joins the section on the same day.
    """
    return enroll_cohorts(sections=[section], by=by, now=now)


@transaction.atomic
def enroll_cohorts(*, sections: Collection[Section], by: User | None, now: datetime) -> int:
    """`enroll_cohort` for many sections of one school in one statement."""
    if not sections:
        return 0
    school_id = next(iter(sections)).school_id
    for section in sections:
        same_school(school_id, section=section)
    lock(school_id)
    count = sql.fill_sections([section.pk for section in sections])
    if count:
        with entries.operation(by=by, at=now) as operation:
            operation.record(
                "enrollment.create",
                school_id=school_id,
                object_type="section",
                object_id=str(next(iter(sections)).pk) if len(sections) == 1 else "",
                after={"count": count, "sections": len(sections)},
            )
    return count


def apply_moves(moves: Collection[sql.Move], *, school_id: int, on: date | None, today: date) -> Moved:
    """Enrollments of students whose cohort changed; `on` None is the start of each term not over `today`.

    For callers that changed `Student.cohort`, hold the lock and write the audit entry themselves.
    """
    lock(school_id)
    left = sql.leave_old_sections(moves, on=on or today) if any(move.old_cohort for move in moves) else 0
    return Moved(left=left, joined=sql.join_new_sections(moves, on=on, today=today))


def _in_order(joined_on: date, left_on: date | None) -> None:
    if left_on is not None and left_on < joined_on:
        raise DatesReversed(attr="left_on")
