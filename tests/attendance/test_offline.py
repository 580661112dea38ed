"""Marks made without network: which are taken, who wins, and that nothing is dropped or counts twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from attendance.enums import SessionStatus
from attendance.models import (
    AttendanceRecord,
    AttendanceStatistics,
    Session,
    SyncBatch,
    SyncConflict,
    SyncEntry,
)
from attendance.services import offline, sessions, statistics
from attendance.services.marking import Mark, bulk_mark
from attendance.services.offline import Entry, Upload
from audit.models import AuditEntry
from core.ids import uuid7
from tests.attendance.scans import students_of
from tests.attendance.uploads import DEVICE, entry, send, told
from tests.factories import RecordFactory, SectionFactory, SessionFactory, UserFactory

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def session() -> Session:
    """09:00–09:50, open, three students."""
    return SessionFactory(open=True)


@pytest.fixture
def later(now: datetime) -> datetime:
    """09:30."""
    return now + 30 * MINUTE


def teacher_of(session: Session) -> Any:
    return session.faculty.get().user


def record_of(student: Any) -> AttendanceRecord:
    return AttendanceRecord.objects.get(student=student)


def rules(session: Session, **values: Any) -> None:
    configuration = session.school.attendance_configuration
    for name, value in values.items():
        setattr(configuration, name, value)
    configuration.save()


# --- What is taken -------------------------------------------------------------------------------------------


def test_thirty_marks_are_taken_with_their_time_source_device_and_author(now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=30), open=True)
    students = students_of(session)
    teacher = teacher_of(session)
    entries = [
        entry(session, student, at=now + index * timedelta(seconds=7))
        for index, student in enumerate(students)
    ]

    results = send(entries, by=teacher, now=now + 20 * MINUTE)

    records = {record.student_id: record for record in AttendanceRecord.objects.all()}
    assert told(results) == ["created"] * 30
    assert [result.record for result in results] == [records[student.pk].pk for student in students]
    assert [records[student.pk].marked_at for student in students] == [one.captured_at for one in entries]
    assert {
        (record.status, record.source, record.offline, record.marked_by_id, record.metadata["device"])
        for record in records.values()
    } == {("present", "manual", True, teacher.pk, DEVICE)}


def test_a_device_twenty_minutes_fast_is_corrected_and_both_times_are_kept(
    session: Session, now: datetime, later: datetime
) -> None:
    (student, *_others) = students_of(session)
    fast = 20 * MINUTE

    # Made at 09:10, which the device calls 09:30.
    send([entry(session, student, at=now + 10 * MINUTE + fast)], by=teacher_of(session), now=later, fast=fast)

    kept = SyncEntry.objects.get()
    assert record_of(student).marked_at == kept.captured_at == now + 10 * MINUTE
    assert kept.told_at == now + 30 * MINUTE
    assert kept.batch.clock_offset == fast


@pytest.mark.parametrize(
    ("captured", "uploaded", "outcome"),
    [
        # Minutes after 09:00. The class takes attendance from 08:55 to 09:50.
        (-5, 30, "created"),
        (-6, 30, "rejected outside_capture_window"),
        (50, 51, "created"),
        (31, 30, "rejected captured_in_future"),
        (10, 130, "created"),
        (10, 130.02, "rejected uploaded_too_late"),
    ],
)
def test_a_mark_is_taken_if_made_while_the_class_took_attendance_and_uploaded_soon(
    session: Session, now: datetime, captured: int, uploaded: float, outcome: str
) -> None:
    (student, *_others) = students_of(session)

    results = send(
        [entry(session, student, at=now + captured * MINUTE)],
        by=teacher_of(session),
        now=now + uploaded * MINUTE,
    )

    assert told(results) == [outcome]
    assert AttendanceRecord.objects.exists() is (outcome == "created")


def test_what_was_made_while_the_class_was_really_open_is_taken(now: datetime) -> None:
    session = SessionFactory(open=True, opened_at=now - 20 * MINUTE)
    first, second, third = students_of(session)
    teacher = teacher_of(session)
    sessions.close_session(session=session, by=teacher, now=now + 60 * MINUTE)

    entries = [
        entry(session, first, at=now - 20 * MINUTE),
        entry(session, second, at=now + 60 * MINUTE),
        entry(session, third, at=now + 61 * MINUTE),
    ]

    assert told(send(entries, by=teacher, now=now + 62 * MINUTE)) == [
        "updated",
        "updated",
        "rejected outside_capture_window",
    ]


def test_into_a_closed_class_marks_come_without_a_reason_and_figures_follow(
    session: Session, now: datetime
) -> None:
    student, *_others = students_of(session)
    sessions.close_session(session=session, by=None, now=now + 20 * MINUTE)

    results = send(
        [entry(session, student, at=now + 25 * MINUTE)], by=teacher_of(session), now=now + 60 * MINUTE
    )

    assert told(results) == ["updated"]
    assert AttendanceStatistics.objects.get(student=student).percentage == 100
    assert statistics.check() == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (SessionStatus.LOCKED, "session_locked"),
        (SessionStatus.SCHEDULED, "session_not_markable"),
        (SessionStatus.CANCELLED, "session_not_markable"),
        (SessionStatus.VOID, "session_not_markable"),
    ],
)
@pytest.mark.parametrize("office", [False, True])
def test_a_class_that_takes_no_marks_refuses_and_keeps_them(
    session: Session, now: datetime, later: datetime, status: str, code: str, office: bool
) -> None:
    Session.objects.filter(pk=session.pk).update(status=status)
    student, *_others = students_of(session)
    by = UserFactory(school=session.school) if office else teacher_of(session)

    results = send([entry(session, student, at=now)], by=by, now=later)

    assert told(results) == [f"rejected {code}"]
    kept = SyncEntry.objects.get()
    assert (kept.session, kept.student, kept.status, kept.code) == (session, student, "present", code)
    assert not AttendanceRecord.objects.exists()


def test_an_unconfirmed_class_takes_marks(session: Session, now: datetime) -> None:
    Session.objects.filter(pk=session.pk).update(status=SessionStatus.UNCONFIRMED)
    student, *_others = students_of(session)

    assert told(send([entry(session, student, at=now)], by=teacher_of(session), now=now + 60 * MINUTE)) == [
        "created"
    ]


def test_marks_of_several_classes_come_in_one_upload_each_with_its_own_answer(
    session: Session, now: datetime
) -> None:
    mine = SessionFactory(
        section=SectionFactory(school=session.school, students=1),
        teacher=session.faculty.get(),
        starts_at=now + 60 * MINUTE,
        open=True,
    )
    others = SessionFactory(section=SectionFactory(school=session.school, students=1), open=True)
    foreign = SessionFactory(open=True)
    first, *_rest = students_of(session)
    entries = [
        entry(others, students_of(others)[0], at=now),
        entry(mine, students_of(mine)[0], at=now + 60 * MINUTE),
        entry(session, students_of(mine)[0], at=now),
        entry(session, "NOBODY", at=now),
        entry(foreign, students_of(foreign)[0], at=now),
        replace(entry(session, first, at=now), session=uuid7()),
        entry(session, first.enrollment_no.lower(), at=now),
    ]

    results = send(entries, by=teacher_of(session), now=now + 80 * MINUTE)

    assert told(results) == [
        "rejected permission_denied",
        "created",
        "rejected student_not_on_roster",
        "rejected student_not_on_roster",
        "rejected not_found",
        "rejected not_found",
        "created",
    ]
    assert [result.client_id for result in results] == [one.client_id for one in entries]
    # Of another school's class nothing is said, and nothing is kept but what was told.
    abroad = SyncEntry.objects.get(session_ref=foreign.pk)
    assert (abroad.session, abroad.student, abroad.student_no) == (
        None,
        None,
        students_of(foreign)[0].enrollment_no,
    )
    assert SyncEntry.objects.count() == 7
    assert SyncBatch.objects.count() == 1
    assert set(AttendanceRecord.objects.values_list("session", flat=True)) == {session.pk, mine.pk}


# --- Sending again -------------------------------------------------------------------------------------------


def test_the_same_batch_sent_again_changes_nothing(session: Session, now: datetime, later: datetime) -> None:
    first, second, third = students_of(session)
    RecordFactory(session=session, student=third, status="late", marked_at=now + 20 * MINUTE)
    entries = [
        entry(session, first, at=now),
        entry(session, second, at=now - 60 * MINUTE),
        entry(session, third, at=now),
    ]
    teacher = teacher_of(session)
    once = send(entries, by=teacher, now=later)
    trail = AuditEntry.objects.count()

    again = send(entries, by=teacher, now=later + MINUTE)

    assert told(once) == ["created", "rejected outside_capture_window", "conflict"]
    # A refusal and a conflict are told again: the first answer may not have arrived.
    assert told(again) == ["duplicate", "rejected outside_capture_window", "conflict"]
    assert [result.record for result in again] == [result.record for result in once]
    assert [result.conflict for result in again] == [result.conflict for result in once]
    assert (SyncBatch.objects.count(), SyncEntry.objects.count(), SyncConflict.objects.count()) == (1, 3, 1)
    assert AuditEntry.objects.count() == trail


def test_of_a_batch_that_half_failed_the_rest_is_taken(
    session: Session, now: datetime, later: datetime
) -> None:
    entries = [entry(session, student, at=now) for student in students_of(session)]
    batch_id, teacher = uuid7(), teacher_of(session)

    def upload(part: list[Entry], at: datetime) -> list[str]:
        sent = Upload(batch_id=batch_id, device_id=DEVICE, client_now=at, entries=part)
        return told(offline.sync(school=session.school, upload=sent, by=teacher, now=at))

    assert upload(entries[:1], later) == ["created"]
    assert upload(entries, later + MINUTE) == ["duplicate", "created", "created"]
    assert (AttendanceRecord.objects.count(), SyncEntry.objects.count()) == (3, 3)
    assert SyncBatch.objects.filter(batch_id=batch_id, by=teacher).count() == 2


def test_what_comes_after_a_mark_was_changed_elsewhere_and_is_known_changes_nothing(
    session: Session, now: datetime, later: datetime
) -> None:
    student, *_others = students_of(session)
    teacher = teacher_of(session)
    entries = [entry(session, student, "present", at=now)]
    send(entries, by=teacher, now=later)
    bulk_mark(session=session, marks=[Mark(student.enrollment_no, "late")], by=teacher, now=later)

    (again,) = send(entries, by=teacher, now=later + MINUTE)

    assert (again.outcome, again.status) == ("duplicate", "late")
    assert record_of(student).status == "late"


def test_an_id_is_its_persons_own(session: Session, now: datetime, later: datetime) -> None:
    student, other, *_others = students_of(session)
    office = UserFactory(school=session.school)
    mine = entry(session, student, at=now)
    send([mine], by=teacher_of(session), now=later)

    results = send([entry(session, other, at=now, client_id=mine.client_id)], by=office, now=later)

    assert told(results) == ["created"]
    assert SyncEntry.objects.filter(client_id=mine.client_id).count() == 2


def test_another_mark_under_a_used_id_is_refused_and_kept_once(
    session: Session, now: datetime, later: datetime
) -> None:
    first, second, third = students_of(session)
    teacher = teacher_of(session)
    mine = entry(session, first, at=now)
    others = [
        entry(session, second, at=now, client_id=mine.client_id),
        entry(session, third, at=now, client_id=mine.client_id),
    ]

    assert told(send([mine, others[0], mine], by=teacher, now=later)) == [
        "created",
        "rejected client_id_reused",
        "duplicate",
    ]
    for _again in range(2):
        assert told(send(others, by=teacher, now=later)) == ["rejected client_id_reused"] * 2
    assert SyncEntry.objects.filter(client_id=mine.client_id).count() == 3
    assert AttendanceRecord.objects.get().student == first


# --- Who wins ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stands", "comes", "outcome", "mark"),
    [
        # (source, status, minutes after 09:00)
        (("system", "absent", 0), ("manual", "absent", 10), "updated", ("manual", "absent", 10)),
        (("qr", "present", 5), ("manual", "present", 10), "duplicate", ("qr", "present", 5)),
        (("biometric", "present", 15), ("manual", "absent", 10), "updated", ("manual", "absent", 10)),
        (("manual", "present", 5), ("manual", "present", 10), "duplicate", ("manual", "present", 5)),
        (("manual", "present", 5), ("manual", "late", 10), "updated", ("manual", "late", 10)),
        (("manual", "present", 10), ("manual", "late", 10), "updated", ("manual", "late", 10)),
        (("manual", "present", 15), ("manual", "late", 10), "conflict", ("manual", "present", 15)),
        (("manual", "present", 15), ("manual", "present", 10), "duplicate", ("manual", "present", 15)),
        (("manual", "present", 15), ("qr", None, 3), "duplicate", ("manual", "present", 15)),
        (("manual", "absent", 15), ("qr", None, 3), "rejected outranked", ("manual", "absent", 15)),
        (("biometric", "late", 15), ("rfid", None, 3), "rejected outranked", ("biometric", "late", 15)),
        (("qr", "late", 15), ("rfid", None, 20), "updated", ("rfid", "late", 20)),
        (("qr", "late", 15), ("qr", None, 3), "updated", ("qr", "present", 3)),
        (("qr", "present", 3), ("qr", None, 15), "duplicate", ("qr", "present", 3)),
        (("system", "absent", 0), ("qr", None, 6), "updated", ("qr", "late", 6)),
        (("qr", "late", 15), ("manual", None, 10), "rejected superseded", ("qr", "late", 15)),
        (("manual", "late", 5), ("manual", None, 10), "updated", None),
        (("manual", "late", 15), ("manual", None, 10), "rejected superseded", ("manual", "late", 15)),
        (None, ("manual", None, 10), "duplicate", None),
        (None, ("qr", None, 5), "created", ("qr", "present", 5)),
        (None, ("qr", "late", 2), "created", ("qr", "late", 2)),
    ],
)
def test_who_wins(
    session: Session, now: datetime, later: datetime, stands: Any, comes: Any, outcome: str, mark: Any
) -> None:
    rules(session, biometric_enabled=True, rfid_enabled=True)
    student, *_others = students_of(session)
    if stands:
        source, status, minute = stands
        RecordFactory(
            session=session, student=student, source=source, status=status, marked_at=now + minute * MINUTE
        )
    source, status, minute = comes

    results = send(
        [entry(session, student, status, source=source, at=now + minute * MINUTE)],
        by=teacher_of(session),
        now=later,
    )

    assert told(results) == [outcome]
    found = AttendanceRecord.objects.filter(student=student).first()
    assert (found and (found.source, found.status, (found.marked_at - now) // MINUTE)) == mark
    (kept,) = SyncEntry.objects.all()
    assert SyncConflict.objects.filter(entry=kept).exists() is (outcome == "conflict")


def test_a_conflict_keeps_both_marks(session: Session, now: datetime, later: datetime) -> None:
    student, *_others = students_of(session)
    office, teacher = UserFactory(school=session.school), teacher_of(session)
    send([entry(session, student, "late", at=now + 9 * MINUTE)], by=office, now=later, device="phone")

    (result,) = send([entry(session, student, "absent", at=now + 3 * MINUTE)], by=teacher, now=later)

    conflict = SyncConflict.objects.get()
    assert (result.outcome, result.conflict, result.status) == ("conflict", conflict.pk, "late")
    assert (conflict.session, conflict.student, conflict.resolved_at) == (session, student, None)
    assert (
        conflict.existing_status,
        conflict.existing_at,
        conflict.existing_by,
        conflict.existing_device,
    ) == (
        "late",
        now + 9 * MINUTE,
        office,
        "phone",
    )
    incoming = conflict.entry
    assert (incoming.status, incoming.captured_at, incoming.by, incoming.batch.device_id) == (
        "absent",
        now + 3 * MINUTE,
        teacher,
        DEVICE,
    )
    assert (record_of(student).status, record_of(student).marked_by) == ("late", office)


def test_who_changes_their_mind_before_the_upload_has_said_the_last_of_it(
    session: Session, now: datetime, later: datetime
) -> None:
    first, second, third = students_of(session)
    RecordFactory(session=session, student=second, status="present", marked_at=now + 20 * MINUTE)
    RecordFactory(session=session, student=third, status="present", marked_at=now + 20 * MINUTE)
    # In the order in which the device has them, which is not that of the time.
    entries = [
        entry(session, first, None, at=now + 3 * MINUTE),
        entry(session, first, "absent", at=now + 2 * MINUTE),
        entry(session, first, "present", at=now + 1 * MINUTE),
        entry(session, second, "absent", at=now + 1 * MINUTE),
        entry(session, second, "late", at=now + 2 * MINUTE),
        entry(session, third, "absent", at=now + 1 * MINUTE),
        entry(session, third, "late", at=now + 22 * MINUTE),
    ]

    results = send(entries, by=teacher_of(session), now=later)

    assert told(results) == [
        "updated",
        "updated",
        "created",
        "rejected superseded",
        "conflict",
        "rejected superseded",
        "updated",
    ]
    assert not AttendanceRecord.objects.filter(student=first).exists()
    assert [record_of(student).status for student in (second, third)] == ["present", "late"]
    assert SyncConflict.objects.get().entry.status == "late"


def test_a_mark_that_was_taken_back_before_the_scan_leaves_the_scan(
    session: Session, now: datetime, later: datetime
) -> None:
    student, *_others = students_of(session)
    RecordFactory(session=session, student=student, source="qr", status="present", marked_at=now + 5 * MINUTE)
    entries = [
        entry(session, student, "absent", at=now),
        entry(session, student, None, at=now + 1 * MINUTE),
    ]

    results = send(entries, by=teacher_of(session), now=later)

    assert told(results) == ["rejected superseded"] * 2
    record = record_of(student)
    assert (record.source, record.status, record.marked_at) == ("qr", "present", now + 5 * MINUTE)


def test_a_mark_is_not_taken_away_from_a_closed_class(session: Session, now: datetime) -> None:
    first, *_others = students_of(session)
    teacher = teacher_of(session)
    send([entry(session, first, at=now)], by=teacher, now=now + MINUTE)
    sessions.close_session(session=session, by=teacher, now=now + 10 * MINUTE)

    results = send([entry(session, first, None, at=now + 5 * MINUTE)], by=teacher, now=now + 11 * MINUTE)

    assert told(results) == ["rejected session_not_markable"]
    assert record_of(first).status == "present"


def test_a_mark_made_with_network_is_no_longer_one_made_without(
    session: Session, now: datetime, later: datetime
) -> None:
    student, *_others = students_of(session)
    teacher = teacher_of(session)
    send([entry(session, student, at=now)], by=teacher, now=later)
    bulk_mark(session=session, marks=[Mark(student.enrollment_no, "late")], by=teacher, now=later)

    record = record_of(student)
    assert (record.offline, record.metadata, record.marked_at) == (False, {}, later)


@pytest.mark.parametrize(
    ("source", "rule", "code"),
    [
        ("biometric", {}, "biometric_disabled"),
        ("rfid", {}, "rfid_disabled"),
        ("qr", {}, "qr_not_offered"),
    ],
)
def test_a_source_that_is_not_used_is_refused(
    session: Session, now: datetime, later: datetime, source: str, rule: Any, code: str
) -> None:
    Session.objects.filter(pk=session.pk).update(capture_modes=["manual"])
    student, *_others = students_of(session)

    results = send([entry(session, student, None, source=source, at=now)], by=teacher_of(session), now=later)

    assert told(results) == [f"rejected {code}"]


def test_lateness_counts_from_when_the_lecturer_came(now: datetime, later: datetime) -> None:
    session = SessionFactory(open=True, opened_by_human_at=now + 10 * MINUTE)
    first, second, _third = students_of(session)

    send(
        [
            entry(session, first, None, source="qr", at=now + 15 * MINUTE),
            entry(session, second, None, source="qr", at=now + 16 * MINUTE),
        ],
        by=teacher_of(session),
        now=later,
    )

    assert [record_of(student).status for student in (first, second)] == ["present", "late"]


# --- The trail, and what it costs ----------------------------------------------------------------------------


def test_the_trail_has_the_upload_each_mark_and_each_conflict_in_one_operation(
    session: Session, now: datetime, later: datetime
) -> None:
    first, second, third = students_of(session)
    RecordFactory(session=session, student=second, status="absent", source="system")
    RecordFactory(session=session, student=third, status="late", marked_at=later)
    teacher = teacher_of(session)
    send([entry(session, student, at=now) for student in (first, second, third)], by=teacher, now=later)

    entries = {one.action: one for one in AuditEntry.objects.all()}
    assert sorted(entries) == ["record.create", "record.update", "sync.upload", "sync_conflict.raise"]
    assert len({one.operation_id for one in entries.values()}) == 1
    assert {one.actor_id for one in entries.values()} == {teacher.pk}
    assert entries["sync.upload"].after == {"count": 3, "created": 1, "updated": 1, "conflict": 1}
    made = {"offline": True, "marked_at": "2026-11-03T03:30:00Z"}
    assert entries["record.create"].after == {
        "status": "present",
        "source": "manual",
        "session": str(session.pk),
        **made,
    }
    assert entries["record.update"].before == {"status": "absent", "source": "system"}
    assert entries["record.update"].after == {"status": "present", "source": "manual", **made}


def test_thirty_marks_cost_the_statements_of_one(now: datetime) -> None:
    def cost(students: int, classes: int) -> int:
        section = SectionFactory(students=students)
        teacher = SessionFactory(section=section, open=True).faculty.get()
        held = [
            SessionFactory(
                section=section, teacher=teacher, starts_at=now + (index + 1) * 60 * MINUTE, open=True
            )
            for index in range(classes)
        ]
        for one in held:
            sessions.close_session(session=one, by=teacher.user, now=one.ends_at)
        entries = [entry(one, student, at=one.starts_at) for one in held for student in students_of(one)]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            results = send(entries, by=teacher.user, now=held[-1].ends_at + MINUTE)
        assert told(results) == ["updated"] * students * classes
        return len(queries)

    one = cost(1, 1)
    assert cost(30, 1) == one
    assert one <= 24
    # Each further class costs a look, a write, and that nobody who came is told of an absence.
    assert cost(3, 2) == one + 3
    assert statistics.check() == []


# --- What the database refuses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"outcome": "lost"}, "sync_entry_outcome_known"),
        ({"outcome": "rejected"}, "sync_entry_refused_with_code"),
        ({"code": "session_locked"}, "sync_entry_refused_with_code"),
        ({"session": None}, "sync_entry_of_somebody"),
        ({"student_no": "X"}, "sync_entry_names_somebody"),
        ({"status": "asleep"}, "sync_entry_status_known"),
        ({"source": "system"}, "sync_entry_captured"),
    ],
)
def test_the_database_refuses_entries_that_cannot_be(
    session: Session, now: datetime, later: datetime, change: Any, constraint: str
) -> None:
    student, *_others = students_of(session)
    send([entry(session, student, at=now)], by=teacher_of(session), now=later)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        SyncEntry.objects.update(**change)
