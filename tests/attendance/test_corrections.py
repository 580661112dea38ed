"""A student says that a mark is wrong; whoever runs the class decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from academics.models import Student
from accounts.models import User
from attendance import errors
from attendance.enums import CorrectionStatus, SessionStatus, Source, Status
from attendance.models import AttendanceRecord, AttendanceStatistics, CorrectionRequest, Session
from attendance.services import corrections, scheduler, sessions, statistics
from attendance.services.evidence import MOST_BYTES, Upload
from attendance.services.marking import mark
from audit.models import AuditEntry
from core.db import refusal_of
from core.errors import DomainError, InvalidTransition, NotFound, ReasonRequired
from tests.attendance.evidence import NOTE, PDF, kept_files
from tests.attendance.scans import students_of
from tests.factories import CorrectionFactory, SectionFactory, SessionFactory, StudentFactory, UserFactory
from tests.races import queue_up

pytestmark = pytest.mark.django_db

#: As the fixture `ask` asks, unless told otherwise.
Ask = Callable[..., CorrectionRequest]


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def session(now: datetime) -> Session:
    """A class of two that was held: both were absent."""
    begun = SessionFactory(section=SectionFactory(students=2), open=True)
    return sessions.close_session(session=begun, by=None, now=begun.ends_at)


@pytest.fixture
def teacher(session: Session) -> User:
    return session.faculty.get().user


@pytest.fixture
def office(session: Session) -> User:
    return UserFactory(school=session.school)


@pytest.fixture
def student(session: Session) -> Student:
    return students_of(session)[0]


@pytest.fixture
def ask(session: Session, student: Student) -> Ask:
    def ask(**changes: Any) -> CorrectionRequest:
        values: dict[str, Any] = {
            "session": session,
            "student": student,
            "requested_status": Status.PRESENT,
            "reason": "I sat in the last row",
            "by": student.user,
            "now": session.ends_at,
        }
        return corrections.request_correction(**(values | changes))

    return ask


def record_of(correction: CorrectionRequest) -> AttendanceRecord:
    return AttendanceRecord.objects.get(session=correction.session, student=correction.student)


def entries(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action))


# -- asking ---------------------------------------------------------------------------------------------------------


def test_a_request_says_what_stood_there_and_changes_nothing(
    ask: Ask, session: Session, student: Student
) -> None:
    correction = ask()

    correction.refresh_from_db()
    assert (correction.status, correction.old_status, correction.requested_status) == (
        CorrectionStatus.PENDING,
        Status.ABSENT,
        Status.PRESENT,
    )
    assert (correction.reason, correction.requested_by, correction.reviewer) == (
        "I sat in the last row",
        student.user,
        None,
    )
    assert record_of(correction).status == Status.ABSENT
    (entry,) = entries("correction.request")
    assert entry.after == {
        "session": str(session.pk),
        "student": student.enrollment_no,
        "old_status": "absent",
        "requested_status": "present",
        "file": "",
    }


@pytest.mark.parametrize(("days", "late"), [(7, False), (8, True)])
def test_it_is_asked_for_within_the_days_of_the_schools_calendar(
    ask: Ask, session: Session, days: int, late: bool
) -> None:
    # 23:59 of that day at the school, of which it is 18:29 in UTC.
    midnight = session.school.local(session.starts_at).replace(hour=23, minute=59)
    at = midnight + timedelta(days=days)

    if late:
        with pytest.raises(errors.CorrectionTooLate, match="within 7 days"):
            ask(now=at)
    else:
        assert ask(now=at).status == CorrectionStatus.PENDING


def test_what_stands_already_is_not_asked_for(ask: Ask) -> None:
    with pytest.raises(errors.MarkStands) as refused:
        ask(requested_status=Status.ABSENT)

    assert (refused.value.code, refused.value.attr) == ("mark_stands", "requested_status")


def test_there_is_one_open_request_of_a_mark(ask: Ask) -> None:
    ask()
    with pytest.raises(errors.CorrectionOpen):
        ask(requested_status=Status.LATE)


def test_the_database_knows_one_open_request_of_a_mark_as_well(ask: Ask) -> None:
    first = ask()

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        CorrectionFactory(session=first.session, student=first.student)

    told = refusal_of(refused.value)
    assert told is not None
    assert (told.code, told.status) == ("correction_open", 409)


def test_after_an_answer_one_may_ask_again(ask: Ask, teacher: User, now: datetime) -> None:
    corrections.reject(correction=ask(), by=teacher, now=now)

    assert ask().status == CorrectionStatus.PENDING
    assert CorrectionRequest.objects.count() == 2


def test_somebody_who_is_not_of_the_class_cannot_ask(ask: Ask, session: Session) -> None:
    stranger = StudentFactory(school=session.school)
    with pytest.raises(errors.NotOnRoster):
        ask(student=stranger, by=stranger.user)


def test_who_has_left_the_section_may_ask_about_the_mark_they_have(
    ask: Ask, session: Session, student: Student
) -> None:
    student.enrollments.update(left_on=session.held_on)

    assert ask().status == CorrectionStatus.PENDING


def test_who_is_of_a_held_class_without_a_mark_may_ask_for_one(
    ask: Ask, session: Session, student: Student, teacher: User, now: datetime
) -> None:
    AttendanceRecord.objects.filter(student=student).delete()
    AttendanceStatistics.objects.filter(student=student).delete()

    correction = ask()
    corrections.approve(correction=correction, by=teacher, now=now)

    assert correction.old_status == ""
    assert record_of(correction).status == Status.PRESENT
    assert statistics.check() == []


@pytest.mark.parametrize(
    "status", [SessionStatus.SCHEDULED, SessionStatus.CANCELLED, SessionStatus.VOID], ids=str
)
def test_in_a_class_that_was_not_held_nothing_is_corrected(
    ask: Ask, session: Session, status: SessionStatus
) -> None:
    Session.objects.filter(pk=session.pk).update(status=status)
    session.refresh_from_db()

    with pytest.raises(errors.NotMarkable):
        ask()


@pytest.mark.parametrize("status", [SessionStatus.OPEN, SessionStatus.UNCONFIRMED], ids=str)
def test_while_a_class_takes_marks_only_a_mark_that_is_there_can_be_wrong(
    ask: Ask, session: Session, student: Student, status: SessionStatus
) -> None:
    Session.objects.filter(pk=session.pk).update(status=status)
    session.refresh_from_db()
    assert ask().status == CorrectionStatus.PENDING

    AttendanceRecord.objects.filter(student=student).delete()
    with pytest.raises(errors.NothingToCorrect):
        ask()


def test_asking_needs_a_reason(ask: Ask) -> None:
    with pytest.raises(ReasonRequired):
        ask(reason=" \n")


def test_the_reason_lies_encrypted_and_is_not_in_the_trail(ask: Ask, teacher: User, now: datetime) -> None:
    correction = corrections.approve(correction=ask(), by=teacher, now=now)

    with connection.cursor() as cursor:
        cursor.execute("SELECT reason FROM attendance_correction_request WHERE id = %s", [correction.pk])
        (kept,) = cursor.fetchone()
    assert "last row" not in kept
    told = AuditEntry.objects.values_list("before", "after", "reason")
    assert [row for row in told if "last row" in str(row)] == []


# -- files ----------------------------------------------------------------------------------------------------------


def test_a_file_is_kept_under_a_random_name_with_its_true_type(ask: Ask) -> None:
    correction = ask(upload=NOTE)

    (kept,) = kept_files()
    assert kept.read_bytes() == PDF
    assert (correction.file_name, correction.file_type) == ("Doctor's note.pdf", "application/pdf")
    assert "note" not in correction.file.name.lower()


@pytest.mark.parametrize(
    ("upload", "refusal"),
    [
        (Upload("note.pdf", b"<html>"), errors.FileTypeRefused),
        (Upload("note.pdf", b""), errors.FileTypeRefused),
        (Upload("note.pdf", PDF + b"x" * MOST_BYTES), errors.FileTooLarge),
    ],
    ids=["no PDF", "empty", "too large"],
)
def test_a_file_that_cannot_be_taken_leaves_nothing(
    ask: Ask, upload: Upload, refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        ask(upload=upload)

    assert kept_files() == []
    assert not CorrectionRequest.objects.exists()


def test_no_file_is_left_where_the_database_says_no(ask: Ask) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ask(upload=NOTE, requested_status="sleeping")

    assert kept_files() == []


# -- deciding -------------------------------------------------------------------------------------------------------


def test_approval_marks_by_hand_in_one_operation(ask: Ask, teacher: User, now: datetime) -> None:
    correction = ask()

    approved = corrections.approve(correction=correction, remarks="I saw her", by=teacher, now=now)

    assert (approved.status, approved.reviewer, approved.reviewed_at, approved.remarks) == (
        CorrectionStatus.APPROVED,
        teacher,
        now,
        "I saw her",
    )
    record = record_of(correction)
    assert (record.status, record.source, record.marked_by) == (Status.PRESENT, Source.MANUAL, teacher)
    kept = AttendanceStatistics.objects.get(student=correction.student)
    assert (kept.present, kept.absent, kept.percentage) == (1, 0, 100)
    assert statistics.check() == []
    (decided,), (changed,) = entries("correction.approve"), entries("record.update")
    assert decided.operation_id == changed.operation_id
    assert (decided.before, decided.after) == ({"status": "pending"}, {"status": "approved"})
    assert decided.reason == changed.reason == "I saw her"


def test_marks_of_one_operation_of_their_own_do_not_share_it(
    session: Session, office: User, now: datetime
) -> None:
    for status in (Status.LATE, Status.PRESENT):
        number = students_of(session)[0].enrollment_no
        mark(session=session, student=number, status=status, reason="seen", by=office, now=now)

    assert len({entry.operation_id for entry in entries("record.update")}) == 2


def test_approving_twice_is_harmless(ask: Ask, teacher: User, office: User, now: datetime) -> None:
    correction = ask()
    first = corrections.approve(correction=correction, remarks="yes", by=teacher, now=now)
    told = AuditEntry.objects.count()

    again = corrections.approve(
        correction=correction, remarks="me too", by=office, now=now + timedelta(hours=1)
    )

    assert (again.status, again.reviewer, again.reviewed_at, again.remarks) == (
        first.status,
        teacher,
        now,
        "yes",
    )
    assert AuditEntry.objects.count() == told
    assert AttendanceStatistics.objects.get(student=correction.student).present == 1


def test_approving_again_does_not_undo_what_a_hand_changed_since(
    ask: Ask, session: Session, student: Student, teacher: User, now: datetime
) -> None:
    correction = corrections.approve(correction=ask(), by=teacher, now=now)
    mark(
        session=session,
        student=student.enrollment_no,
        status=Status.LATE,
        reason="came late after all",
        by=teacher,
        now=now,
    )

    corrections.approve(correction=correction, by=teacher, now=now)

    assert record_of(correction).status == Status.LATE


def test_what_a_hand_set_right_meanwhile_is_approved_without_a_second_change(
    ask: Ask, session: Session, student: Student, teacher: User, now: datetime
) -> None:
    correction = ask()
    number = student.enrollment_no
    mark(session=session, student=number, status=Status.PRESENT, reason="seen", by=teacher, now=now)

    corrections.approve(correction=correction, by=teacher, now=now)

    assert len(entries("record.update")) == 1
    assert len(entries("correction.approve")) == 1


def test_rejecting_leaves_the_mark_and_is_harmless_to_repeat(ask: Ask, teacher: User, now: datetime) -> None:
    correction = ask()
    corrections.reject(correction=correction, remarks="The list says no", by=teacher, now=now)
    again = corrections.reject(correction=correction, by=teacher, now=now)

    assert (again.status, again.reviewer, again.remarks) == (
        CorrectionStatus.REJECTED,
        teacher,
        "The list says no",
    )
    assert record_of(correction).status == Status.ABSENT
    assert len(entries("correction.reject")) == 1


def test_a_student_takes_back_what_nobody_decided(ask: Ask, student: Student, now: datetime) -> None:
    correction = ask()
    for _ in range(2):
        corrections.cancel(correction=correction, by=student.user, now=now)

    correction.refresh_from_db()
    assert (correction.status, correction.reviewer, correction.reviewed_at) == (
        CorrectionStatus.CANCELLED,
        None,
        None,
    )
    assert len(entries("correction.cancel")) == 1


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (corrections.reject, corrections.approve),
        (corrections.cancel, corrections.approve),
        (corrections.approve, corrections.reject),
        (corrections.cancel, corrections.reject),
        (corrections.approve, corrections.cancel),
        (corrections.reject, corrections.cancel),
    ],
    ids=lambda service: service.__name__,
)
def test_a_decision_is_not_turned_round(
    ask: Ask, student: Student, teacher: User, now: datetime, first: Any, then: Any
) -> None:
    correction = ask()
    first(correction=correction, by=student.user if first is corrections.cancel else teacher, now=now)
    mark_then = record_of(correction).status

    with pytest.raises(InvalidTransition) as refused:
        then(correction=correction, by=student.user if then is corrections.cancel else teacher, now=now)

    assert refused.value.code == "invalid_transition"
    assert record_of(correction).status == mark_then


@pytest.mark.parametrize("decision", [corrections.approve, corrections.reject], ids=lambda s: s.__name__)
def test_nobody_decides_what_they_asked_for(
    ask: Ask, student: Student, office: User, now: datetime, decision: Any
) -> None:
    mine = ask(by=office)
    for person in (office, student.user):
        with pytest.raises(errors.OwnRequest):
            decision(correction=mine, by=person, now=now)

    assert record_of(mine).status == Status.ABSENT


def test_the_database_knows_no_reviewer_who_asked(ask: Ask) -> None:
    correction = ask()

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        CorrectionRequest.objects.filter(pk=correction.pk).update(reviewer=correction.requested_by)

    told = refusal_of(refused.value)
    assert told is not None
    assert (told.code, told.status) == ("own_request", 403)


def test_after_the_lock_faculty_are_refused_and_the_office_says_why(
    ask: Ask, session: Session, teacher: User, office: User, now: datetime
) -> None:
    correction = ask()
    assert scheduler.lock_due(now=now + timedelta(days=8)).done == 1

    with pytest.raises(errors.SessionLocked):
        corrections.approve(correction=correction, remarks="I saw her", by=teacher, now=now)
    with pytest.raises(ReasonRequired) as refused:
        corrections.approve(correction=correction, remarks=" ", by=office, now=now)
    assert refused.value.attr == "remarks"
    correction.refresh_from_db()
    assert correction.status == CorrectionStatus.PENDING
    assert record_of(correction).status == Status.ABSENT

    corrections.approve(correction=correction, remarks="Sheet of the lab", by=office, now=now)

    assert record_of(correction).status == Status.PRESENT
    assert entries("record.update")[0].reason == "Sheet of the lab"
    assert statistics.check() == []


def test_a_locked_class_can_still_be_asked_about_and_rejected_by_its_faculty(
    ask: Ask, session: Session, teacher: User, office: User, now: datetime
) -> None:
    locked = sessions.lock_session(session=session, by=office, now=now)

    rejected = corrections.reject(correction=ask(session=locked), by=teacher, now=now)

    assert rejected.status == CorrectionStatus.REJECTED


def test_a_class_that_became_void_is_not_corrected(
    ask: Ask, session: Session, office: User, now: datetime
) -> None:
    correction = ask()
    sessions.void_session(session=session, reason="fire drill", by=office, now=now)

    with pytest.raises(errors.NotMarkable):
        corrections.approve(correction=correction, by=office, now=now)

    correction.refresh_from_db()
    assert correction.status == CorrectionStatus.PENDING


def test_in_a_reopened_class_the_corrected_mark_counts_when_it_closes(
    ask: Ask, session: Session, teacher: User, now: datetime
) -> None:
    correction = ask()
    sessions.reopen_session(session=session, reason="forgot a row", by=teacher, now=now)

    corrections.approve(correction=correction, by=teacher, now=now)
    sessions.close_session(session=session, by=teacher, now=now)

    assert record_of(correction).status == Status.PRESENT
    assert AttendanceStatistics.objects.get(student=correction.student).percentage == 100
    assert statistics.check() == []


def test_a_request_that_is_gone_is_not_found(ask: Ask, teacher: User, now: datetime) -> None:
    correction = ask()
    CorrectionRequest.objects.filter(pk=correction.pk).delete()

    with pytest.raises(NotFound):
        corrections.approve(correction=correction, by=teacher, now=now)


# -- several at once ------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_reviewers_decide_once(self, ask: Ask, session: Session, now: datetime) -> None:
        correction = ask()
        reviewers = [UserFactory(school=session.school) for _ in range(6)]

        # Three say yes and three say no; all have read that nobody has decided.
        def act(index: int) -> Any:
            decision = corrections.approve if index % 2 else corrections.reject
            return decision(correction=correction, by=reviewers[index], now=now)

        results = queue_up(
            6,
            act,
            behind="SELECT 1 FROM attendance_correction_request WHERE id = %s FOR UPDATE",
            values=[correction.pk],
        )

        decided = CorrectionRequest.objects.get()
        yes = decided.status == CorrectionStatus.APPROVED
        told = [result.code if isinstance(result, DomainError) else result.status for result in results]
        assert sorted(told) == sorted([decided.status] * 3 + ["invalid_transition"] * 3)
        assert record_of(correction).status == (Status.PRESENT if yes else Status.ABSENT)
        (entry,) = AuditEntry.objects.filter(action__in=["correction.approve", "correction.reject"])
        assert entry.actor_id == decided.reviewer_id
        assert len(entries("record.update")) == int(yes)
        assert statistics.check() == []

    def test_a_class_that_locks_meanwhile_needs_the_offices_word(
        self, ask: Ask, session: Session, office: User, now: datetime
    ) -> None:
        correction = ask()

        # The class was closed when the approval began.
        (refused,) = queue_up(
            1,
            lambda _i: corrections.approve(correction=correction, by=office, now=now),
            behind="UPDATE attendance_session SET status = 'locked' WHERE id = %s",
            values=[session.pk],
        )

        assert isinstance(refused, ReasonRequired), refused
        assert record_of(correction).status == Status.ABSENT

    def test_of_two_who_ask_at_once_one_is_told_so(self, ask: Ask) -> None:
        # Both have looked for an open request when they wait to write theirs.
        results = queue_up(
            2,
            lambda _i: ask(upload=NOTE),
            behind="LOCK TABLE attendance_correction_request IN SHARE ROW EXCLUSIVE MODE",
        )

        (made,) = [result for result in results if isinstance(result, CorrectionRequest)]
        (refused,) = [result for result in results if isinstance(result, IntegrityError)]
        told = refusal_of(refused)
        assert told is not None
        assert (told.code, told.status) == ("correction_open", 409)
        assert [path.name for path in kept_files()] == [Path(made.file.name).name]
