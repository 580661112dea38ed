"""Deciding between a mark that stands and an older one that came later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from attendance import errors
from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, AttendanceStatistics, Session, SyncConflict
from attendance.selectors import sync_conflicts as shown
from attendance.services import sessions, statistics
from attendance.services.marking import Mark, bulk_mark
from attendance.services.sync_conflicts import resolve, resolve_many
from audit.models import AuditEntry
from core.errors import InvalidTransition, ReasonRequired, Stale
from tests.attendance.scans import students_of
from tests.attendance.uploads import conflict_of, entry, send
from tests.factories import SectionFactory, SessionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return SessionFactory(open=True)


@pytest.fixture
def conflict(session: Session, now: datetime) -> SyncConflict:
    """Late stands, absent was made before it."""
    return conflict_of(session, students_of(session)[0], now=now)


@pytest.fixture
def later(now: datetime) -> datetime:
    return now + timedelta(minutes=40)


def teacher_of(session: Session) -> Any:
    return session.faculty.get().user


def record_of(conflict: SyncConflict) -> AttendanceRecord:
    return AttendanceRecord.objects.get(session=conflict.session, student=conflict.student)


def version_of(conflict: SyncConflict) -> str:
    (view,) = shown.describe(list(shown.with_people(SyncConflict.objects.filter(pk=conflict.pk))))
    return view.version


def lock(session: Session, now: datetime) -> None:
    sessions.close_session(session=session, by=None, now=now)
    sessions.lock_session(session=session, by=None, now=now)


def test_keeping_what_stands_changes_no_mark(
    session: Session, conflict: SyncConflict, later: datetime
) -> None:
    before = record_of(conflict)

    done = resolve(conflict=conflict, keep="existing", by=teacher_of(session), now=later)

    assert (done.kept, done.resolved_by, done.resolved_at) == ("existing", teacher_of(session), later)
    assert AttendanceRecord.objects.filter(pk=before.pk, marked_at=before.marked_at, status="late").exists()
    (told,) = AuditEntry.objects.filter(at=later)
    assert (told.action, told.object_id, told.actor_id) == (
        "sync_conflict.resolve",
        str(conflict.pk),
        teacher_of(session).pk,
    )
    assert told.after == {
        "kept": "existing",
        "session": str(session.pk),
        "student": conflict.student.enrollment_no,
    }


def test_taking_the_other_marks_the_student_by_hand_and_figures_follow(
    session: Session, conflict: SyncConflict, later: datetime
) -> None:
    sessions.close_session(session=session, by=None, now=later)
    teacher = teacher_of(session)

    resolve(conflict=conflict, keep="incoming", by=teacher, now=later)

    record = record_of(conflict)
    assert (record.status, record.source, record.marked_at, record.marked_by, record.offline) == (
        "absent",
        "manual",
        later,
        teacher,
        False,
    )
    assert AttendanceStatistics.objects.get(student=conflict.student).percentage == 0
    assert statistics.check() == []
    told = AuditEntry.objects.filter(action__in=["record.update", "sync_conflict.resolve"], at=later)
    assert len({one.operation_id for one in told}) == 1
    assert [one.before for one in told if one.action == "record.update"] == [{"status": "late"}]


@pytest.mark.parametrize(("keep", "other"), [("existing", "incoming"), ("incoming", "existing")])
def test_deciding_the_same_again_is_harmless_and_the_other_way_is_refused(
    session: Session, conflict: SyncConflict, later: datetime, keep: str, other: str
) -> None:
    teacher, office = teacher_of(session), UserFactory(school=session.school)
    resolve(conflict=conflict, keep=keep, by=teacher, now=later)
    before = AuditEntry.objects.count()

    assert resolve(conflict=conflict, keep=keep, by=office, now=later).resolved_by == teacher
    with pytest.raises(InvalidTransition) as refused:
        resolve(conflict=conflict, keep=other, by=office, now=later)

    assert refused.value.meta == {"current": keep, "target": other}
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize("keep", ["existing", "incoming"])
def test_conflicts_of_a_locked_class_are_the_offices(
    session: Session, conflict: SyncConflict, later: datetime, keep: str
) -> None:
    lock(session, later)
    office = UserFactory(school=session.school)

    with pytest.raises(errors.SessionLocked):
        resolve(conflict=conflict, keep=keep, reason="I was there", by=teacher_of(session), now=later)
    if keep == "incoming":
        with pytest.raises(ReasonRequired):
            resolve(conflict=conflict, keep=keep, by=office, now=later)
    resolve(conflict=conflict, keep=keep, reason="Asked both", by=office, now=later)

    assert record_of(conflict).status == ("late" if keep == "existing" else "absent")
    assert statistics.check() == []


def test_a_mark_that_changed_since_is_not_overwritten_unseen(
    session: Session, conflict: SyncConflict, later: datetime
) -> None:
    teacher = teacher_of(session)
    seen = version_of(conflict)
    bulk_mark(session=session, marks=[Mark(conflict.student.enrollment_no, "present")], by=teacher, now=later)
    now_stands = version_of(conflict)

    for version in ("", seen):
        with pytest.raises(Stale) as refused:
            resolve(conflict=conflict, keep="incoming", version=version, by=teacher, now=later)
        assert refused.value.meta == {"status": "present", "version": now_stands}
    with pytest.raises(Stale):
        resolve(conflict=conflict, keep="existing", version=seen, by=teacher, now=later)
    resolve(conflict=conflict, keep="incoming", version=now_stands, by=teacher, now=later)

    assert record_of(conflict).status == "absent"


def test_what_stands_is_kept_whatever_it_is_by_now(
    session: Session, conflict: SyncConflict, later: datetime
) -> None:
    teacher = teacher_of(session)
    bulk_mark(session=session, marks=[Mark(conflict.student.enrollment_no, None)], by=teacher, now=later)

    assert resolve(conflict=conflict, keep="existing", by=teacher, now=later).kept == "existing"
    assert not AttendanceRecord.objects.filter(student=conflict.student).exists()


def test_a_class_that_takes_no_marks_keeps_what_stands_only(
    session: Session, conflict: SyncConflict, later: datetime
) -> None:
    Session.objects.filter(pk=session.pk).update(status=SessionStatus.VOID)

    with pytest.raises(errors.NotMarkable):
        resolve(conflict=conflict, keep="incoming", by=teacher_of(session), now=later)
    assert resolve(conflict=conflict, keep="existing", by=teacher_of(session), now=later).kept == "existing"


def test_many_are_decided_each_by_itself(now: datetime, later: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=3), open=True)
    teacher = teacher_of(session)
    found = [conflict_of(session, student, now=now) for student in students_of(session)]
    asked = [(conflict, version_of(conflict)) for conflict in found]
    bulk_mark(session=session, marks=[Mark(found[1].student.enrollment_no, "present")], by=teacher, now=later)

    outcomes = resolve_many(conflicts=asked, keep="incoming", by=teacher, now=later)

    assert [type(one).__name__ for one in outcomes] == ["SyncConflict", "Stale", "SyncConflict"]
    assert [record_of(conflict).status for conflict in found] == ["absent", "present", "absent"]


def test_a_conflict_is_seen_by_those_who_run_the_class(
    session: Session, conflict: SyncConflict, now: datetime
) -> None:
    other_class = SessionFactory(section=SectionFactory(school=session.school), open=True)
    waiting = {
        "teacher": (teacher_of(session), 1),
        "office": (UserFactory(school=session.school), 1),
        "colleague": (teacher_of(other_class), 0),
        "student": (conflict.student.user, 0),
        "elsewhere": (UserFactory(), 0),
        "operator": (UserFactory(school=None, role="superuser"), 1),
    }

    assert {who: shown.waiting_for(user) for who, (user, _n) in waiting.items()} == {
        who: n for who, (_user, n) in waiting.items()
    }


def test_refused_marks_are_seen_by_those_who_run_the_class_and_by_who_made_them(
    session: Session, now: datetime
) -> None:
    colleague = teacher_of(SessionFactory(section=SectionFactory(school=session.school)))
    student, *_others = students_of(session)
    send([entry(session, student, at=now)], by=colleague, now=now)
    send([entry(session, student, at=now - timedelta(days=1))], by=teacher_of(session), now=now)
    bystander = teacher_of(SessionFactory(section=SectionFactory(school=session.school)))

    def seen(user: Any) -> list[str]:
        return sorted(one.code for one in shown.refused(user, session.school))

    assert seen(teacher_of(session)) == ["permission_denied", "uploaded_too_late"]
    assert seen(UserFactory(school=session.school)) == ["permission_denied", "uploaded_too_late"]
    assert seen(colleague) == ["permission_denied"]
    assert seen(bystander) == []


def test_the_database_keeps_decisions_whole(conflict: SyncConflict, now: datetime) -> None:
    for change in ({"kept": "existing"}, {"resolved_at": now}, {"kept": "both", "resolved_at": now}):
        with pytest.raises(IntegrityError, match="sync_conflict_decided_whole"), transaction.atomic():
            SyncConflict.objects.update(**change)
    conflict.pk = None
    with pytest.raises(IntegrityError, match="entry_id"), transaction.atomic():
        conflict.save(force_insert=True)
