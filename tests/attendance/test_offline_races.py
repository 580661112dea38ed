"""Uploads that meet: what each lock is for, held open by a lock of the test's own (docs/decisions/0005)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from attendance.models import AttendanceRecord, SyncBatch, SyncConflict, SyncEntry
from attendance.services import sessions, statistics
from attendance.services.marking import Mark, bulk_mark
from attendance.services.offline import Upload, sync
from attendance.services.sync_conflicts import resolve
from audit.models import AuditEntry
from core.ids import uuid7
from tests.attendance.scans import students_of
from tests.attendance.test_locks import OF_RECORD, OF_SESSION, background, statuses
from tests.attendance.uploads import conflict_of, entry, send, told
from tests.factories import SectionFactory, SessionFactory, UserFactory
from tests.races import Background, held, queue_up

__all__ = ["background"]

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)
#: Whoever wants to write a record waits, whoever looks does not.
OF_RECORDS = "LOCK TABLE attendance_record IN SHARE ROW EXCLUSIVE MODE"


def test_one_upload_sent_six_times_at_once_is_taken_once(now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=3), open=True)
    teacher = session.faculty.get().user
    upload = Upload(
        batch_id=uuid7(),
        device_id="tablet",
        client_now=now + 10 * MINUTE,
        entries=[entry(session, student, at=now) for student in students_of(session)],
    )

    def act(_index: int) -> list[str]:
        return told(sync(school=session.school, upload=upload, by=teacher, now=now + 10 * MINUTE))

    # Without the lock on the person all of them would have looked for what came before when they wait here.
    outcomes = queue_up(6, act, behind=OF_RECORDS)

    assert sorted(outcomes) == [["created"] * 3] + [["duplicate"] * 3] * 5, outcomes
    assert (SyncBatch.objects.count(), SyncEntry.objects.count()) == (1, 3)
    assert AuditEntry.objects.filter(action="record.create").count() == 3


def test_two_devices_with_opposite_marks_at_once_lose_and_double_nothing(now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=3), open=True)
    students = students_of(session)
    people = [session.faculty.get().user, UserFactory(school=session.school)]
    # The teacher's marks are the earlier ones.
    wanted = [("present", now + MINUTE), ("absent", now + 2 * MINUTE)]

    def act(index: int) -> list[str]:
        status, at = wanted[index]
        entries = [entry(session, student, status, at=at) for student in students]
        return told(send(entries, by=people[index], now=now + 10 * MINUTE))

    # Both have seen that there are no records when they wait to write them.
    first, second = queue_up(2, act, behind=OF_RECORDS)

    # Whichever came first: the later mark stands, and of the earlier one there is a conflict, unless it came first.
    assert (first, second) in [
        (["created"] * 3, ["updated"] * 3),
        (["conflict"] * 3, ["created"] * 3),
    ], (first, second)
    assert statuses(session) == ["absent"] * 3
    assert SyncEntry.objects.count() == 6
    assert SyncConflict.objects.count() == first.count("conflict")


def test_an_upload_and_a_mark_by_hand_at_once_make_one_record(now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=1), open=True)
    (student,) = students_of(session)
    teacher, office = session.faculty.get().user, UserFactory(school=session.school)
    later = now + 10 * MINUTE

    def act(index: int) -> object:
        if index:
            return bulk_mark(
                session=session, marks=[Mark(student.enrollment_no, "late")], by=office, now=later
            ).saved
        return told(send([entry(session, student, at=now)], by=teacher, now=later))

    uploaded, saved = queue_up(2, act, behind=OF_RECORDS)

    assert saved == 1
    assert uploaded in (["created"], ["conflict"]), uploaded
    assert statuses(session) == ["late"]
    assert SyncConflict.objects.count() == (uploaded == ["conflict"])


def test_a_class_does_not_close_around_an_upload(now: datetime, background: Background) -> None:
    session = SessionFactory(section=SectionFactory(students=1), open=True)
    (student,) = students_of(session)
    teacher, office = session.faculty.get().user, UserFactory(school=session.school)
    bulk_mark(session=session, marks=[Mark(student.enrollment_no, "absent")], by=office, now=now)
    with held(OF_RECORD, session.pk):
        uploading = background.start_and_wait(
            lambda: told(send([entry(session, student, at=now + MINUTE)], by=teacher, now=now + 2 * MINUTE))
        )
        closing = background.start_and_wait(
            lambda: sessions.close_session(session=session, by=None, now=now + 2 * MINUTE)
        )

    assert uploading.result() == ["updated"]
    assert closing.result().is_counted
    assert statuses(session) == ["present"]
    assert statistics.check() == []


def test_uploads_into_classes_that_are_closed_meet_without_waiting_for_ever(now: datetime) -> None:
    """Both hold both classes, whatever the order in which they name them, before they touch any figures."""
    section = SectionFactory(students=4)
    teacher = SessionFactory(section=section, starts_at=now - 120 * MINUTE, open=True).faculty.get()
    classes = [
        SessionFactory(section=section, teacher=teacher, starts_at=now + index * 60 * MINUTE, open=True)
        for index in range(2)
    ]
    for session in classes:
        sessions.close_session(session=session, by=None, now=session.ends_at)
    people = [teacher.user, UserFactory(school=section.school)]

    def act(index: int) -> list[str]:
        entries = [
            entry(session, student, ["present", "late"][index], at=session.starts_at + index * MINUTE)
            for session in (classes if index else reversed(classes))
            for student in students_of(session)
        ]
        return told(send(entries, by=people[index], now=now + 115 * MINUTE))

    first, second = queue_up(2, act, behind=OF_SESSION, values=[max(one.pk for one in classes)])

    assert (first, second) in [
        (["updated"] * 8, ["updated"] * 8),
        (["conflict"] * 8, ["updated"] * 8),
    ], (first, second)
    assert statistics.check() == []


def test_two_people_decide_a_conflict_once(now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=1), open=True)
    (student,) = students_of(session)
    teacher, office = session.faculty.get().user, UserFactory(school=session.school)
    conflict = conflict_of(session, student, now=now, office=office)

    outcomes = queue_up(
        2,
        lambda i: resolve(
            conflict=conflict,
            keep=["existing", "incoming"][i],
            by=[teacher, office][i],
            now=now + 30 * MINUTE,
        ),
        behind="SELECT 1 FROM attendance_sync_conflict WHERE id = %s FOR UPDATE",
        values=[conflict.pk],
    )

    assert sorted(type(one).__name__ for one in outcomes) == ["InvalidTransition", "SyncConflict"], outcomes
    assert AuditEntry.objects.filter(action="sync_conflict.resolve").count() == 1
    kept = SyncConflict.objects.get().kept
    assert AttendanceRecord.objects.get().status == {"existing": "late", "incoming": "absent"}[kept]
