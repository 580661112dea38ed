"""Leave: what an application may be, what a decision does to marks, and that revoking undoes exactly that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from attendance import errors
from attendance.models import AttendanceConfiguration, LeaveApplication, LeaveSession
from attendance.services import leaves, marking, sessions, statistics
from attendance.services.evidence import Upload
from attendance.services.leave_effect import leave_effect
from attendance.services.scanning import scan
from audit.models import AuditEntry
from core.errors import Invalid, InvalidTransition, ReasonRequired
from tests.attendance.leave_world import World
from tests.attendance.scans import request_of
from tests.factories import SectionFactory, SessionFactory
from tests.factories.attendance import STARTS

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def approve(leave: LeaveApplication, by: User, remarks: str = "") -> leaves.LeaveOutcome:
    return leaves.approve(leave=leave, remarks=remarks, by=by, now=STARTS)


def revoke(leave: LeaveApplication, by: User) -> leaves.LeaveOutcome:
    return leaves.revoke(leave=leave, remarks="the note was forged", by=by, now=STARTS)


class TestWhatItDoesToMarks:
    def test_ten_classes_of_which_three_were_held_change_where_the_student_was_absent(
        self, world: World
    ) -> None:
        """Approved, only the two absences change; revoked, exactly those return, but for one that was edited."""
        world.hold(0, "late")
        world.hold(1)
        world.hold(2)
        leave = world.leave(0, 9)

        outcome = approve(leave, world.office)

        assert (outcome.changed, outcome.locked) == (2, 0)
        assert world.statuses() == {0: "late", 1: "excused", 2: "excused"}
        assert world.figures() == {"held": 3, "present": 0, "late": 1, "absent": 0, "excused": 2}

        marking.mark(
            session=world.classes[2],
            student=world.student.enrollment_no,
            status="excused",
            remarks="seen in the infirmary",
            reason="asked the nurse",
            by=world.teacher,
            now=STARTS,
        )
        assert revoke(leave, world.office).changed == 1

        assert world.statuses() == {0: "late", 1: "absent", 2: "excused"}
        assert world.figures() == {"held": 3, "present": 0, "late": 1, "absent": 1, "excused": 1}
        assert statistics.check() == []

    def test_what_was_marked_by_whom_and_when_survives_approval_and_revoking(self, world: World) -> None:
        world.hold(0, "absent", by=world.office)
        before = world.record(0)
        leave = world.approved(0).leave
        revoke(leave, world.office)
        after = world.record(0)

        names = ("status", "source", "marked_at", "marked_by_id", "remarks", "leave_id", "snapshot_id")
        assert [getattr(after, name) for name in names] == [getattr(before, name) for name in names]

    def test_leave_for_two_of_seven_classes_touches_those_two(self, world: World) -> None:
        teacher = world.classes[0].faculty.get()
        day = [world.classes[0]] + [
            SessionFactory(section=world.section, teacher=teacher, starts_at=STARTS + timedelta(hours=hour))
            for hour in range(1, 7)
        ]
        for session in day:
            sessions.open_session(session=session, by=world.teacher, now=session.starts_at)
            sessions.close_session(session=session, by=world.teacher, now=session.ends_at)

        outcome = world.approved(0, only=[day[2], day[5]])

        assert outcome.changed == 2
        marks = dict(world.student.records.values_list("session", "status"))
        assert [marks[session.pk] for session in day] == [
            "absent", "absent", "excused", "absent", "absent", "excused", "absent",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("kind", "status"),
        [("medical", "excused"), ("casual", "excused"), ("other", "excused"), ("on_duty", "present")],
    )
    def test_duty_elsewhere_counts_as_present_and_any_other_leave_excuses(
        self, world: World, kind: str, status: str
    ) -> None:
        world.hold(0)
        world.approved(0, 1, kind=kind)
        world.hold(1)

        assert world.statuses() == {0: status, 1: status}
        effect = leave_effect(student=world.student, session=world.classes[1])
        assert effect is not None
        assert effect.status == status
        assert leave_effect(student=world.other, session=world.classes[1]) is None

    def test_a_class_that_closes_later_finds_the_leave(self, world: World) -> None:
        leave = world.approved(1, 2).leave
        for index in range(4):
            world.hold(index)

        assert world.statuses() == {0: "absent", 1: "excused", 2: "excused", 3: "absent"}
        assert world.record(1).leave_id == leave.pk
        assert world.statuses(world.other) == dict.fromkeys(range(4), "absent")
        assert statistics.check() == []

    def test_closing_tells_how_many_were_on_leave(self, world: World) -> None:
        world.approved(0)
        world.hold(0)
        assert AuditEntry.objects.get(action="session.close").after == {
            "status": "closed", "absent": 1, "on_leave": 1,
        }  # fmt: skip

    def test_where_nobody_is_marked_absent_by_itself_a_leave_is_recorded_all_the_same(
        self, world: World
    ) -> None:
        AttendanceConfiguration.objects.update(auto_mark_absent=False)
        world.approved(0)
        world.hold(0)
        assert world.statuses() == {0: "excused"}
        assert world.statuses(world.other) == {}

    def test_whoever_comes_all_the_same_is_present(self, world: World) -> None:
        world.approved(0, 1)
        world.hold(0, "present")
        session = world.hold(1)
        session = sessions.reopen_session(session=session, reason="x", by=world.teacher, now=session.ends_at)

        (answer,) = scan([request_of(session, world.student, at=session.starts_at)], now=session.starts_at)

        assert answer.code == "recorded"
        assert world.statuses() == {0: "present", 1: "present"}
        assert world.record(1).leave_id is None

    def test_a_pending_or_rejected_leave_does_nothing(self, world: World) -> None:
        world.hold(0)
        leave = world.leave(0, 1)
        world.hold(1)
        leaves.reject(leave=leave, remarks="no note", by=world.office, now=STARTS)
        assert world.statuses() == {0: "absent", 1: "absent"}

    def test_void_and_cancelled_classes_are_left_alone(self, world: World) -> None:
        session = world.hold(0)
        sessions.void_session(session=session, reason="fire drill", by=world.office, now=session.ends_at)
        sessions.cancel_session(session=world.classes[1], reason="x", by=world.office, now=STARTS)
        assert world.approved(0, 1).changed == 0
        assert world.statuses() == {0: "absent"}

    def test_a_mark_in_a_class_still_open_changes_without_figures(self, world: World) -> None:
        session = sessions.open_session(session=world.classes[0], by=world.teacher, now=STARTS)
        marking.mark(
            session=session,
            student=world.student.enrollment_no,
            status="absent",
            by=world.teacher,
            now=STARTS,
        )
        assert world.approved(0).changed == 1
        sessions.close_session(session=session, by=world.teacher, now=session.ends_at)
        assert world.figures() == {"held": 1, "present": 0, "late": 0, "absent": 0, "excused": 1}
        assert statistics.check() == []


class TestLockedClasses:
    def test_only_the_office_reaches_them(self, world: World) -> None:
        world.hold(0)
        world.hold(1)
        world.lock(0)
        leave = world.leave(0, 1)

        outcome = approve(leave, world.teacher)
        assert (outcome.changed, outcome.locked) == (1, 1)
        assert world.statuses() == {0: "absent", 1: "excused"}

        outcome = approve(leave, world.office)
        assert (outcome.changed, outcome.locked) == (1, 0)
        assert world.statuses() == {0: "excused", 1: "excused"}
        assert statistics.check() == []

    def test_revoking_leaves_them_until_the_office_revokes(self, world: World) -> None:
        world.hold(0)
        leave = world.leave(0)
        approve(leave, world.teacher)
        world.lock(0)

        assert revoke(leave, world.teacher).locked == 1
        assert world.statuses() == {0: "excused"}
        assert revoke(leave, world.office).changed == 1
        assert world.statuses() == {0: "absent"}
        assert statistics.check() == []


class TestDecisions:
    def test_deciding_twice_is_harmless(self, world: World) -> None:
        world.hold(0)
        leave = world.leave(0)
        approve(leave, world.office, "get well")
        told = AuditEntry.objects.count()

        again = approve(leave, world.office, "once more")

        assert (again.changed, again.leave.remarks) == (0, "get well")
        assert AuditEntry.objects.count() == told

    @pytest.mark.parametrize(
        ("before", "then"),
        [
            ("reject", "approve"),
            ("reject", "revoke"),
            ("cancel", "approve"),
            ("approve", "reject"),
            ("approve", "cancel"),
            ("revoke", "approve"),
            ("revoke", "cancel"),
        ],
    )
    def test_there_is_no_way_back(self, world: World, before: str, then: str) -> None:
        leave = world.leave(0)

        def act(verb: str) -> None:
            if verb == "cancel":
                leaves.cancel(leave=leave, by=world.student.user, now=STARTS)
            elif verb == "approve":
                approve(leave, world.office)
            else:
                getattr(leaves, verb)(leave=leave, remarks="x", by=world.office, now=STARTS)

        if before == "revoke":
            act("approve")
        act(before)
        with pytest.raises(InvalidTransition) as refused:
            act(then)
        assert refused.value.code == "invalid_transition"

    def test_a_leave_that_was_never_approved_cannot_be_revoked(self, world: World) -> None:
        with pytest.raises(InvalidTransition):
            revoke(world.leave(0), world.office)

    @pytest.mark.parametrize("verb", ["approve", "reject", "revoke"])
    def test_nobody_decides_what_they_asked_for(self, world: World, verb: str) -> None:
        for leave, by in (
            (world.leave(0), world.student.user),
            (world.leave(1, by=world.office), world.office),
            (world.leave(2, by=world.office), world.student.user),
        ):
            with pytest.raises(errors.OwnRequest):
                getattr(leaves, verb)(leave=leave, remarks="x", by=by, now=STARTS)

    @pytest.mark.parametrize("verb", ["reject", "revoke"])
    def test_a_refusal_says_why(self, world: World, verb: str) -> None:
        with pytest.raises(ReasonRequired) as refused:
            getattr(leaves, verb)(leave=world.leave(0), remarks="  ", by=world.office, now=STARTS)
        assert refused.value.attr == "remarks"

    def test_the_trail_tells_the_decision_and_each_mark_under_one_operation(self, world: World) -> None:
        world.hold(0)
        world.hold(1)
        leave = world.approved(0, 1).leave

        decision = AuditEntry.objects.get(action="leave.approve")
        assert (decision.object_id, decision.before, decision.after) == (
            str(leave.pk), {"status": "pending"}, {"status": "approved"},
        )  # fmt: skip
        marks = AuditEntry.objects.filter(operation_id=decision.operation_id, action="record.update")
        assert {mark.object_id for mark in marks} == {str(world.record(0).pk), str(world.record(1).pk)}
        assert [mark.after for mark in marks] == [{"status": "excused", "leave": str(leave.pk)}] * 2
        assert {mark.actor_id for mark in marks} == {world.office.pk}


class TestApplying:
    def test_days_that_have_a_leave_cannot_be_asked_for_again(self, world: World) -> None:
        first = world.leave(1, 3)
        for days in ((3, 5), (0, 1), (2, 2), (0, 9)):
            with pytest.raises(errors.LeaveOverlaps) as refused:
                world.leave(*days)
            assert refused.value.meta == {"leave": str(first.pk), "status": "pending"}
        world.leave(4, 5)
        world.leave(1, 3, student=world.other, by=world.other.user)

    @pytest.mark.parametrize("verb", ["reject", "cancel", "revoke"])
    def test_a_leave_that_came_to_nothing_holds_no_days(self, world: World, verb: str) -> None:
        leave = world.leave(0, only=[world.classes[0]])
        if verb == "revoke":
            approve(leave, world.office)
        if verb == "cancel":
            leaves.cancel(leave=leave, by=world.student.user, now=STARTS)
        else:
            getattr(leaves, verb)(leave=leave, remarks="x", by=world.office, now=STARTS)
        world.leave(0, only=[world.classes[0]])
        assert list(LeaveSession.objects.order_by("pk").values_list("standing", flat=True)) == [False, True]

    def test_of_a_class_there_is_one_leave(self, world: World) -> None:
        teacher = world.classes[0].faculty.get()
        later = SessionFactory(section=world.section, teacher=teacher, starts_at=STARTS + timedelta(hours=2))
        world.leave(0, only=[world.classes[0]])
        with pytest.raises(errors.LeaveOverlaps):
            world.leave(0, only=[later, world.classes[0]])
        with pytest.raises(errors.LeaveOverlaps):
            world.leave(0)
        world.leave(0, only=[later])
        world.leave(1)
        with pytest.raises(errors.LeaveOverlaps):
            world.leave(1, only=[world.classes[1]])

    def test_the_database_refuses_it_whoever_writes(self, world: World) -> None:
        leave = world.leave(0, 3)
        with pytest.raises(IntegrityError, match="leave_no_overlap"), transaction.atomic():
            LeaveApplication.objects.create(
                school=leave.school, student=leave.student, kind="casual", from_date=world.day(3),
                to_date=world.day(4), reason="x", applied_at=STARTS, applied_by=leave.applied_by,
            )  # fmt: skip

    def test_single_classes_are_the_students_and_on_that_day(self, world: World) -> None:
        strange = SessionFactory(section=SectionFactory(school=world.section.school))
        for only, day in (
            ([world.classes[1]], 0),
            ([strange], 0),
            ([SessionFactory()], 0),
        ):
            with pytest.raises(errors.NotTheirClass) as refused:
                world.leave(day, only=only)
            assert refused.value.attr == "sessions"
        with pytest.raises(Invalid):
            world.leave(0, 1, only=[world.classes[0]])

    def test_days_are_in_order_and_not_too_many(self, world: World) -> None:
        with pytest.raises(Invalid):
            world.leave(3, 1)
        world.leave(0, leaves.LONGEST_DAYS - 1)
        with pytest.raises(errors.RangeTooLong):
            world.leave(300, 300 + leaves.LONGEST_DAYS)

    def test_the_reason_is_sealed_in_its_column(self, world: World) -> None:
        leave = world.leave(0, reason="chicken pox")
        with connection.cursor() as cursor:
            cursor.execute("SELECT reason FROM attendance_leave_application")
            assert "chicken" not in cursor.fetchone()[0]
        leave.refresh_from_db()
        assert leave.reason == "chicken pox"
        entry = AuditEntry.objects.get(action="leave.apply")
        assert "chicken" not in str(entry.after)


class TestFiles:
    PDF = b"%PDF-1.7 a note"

    @pytest.fixture(autouse=True)
    def kept_here(self, settings: Any, tmp_path: Any) -> None:
        settings.MEDIA_ROOT = tmp_path
        self.folder = tmp_path

    def kept(self) -> list[Any]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    @pytest.mark.parametrize(
        ("name", "content", "kind", "kept_as"),
        [
            ("note.pdf", PDF, "application/pdf", "note.pdf"),
            ("photo.exe", b"\xff\xd8\xff\xe0", "image/jpeg", "photo.jpg"),
            ("../../etc/passwd", b"\x89PNG\r\n\x1a\n", "image/png", "passwd.png"),
            ("C:\\notes\\చీటీ\r\n.pdf", PDF, "application/pdf", "చీటీ.pdf"),
            ("", PDF, "application/pdf", "file.pdf"),
            ("x" * 400 + ".pdf", PDF, "application/pdf", "x" * 146 + ".pdf"),
        ],
    )
    def test_its_type_is_told_by_its_content_and_its_name_is_for_people(
        self, world: World, name: str, content: bytes, kind: str, kept_as: str
    ) -> None:
        leave = world.leave(0, upload=Upload(name, content))
        leave.refresh_from_db()
        assert (leave.file_type, leave.file_name) == (kind, kept_as)
        assert leave.file.read() == content
        assert leave.file.name.startswith(f"evidence/{leave.school_id}/")
        assert kept_as not in leave.file.name

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            (b"MZ\x90", errors.FileTypeRefused),
            (b"", errors.FileTypeRefused),
            (b"<html><script>", errors.FileTypeRefused),
            (PDF + bytes(4 * 1024 * 1024), errors.FileTooLarge),
        ],
    )
    def test_any_other_type_and_large_files_are_refused(
        self, world: World, content: bytes, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            world.leave(0, upload=Upload("note.pdf", content))
        assert self.kept() == []
        assert not LeaveApplication.objects.exists()

    def test_of_an_application_that_fails_no_file_is_kept(self, world: World) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            world.leave(0, kind="sabbatical", upload=Upload("note.pdf", self.PDF))
        assert self.kept() == []
