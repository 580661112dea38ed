"""What has been kept for long enough goes, what a hold covers stays, and evidence of all of it is left."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from _campushub.processes import wait_for
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from academics.models import Student
from attendance import errors, jobs, tasks
from attendance.management.commands.apply_retention import Command
from attendance.models import (
    AttendanceConfiguration,
    AttendanceRecord,
    AttendanceStatistics,
    BiometricDevice,
    CondonationRequest,
    CorrectionRequest,
    DeviceEvent,
    HeldRecord,
    LeaveApplication,
    LeaveSession,
    LegalHold,
    Session,
    SyncBatch,
    SyncConflict,
    SyncEntry,
)
from attendance.services import holds, leaves, marking, retention, retention_rows, retention_years, statistics
from attendance.services.retention_rules import Part, Rules
from audit.models import AuditEntry, AuditSeal, RetentionRun
from audit.services.entries import operation
from audit.services.seals import seal
from audit.services.verification import verify
from core import clock, owner, partitions, retiring
from core.locks import try_session_lock
from core.models import TaskHealth
from tests.attendance.evidence import NOTE
from tests.attendance.retired import Old, forget_years_before
from tests.attendance.uploads import conflict_of, entry, send
from tests.audit.test_seals import settle
from tests.factories import (
    CondonationFactory,
    CorrectionFactory,
    RecordFactory,
    SchoolFactory,
    StudentFactory,
    UserFactory,
)
from tests.races import Background, held

pytestmark = pytest.mark.django_db(transaction=True)

RECORDS, ENTRIES, SESSIONS = "attendance_record", "attendance_audit_log", "attendance_session"


@pytest.fixture(autouse=True)
def only_these_years() -> Iterator[None]:
    forget_years_before(2025)
    yield
    forget_years_before(2025)


def planned(now: datetime) -> list[tuple[str, int, int | None, int, int]]:
    return sorted(
        (p.table, p.year, p.school_id, p.rows, p.held) for p in retention.plan(now=now) if not p.kept
    )


def dropped(runs: list[RetentionRun]) -> list[tuple[str, int, int | None, int, int]]:
    return sorted((r.table, r.year, r.school_id, r.rows, r.held) for r in runs)


def hold(old: Old, now: datetime, **values: Any) -> LegalHold:
    return holds.place(school=old.school, reason="court order", by=old.office, now=now, **values)


def is_waiting() -> bool:
    """Whether somebody stands before a table's lock. The owner's activity is hidden from us, its locks are not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation' "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
        )
        return bool(cursor.fetchone()[0])


def owner_is_busy() -> bool:
    """Whether somebody works on this database as the owner."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = %s)",
            [settings.OWNER_DATABASE["USER"]],
        )
        return bool(cursor.fetchone()[0])


def waiting_run(background: Background, now: datetime) -> Future[list[RetentionRun]]:
    """A run in a thread of its own that stands before somebody's lock."""
    running = background.start(lambda: retention.apply(by=None, now=now))
    assert wait_for(lambda: running.done() or is_waiting(), seconds=60)
    return running


def written_in(year: int, *, school_id: int = 1) -> None:
    """Two entries of the trail."""
    partitions.ensure([year])
    with transaction.atomic(), operation(by=None, at=datetime(year, 5, 1, tzinfo=UTC)) as op:
        for number in range(2):
            op.record("thing.change", school_id=school_id, object_type="thing", object_id=number)
    settle()


def came(session: Session, student: Student) -> None:
    """A reader saw the student at the beginning of the class."""
    device = BiometricDevice.objects.create(
        school=session.school, serial="CKUH2110001", kind="fingerprint", key_rotated_at=session.starts_at
    )
    DeviceEvent.objects.create(
        school=session.school, device=device, pin="1", device_at=session.starts_at, at=session.starts_at,
        source="biometric", received_at=session.starts_at, state="matched", student=student, session=session,
    )  # fmt: skip


def offline(session: Session, student: Student) -> None:
    """Somebody marked the student without network, and that is a conflict; another upload named nobody."""
    Session.objects.filter(pk=session.pk).update(status="closed")
    office = UserFactory(school=session.school)
    conflict_of(session, student, now=session.starts_at, office=office)
    send([entry(session, "NOBODY", at=session.starts_at)], by=office, now=session.ends_at)
    Session.objects.filter(pk=session.pk).update(status="locked")


class TestWhatHasExpired:
    @pytest.mark.parametrize(("kept", "last"), [(1, 2024), (7, 2018), (100, 1925)])
    def test_a_year_whose_last_day_is_older_than_the_school_keeps_data(
        self, now: datetime, kept: int, last: int
    ) -> None:
        old = Old([], kept=kept)
        assert Rules(now).last == {old.school.pk: last}

    def test_the_day_is_the_schools(self) -> None:
        school = SchoolFactory(timezone="Asia/Kolkata")
        midnight = datetime(2026, 12, 31, 18, 30, tzinfo=UTC)
        assert Rules(midnight - timedelta(seconds=1)).last[school.pk] == 2018
        assert Rules(midnight).last[school.pk] == 2019

    def test_a_school_without_rules_of_its_own_keeps_data_for_seven_years(self, now: datetime) -> None:
        school = SchoolFactory()
        AttendanceConfiguration.objects.all().delete()
        assert Rules(now).last == {school.pk: 2018}

    def test_without_schools_nothing_does(self, now: datetime) -> None:
        partitions.ensure([2001])
        assert retention.plan(now=now) == []
        assert retention.apply(by=None, now=now) == []


class TestAYearOfEverybody:
    def test_the_dry_run_lists_exactly_what_the_run_then_drops(self, now: datetime) -> None:
        one, other = Old([2015, 2018, 2019]), Old([2015, 2025])
        hold(one, now, student=one.student(2018))
        listed = planned(now)

        runs = retention.apply(by=one.office, now=now)

        assert listed == dropped(runs)
        assert [item for item in listed if item[0] == RECORDS] == [
            (RECORDS, 2015, one.school.pk, 2, 0),
            (RECORDS, 2015, other.school.pk, 2, 0),
            (RECORDS, 2018, one.school.pk, 1, 1),
        ]
        assert (one.records(), other.records()) == ([2019, 2019], [2025, 2025])
        assert not {2015, 2018} & set(partitions.years(AttendanceRecord))
        assert retiring_left_nothing()

    def test_a_second_run_does_nothing(self, now: datetime) -> None:
        Old([2015, 2019])
        retention.apply(by=None, now=now)
        before = AuditEntry.objects.count()

        assert retention.plan(now=now) == []
        assert retention.apply(by=None, now=now) == []
        assert AuditEntry.objects.count() == before

    def test_evidence_says_what_went_when_by_whom_and_with_which_digest(self, now: datetime) -> None:
        old = Old([2015])
        digest = digest_of_2015()

        retention.apply(by=old.office, now=now)

        run = RetentionRun.objects.get(table=RECORDS)
        assert (run.year, run.school_id, run.rows, run.held) == (2015, old.school.pk, 2, 0)
        assert (run.actor_id, run.at, run.digest) == (old.office.pk, now, digest)
        entry = AuditEntry.objects.get(action="retention.drop", object_type=RECORDS)
        assert (entry.object_id, entry.school_id, entry.actor_id) == ("2015", old.school.pk, old.office.pk)
        assert entry.after == {"count": 2, "held": 0, "digest": digest}

    def test_nobody_changes_the_evidence(self, now: datetime) -> None:
        Old([2015])
        run, *_others = retention.apply(by=None, now=now)
        with pytest.raises(DatabaseError):
            RetentionRun.objects.filter(pk=run.pk).update(rows=0)
        with owner.acting(), pytest.raises(DatabaseError, match="append-only"):
            RetentionRun.objects.filter(pk=run.pk).delete()

    def test_figures_stay_and_are_not_held_against_records_that_are_gone(self, now: datetime) -> None:
        old = Old([2015, 2019])
        kept = list(AttendanceStatistics.objects.order_by("pk").values())
        assert len(kept) == 4

        retention.apply(by=None, now=now)

        assert statistics.check() == []
        assert statistics.repair(by=None, now=now) == []
        assert list(AttendanceStatistics.objects.order_by("pk").values()) == kept
        # The year made again, for whatever cause, does not make the figures wrong.
        partitions.ensure([2015])
        assert statistics.check(school=old.school) == []

    def test_one_run_at_a_time(self, now: datetime) -> None:
        with try_session_lock("retention"), pytest.raises(errors.RetentionUnderWay) as refused:
            retention.apply(by=None, now=now)
        assert refused.value.code == "retention_under_way"


def retiring_left_nothing() -> bool:
    with owner.acting():
        return not any(retiring.detached(model) for model in partitions.registry())


def digest_of_2015() -> str:
    """The rows of the year, hashed here: in the order of their ids, then the day (there is only one)."""
    with owner.connect() as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        rows = connection.execute("SELECT t::text FROM attendance_record__y2015 t ORDER BY id").fetchall()
    lines = b"".join(hashlib.sha256(line.encode()).digest() for (line,) in rows)
    return hashlib.sha256(hashlib.sha256(lines).digest()).hexdigest()


class TestSchoolsOfDifferentPeriods:
    def test_the_longest_keeps_the_year_and_the_shorter_ones_rows_are_taken_out(
        self, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention_years, "BATCH", 1)
        short, long = Old([2015, 2016, 2025], kept=5), Old([2015, 2016], kept=10)
        listed = planned(now)

        runs = retention.apply(by=None, now=now)

        # 2015 expired for both, 2016 for one.
        assert (RECORDS, 2016, short.school.pk, 2, 0) in listed
        assert total(dropped(runs)) == total(listed)
        assert [run.rows for run in runs if (run.table, run.year) == (RECORDS, 2016)] == [1, 1]
        assert (short.records(), long.records()) == ([2025, 2025], [2016, 2016])
        assert 2016 in partitions.years(AttendanceRecord)
        assert statistics.check() == []
        assert retention.plan(now=now) == []

    def test_marks_under_hold_leave_with_the_others_and_are_put_aside(self, now: datetime) -> None:
        short, _long = Old([2016], kept=5), Old([2016], kept=10)
        hold(short, now, student=short.student(2016))

        retention.apply(by=None, now=now)

        assert short.records() == []
        assert HeldRecord.objects.get().student == short.student(2016)
        run = RetentionRun.objects.get(table=RECORDS)
        assert (run.rows, run.held) == (1, 1)


def total(rows: list[tuple[str, int, int | None, int, int]]) -> Counter[tuple[str, int, int | None]]:
    found: Counter[tuple[str, int, int | None]] = Counter()
    for table, year, school, gone, kept in rows:
        found[table, year, school] += gone * 1000 + kept
    return found


class TestLegalHold:
    def test_of_a_student_keeps_their_marks_as_they_were(self, now: datetime) -> None:
        old = Old([2015])
        student = old.student(2015)
        was = AttendanceRecord.objects.filter(student=student).values().get()
        hold(old, now, student=student)

        retention.apply(by=None, now=now)

        kept = HeldRecord.objects.values().get()
        run = RetentionRun.objects.get(table=RECORDS)
        assert kept == {**was, "run_id": run.pk}
        assert HeldRecord.objects.get().session == old.classes[2015]

    def test_of_a_school_keeps_everything_of_that_school(self, now: datetime) -> None:
        old, other = Old([2015]), Old([2015])
        correction = CorrectionFactory(session=old.classes[2015])
        CorrectionFactory(session=other.classes[2015])
        hold(old, now)

        retention.apply(by=None, now=now)

        assert set(HeldRecord.objects.values_list("school_id", flat=True)) == {old.school.pk}
        assert HeldRecord.objects.count() == 2
        assert CorrectionRequest.objects.get() == correction
        assert Session.objects.get() == old.classes[2015]

    @pytest.mark.parametrize(
        ("first", "last", "kept"),
        [
            (None, None, 1),
            (date(2015, 3, 2), date(2015, 3, 2), 1),
            (date(2015, 3, 3), None, 0),
            (None, date(2015, 3, 1), 0),
        ],
    )
    def test_covers_the_days_that_it_names(
        self, now: datetime, first: date | None, last: date | None, kept: int
    ) -> None:
        old = Old([2015])
        hold(old, now, student=old.student(2015), from_date=first, until_date=last)
        retention.apply(by=None, now=now)
        assert HeldRecord.objects.count() == kept
        assert Session.objects.count() == kept

    def test_once_lifted_the_next_run_takes_what_it_kept(self, now: datetime) -> None:
        old = Old([2015])
        placed = hold(old, now, student=old.student(2015))
        retention.apply(by=None, now=now)
        assert retention.plan(now=now) == []

        holds.lift(hold=placed, reason="settled", by=old.office, now=now)
        listed = planned(now)
        assert listed == [
            ("attendance_record_held", 2015, old.school.pk, 1, 0),
            (SESSIONS, 2015, old.school.pk, 1, 0),
        ]
        assert dropped(retention.apply(by=None, now=now)) == listed
        assert not HeldRecord.objects.exists()

    def test_one_that_is_being_placed_is_waited_for_and_counts(self, now: datetime) -> None:
        old = Old([2015])
        background = Background()
        with held(
            "INSERT INTO attendance_legal_hold (id, school_id, reason, placed_at) "
            "VALUES (gen_random_uuid(), %s, 'court order', now())",
            old.school.pk,
        ) as other:
            running = waiting_run(background, now)
            assert not running.done()
            other.commit()
        running.result(timeout=60)
        assert HeldRecord.objects.count() == 2

    def test_the_columns_of_both_tables_are_the_same(self) -> None:
        columns = [field.column for field in AttendanceRecord._meta.concrete_fields]
        assert [field.column for field in HeldRecord._meta.concrete_fields] == [*columns, "run_id"]


class TestWhatHangsOnTheMarks:
    def test_requests_of_the_year_go_with_their_files_and_classes(self, now: datetime) -> None:
        old = Old([2015])
        session, student = old.classes[2015], old.student(2015)
        leave = leaves.apply_for(
            student=student, kind="medical", from_date=session.held_on, to_date=session.held_on, reason="flu",
            upload=NOTE, by=student.user, now=session.starts_at,
        )  # fmt: skip
        CorrectionFactory(session=session)
        CondonationFactory(section=session.sections.get(), student=student)
        came(session, student)
        offline(session, student)
        storage = leave.file.storage
        assert storage.exists(leave.file.name)

        retention.apply(by=None, now=now)

        for model in (
            LeaveApplication,
            CorrectionRequest,
            CondonationRequest,
            DeviceEvent,
            SyncConflict,
            SyncEntry,
            SyncBatch,
            Session,
        ):
            assert not model.objects.exists(), model
        assert not storage.exists(leave.file.name)
        assert AttendanceStatistics.objects.count() == 2

    def test_readings_of_a_student_under_hold_stay_and_with_them_their_class(self, now: datetime) -> None:
        old = Old([2015])
        session, student = old.classes[2015], old.student(2015)
        came(session, student)
        holds.place(school=old.school, student=student, reason="a lawsuit", by=old.office, now=now)
        retention.apply(by=None, now=now)
        assert DeviceEvent.objects.get().session == session

    def test_uploads_with_a_mark_of_a_student_under_hold_stay_the_others_go(self, now: datetime) -> None:
        old = Old([2015])
        session, student = old.classes[2015], old.student(2015)
        offline(session, student)
        holds.place(school=old.school, student=student, reason="a lawsuit", by=old.office, now=now)
        retention.apply(by=None, now=now)
        assert set(SyncEntry.objects.values_list("student", flat=True)) == {student.pk}
        assert SyncConflict.objects.get().session == session
        assert SyncBatch.objects.count() == SyncEntry.objects.count() == 2

    def test_leave_into_a_year_that_is_still_kept_stays(self, now: datetime) -> None:
        old = Old([2018])
        student = old.student(2018)
        leaves.apply_for(
            student=student, kind="medical", from_date=date(2018, 12, 30), to_date=date(2019, 1, 2),
            reason="flu", by=old.office, now=now,
        )  # fmt: skip
        retention.apply(by=None, now=now)
        assert LeaveApplication.objects.count() == 1

    def test_a_class_that_something_else_needs_stays(self, now: datetime) -> None:
        old = Old([2018])
        leave = leaves.apply_for(
            student=old.student(2018), kind="medical", from_date=date(2019, 1, 2), to_date=date(2019, 1, 2),
            reason="flu", by=old.office, now=now,
        )  # fmt: skip
        LeaveSession.objects.create(leave=leave, session=old.classes[2018], student=leave.student)
        retention.apply(by=None, now=now)
        assert Session.objects.get() == old.classes[2018]
        assert old.records() == []

    def test_many_go_in_batches_each_with_its_evidence(
        self, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention_rows, "BATCH", 1)
        old = Old([2015])
        for student in (old.student(2015), None):
            CorrectionFactory(
                session=old.classes[2015], **({"student": student} if student else {}), status="rejected"
            )

        runs = retention.apply(by=None, now=now)

        gone = [run for run in runs if run.table == "attendance_correction_request"]
        assert [run.rows for run in gone] == [1, 1]
        assert len({run.digest for run in gone}) == 2


class TestTheTrail:
    def test_a_retired_year_leaves_the_chain_whole(self, now: datetime) -> None:
        Old([])
        written_in(2016)
        written_in(2026)
        seal(now=now)

        runs = retention.apply(by=None, now=now)

        assert dropped(runs) == [(ENTRIES, 2016, None, 2, 0), (RECORDS, 2016, None, 0, 0)]
        answer = verify(now=now)
        assert (answer.ok, answer.retired, answer.first_bad) == (True, [2016], None)
        # Made again, for old records to be brought in, say, the year is no less retired.
        partitions.ensure([2016])
        assert (verify(now=now).ok, verify(now=now).retired) == (True, [2016])
        settle()
        seal(now=now)
        assert verify(now=now).ok

    def test_it_is_kept_a_year_longer_than_what_it_tells_of(self, now: datetime) -> None:
        Old([])
        written_in(2018)
        written_in(2017)
        seal(now=now)
        retention.apply(by=None, now=now)
        assert set(AuditEntry.objects.values_list("at__year", flat=True)) == {2018, 2026}

    def test_a_year_that_is_not_sealed_waits(self, now: datetime) -> None:
        Old([])
        written_in(2016)
        waits = Part(ENTRIES, 2016, None, 0, 2, whole=True, kept="unsealed")
        assert waits in retention.plan(now=now)
        retention.apply(by=None, now=now)
        assert waits in retention.plan(now=now)
        seal(now=now)
        assert planned(now) == [(ENTRIES, 2016, None, 2, 0)]

    def test_a_year_that_a_hold_reaches_stays_whole(self, now: datetime) -> None:
        old = Old([])
        written_in(2016)
        placed = hold(old, now, until_date=date(2015, 12, 31))
        settle()
        seal(now=now)
        assert Part(ENTRIES, 2016, None, 0, 2, whole=True, kept="legal_hold") in retention.plan(now=now)
        retention.apply(by=None, now=now)
        assert AuditEntry.objects.filter(at__year=2016).count() == 2

        holds.lift(hold=placed, reason="settled", by=old.office, now=now)
        retention.apply(by=None, now=now)
        assert not AuditEntry.objects.filter(at__year=2016).exists()
        assert AuditSeal.objects.filter(year=2016).exists()


class TestBesideWriters:
    def test_a_year_goes_while_others_mark(self, now: datetime) -> None:
        old = Old([2015, 2026])
        session, student = old.classes[2026], old.student(2026)
        Session.objects.filter(pk=session.pk).update(status="open")
        done = False

        def mark() -> int:
            marked = 0
            while not done:
                marking.mark(
                    session=session, student=student.enrollment_no, status=("late", "absent")[marked % 2],
                    by=old.office, now=session.starts_at,
                )  # fmt: skip
                marked += 1
            return marked

        background = Background()
        writers = [background.start(mark) for _ in range(3)]
        try:
            runs = retention.apply(by=None, now=now)
        finally:
            done = True
        assert all(writer.result(timeout=60) > 0 for writer in writers)
        assert (RECORDS, 2015, old.school.pk, 2, 0) in dropped(runs)
        # How long that was is a figure of `bin/bench retention`; here it is told at all.
        assert max(run.locked_ms for run in runs) > 0

    def test_a_writer_who_does_not_end_is_not_queued_behind(self, now: datetime) -> None:
        """The lock is asked for again and again, a moment at a time: whoever comes meanwhile gets through."""
        old = Old([2015, 2026])
        background = Background()
        with held("UPDATE attendance_record SET remarks = 'x' WHERE held_on >= '2026-01-01'") as writer:
            running = waiting_run(background, now)
            for _ in range(5):
                RecordFactory(
                    session=old.classes[2026],
                    student=StudentFactory(school=old.school),
                    held_on=old.classes[2026].held_on,
                )
            assert not running.done()
            writer.commit()
        assert (RECORDS, 2015, old.school.pk, 2, 0) in dropped(running.result(timeout=120))
        assert len(old.records()) == 7

    def test_a_mark_that_comes_while_the_year_goes_is_counted_or_refused(self, now: datetime) -> None:
        old = Old([2015])
        late = StudentFactory(school=old.school)
        background = Background()
        with held("LOCK TABLE attendance_legal_hold IN ROW EXCLUSIVE MODE") as other:
            running = waiting_run(background, now)
            # The year is out of reach by now and not dropped yet.
            with pytest.raises(DatabaseError, match="no partition"):
                RecordFactory(session=old.classes[2015], student=late)
            other.commit()
        assert (RECORDS, 2015, old.school.pk, 2, 0) in dropped(running.result(timeout=60))


class TestKilled:
    def test_between_taking_a_year_out_and_dropping_it_the_next_run_goes_on(self, now: datetime) -> None:
        old = Old([2015])
        hold(old, now, student=old.student(2015))
        listed = planned(now)
        with held("LOCK TABLE attendance_legal_hold IN ROW EXCLUSIVE MODE"):
            running = subprocess.Popen(
                [sys.executable, "manage.py", "apply_retention"], env=of_this_database()
            )
            assert wait_for(lambda: is_waiting() or running.poll() is not None, seconds=120)
            running.kill()
            assert running.wait(timeout=30) == -signal.SIGKILL
            # PostgreSQL notices the death of a client that waits for a lock when it gets it.
        assert wait_for(lambda: not owner_is_busy(), seconds=60)

        assert 2015 not in partitions.years(AttendanceRecord)
        assert not retiring_left_nothing()
        assert not RetentionRun.objects.exists()
        # The dry run knows of it, and the run does what was listed before.
        assert planned(now) == listed
        assert dropped(retention.apply(by=None, now=now)) == listed
        assert HeldRecord.objects.get().student == old.student(2015)
        assert retiring_left_nothing()

    def test_between_two_batches_what_went_is_told_and_the_next_run_goes_on(
        self, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention_years, "BATCH", 1)
        short, _long = Old([2016], kept=5), Old([2016], kept=10)
        last = AttendanceRecord.objects.filter(school=short.school).order_by("id").last()
        assert last is not None
        background = Background()
        with held("SELECT FROM attendance_record WHERE id = %s FOR UPDATE", last.pk):
            running = background.start(lambda: retention.apply(by=None, now=now))
            assert wait_for(lambda: running.done() or short.records() == [2016], seconds=60)
            assert wait_for(end_whoever_waits, seconds=60)
            with pytest.raises(DatabaseError):
                running.result(timeout=60)
        assert [run.rows for run in RetentionRun.objects.filter(table=RECORDS)] == [1]

        retention.apply(by=None, now=now)
        assert short.records() == []
        assert [run.rows for run in RetentionRun.objects.filter(table=RECORDS)] == [1, 1]


def end_whoever_waits() -> bool:
    """Break the connection of the owner that stands before a lock, as a restart would; whether there was one."""
    with owner.connect() as other:
        ended = other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND usename = current_user AND wait_event_type = 'Lock'"
        ).fetchall()
    return ended == [(True,)]


def of_this_database() -> dict[str, str]:
    """The environment of a process that works on the database of the tests."""
    name = connection.settings_dict["NAME"]
    addresses = {
        key: f"{os.environ[key].rpartition('/')[0]}/{name}" for key in ("DATABASE_URL", "DATABASE_OWNER_URL")
    }
    return {**os.environ, **addresses}


class TestTheCommandAndTheTask:
    def run(self, *arguments: str) -> str:
        output = io.StringIO()
        call_command(Command(), *arguments, stdout=output, stderr=io.StringIO())
        return output.getvalue()

    def test_lists_the_same_before_and_while_it_does_it(self, now: datetime) -> None:
        old = Old([2015])
        hold(old, now, student=old.student(2015))
        with clock.frozen(now):
            dry = json.loads(self.run("--dry-run", "--json"))
            assert (dry["dry_run"], dry["done"]) == (True, [])
            assert old.records() == [2015, 2015]
            told = self.run()
            assert told.splitlines()[0] == (
                f"  attendance_record 2015, school {old.school.pk}: 1 rows went, 1 under legal hold stay."
            )
            assert self.run() == "Nothing has been kept for longer than it should be.\n"
        assert old.records() == []
        assert dry["planned"][0] == {
            "table": RECORDS, "year": 2015, "school_id": old.school.pk, "rows": 1, "held": 1, "whole": True,
            "kept": "",
        }  # fmt: skip

    def test_says_why_an_expired_year_stays(self, now: datetime) -> None:
        Old([])
        written_in(2016)
        with clock.frozen(now):
            assert "attendance_audit_log 2016: stays: its entries are not sealed yet." in self.run(
                "--dry-run"
            )

    def test_prints_the_evidence_as_json(self, now: datetime) -> None:
        old = Old([2015])
        with clock.frozen(now):
            done = json.loads(self.run("--json"))["done"]
        assert done[0]["school_id"] == old.school.pk
        assert done[0]["digest"] == RetentionRun.objects.get(table=RECORDS).digest

    def test_every_night_the_task_does_it(self, now: datetime) -> None:
        old = Old([2015])
        with clock.frozen(now):
            told = tasks.apply_retention()
        # Two marks, their class, and a year of the trail in which nothing was told.
        assert told == {"steps": 3, "rows": 3, "held": 0}
        assert old.records() == []
        assert TaskHealth.objects.get(name=jobs.APPLY_RETENTION).error == ""
