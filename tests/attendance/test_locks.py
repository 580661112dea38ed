"""What each lock of attendance is for: the moment that it guards, held open by a lock of the test's own.

The table of all locks with their tests is docs/decisions/0005-locks-and-their-tests.md.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from attendance import errors
from attendance.enums import SessionStatus
from attendance.models import (
    AttendanceRecord,
    AttendanceStatistics,
    ScanTicketUse,
    Session,
    TimetableSlot,
)
from attendance.services import (
    arrangement,
    holidays,
    marking,
    scanning,
    scheduler,
    sessions,
    statistics,
    timetable,
)
from attendance.services.marking import Mark
from attendance.services.scanning import ScanAnswer, scan
from audit.models import AuditEntry
from core.errors import NotFound
from core.ids import uuid7
from tests.attendance.planning import TUESDAYS, Plan
from tests.attendance.scans import request_of, students_of
from tests.factories import RecordFactory, SectionFactory, SessionFactory, UserFactory
from tests.races import Background, held, queue_up

pytestmark = pytest.mark.django_db(transaction=True)

OF_SESSION = "SELECT 1 FROM attendance_session WHERE id = %s FOR UPDATE"
OF_RECORD = "SELECT 1 FROM attendance_record WHERE session_id = %s FOR UPDATE"


@pytest.fixture
def background() -> Background:
    return Background()


def statuses(session: Session) -> list[str]:
    """Of the records, by the students' enrollment numbers."""
    found = AttendanceRecord.objects.filter(session=session).order_by("student__enrollment_no")
    return list(found.values_list("status", flat=True))


def closed(now: datetime, *, students: int = 1, section: Any = None) -> Session:
    session = SessionFactory(section=section or SectionFactory(students=students), open=True)
    return sessions.close_session(session=session, by=None, now=now)


def test_scans_that_all_found_no_record_make_one(now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=1), open=True)
    (student,) = students_of(session)

    # They have looked for the student's record when they wait for the session's row.
    answers: list[list[ScanAnswer]] = queue_up(
        8,
        lambda _i: scan([request_of(session, student, at=now)], now=now),
        behind=OF_SESSION,
        values=[session.pk],
    )

    assert sorted(answer.code for (answer,) in answers) == ["already_recorded"] * 7 + ["recorded"]
    assert statuses(session) == ["present"]


def test_a_class_does_not_close_between_a_scans_look_and_its_taking_the_systems_place(
    now: datetime, background: Background
) -> None:
    session = closed(now)
    session = sessions.reopen_session(
        session=session, reason="too early", by=UserFactory(school=session.school), now=now
    )
    (student,) = students_of(session)
    with held(OF_RECORD, session.pk):
        scanning_ = background.start_and_wait(lambda: scan([request_of(session, student, at=now)], now=now))
        closing = background.start_and_wait(lambda: sessions.close_session(session=session, by=None, now=now))

    assert [answer.code for answer in scanning_.result()] == ["recorded"]
    assert closing.result().status == SessionStatus.CLOSED
    assert statuses(session) == ["present"]
    assert statistics.check() == []


def test_a_class_does_not_close_while_it_is_marked(now: datetime, background: Background) -> None:
    session = SessionFactory(section=SectionFactory(students=1), open=True)
    (student,) = students_of(session)
    office = UserFactory(school=session.school)
    bulk_mark(session, {student: "present"}, office, now)
    with held(OF_RECORD, session.pk):
        marked = background.start_and_wait(lambda: bulk_mark(session, {student: "late"}, office, now))
        closing = background.start_and_wait(lambda: sessions.close_session(session=session, by=None, now=now))

    assert (marked.result().saved, closing.result().status) == (1, SessionStatus.CLOSED)
    assert statuses(session) == ["late"]
    assert statistics.check() == []


def test_two_who_mark_a_student_first_make_one_record(now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=1), open=True)
    (student,) = students_of(session)
    office = UserFactory(school=session.school)

    # Both have seen that there is no record when they wait to write one.
    outcomes = queue_up(
        2,
        lambda i: bulk_mark(session, {student: ["late", "present"][i]}, office, now),
        behind="LOCK TABLE attendance_record IN SHARE ROW EXCLUSIVE MODE",
    )

    assert [type(outcome).__name__ for outcome in outcomes] == ["BulkOutcome"] * 2, outcomes
    # The trail tells what really happened: one made the record, the other changed it.
    made, changed = AuditEntry.objects.filter(object_type="attendancerecord").order_by("action")
    assert (made.action, changed.action) == ("record.create", "record.update")
    assert made.object_id == changed.object_id
    assert changed.before == {"status": made.after["status"]}
    assert statuses(session) == [changed.after["status"]]


def test_the_trail_tells_what_each_of_two_marks_replaced(now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=1), open=True)
    (student,) = students_of(session)
    office = UserFactory(school=session.school)
    bulk_mark(session, {student: "present"}, office, now)

    queue_up(
        2,
        lambda i: bulk_mark(session, {student: ["late", "excused"][i]}, office, now),
        behind="LOCK TABLE attendance_record IN SHARE ROW EXCLUSIVE MODE",
    )

    changes = AuditEntry.objects.filter(action="record.update")
    replaced = {change.before["status"]: change.after["status"] for change in changes}
    assert len(changes) == len(replaced) == 2
    assert statuses(session) == [replaced[replaced["present"]]]


def test_marks_in_a_closed_class_are_counted_one_after_another(now: datetime) -> None:
    session = closed(now, students=2)
    first, second = students_of(session)
    office = UserFactory(school=session.school)
    wanted = [{first: "late", second: "present"}, {first: "present", second: "late"}, {first: "excused"}]

    outcomes = queue_up(
        3,
        lambda i: bulk_mark(session, wanted[i], office, now),
        behind=OF_SESSION,
        values=[session.pk],
    )

    assert [type(outcome).__name__ for outcome in outcomes] == ["BulkOutcome"] * 3, outcomes
    assert statistics.check() == []


def test_marks_that_waited_for_the_closing_are_marks_in_a_closed_class(now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=3), open=True)
    students = students_of(session)
    office = UserFactory(school=session.school)

    outcomes = queue_up(
        3,
        lambda i: bulk_mark(session, {students[i]: "late"}, office, now),
        behind="UPDATE attendance_session SET status = 'closed' WHERE id = %s",
        values=[session.pk],
    )

    assert [type(outcome).__name__ for outcome in outcomes] == ["BulkOutcome"] * 3, outcomes
    assert statuses(session) == ["late"] * 3
    assert statistics.check() == []


def test_figures_are_taken_back_in_the_order_of_students(now: datetime, background: Background) -> None:
    section = SectionFactory(students=3)
    session = closed(now, section=section)
    students = sorted(student.pk for student in students_of(session))
    figures = AttendanceStatistics.objects.filter(course=section.course)
    # Stored the other way round: who changes them as they come meets somebody who goes by students.
    rows = list(figures.order_by("-student_id"))
    figures.delete()
    AttendanceStatistics.objects.bulk_create(rows)

    office = UserFactory(school=section.school)

    def void() -> Session:
        with connection.cursor() as cursor:
            # As with many students: then the rows are met in the order in which they are stored.
            cursor.execute("SET enable_nestloop = off")
            cursor.execute("SET enable_mergejoin = off")
        return sessions.void_session(session=session, reason="mistake", by=office, now=now)

    with held("SELECT 1 FROM attendance_statistics WHERE student_id = %s FOR UPDATE", students[0]):
        taking = background.start_and_wait(void)
        # It waits for the first and has none of the others.
        with transaction.atomic():
            free = AttendanceStatistics.objects.filter(student_id__in=students[1:])
            assert len(free.select_for_update(nowait=True)) == 2

    assert taking.result().status == SessionStatus.VOID
    assert statistics.check() == []


@pytest.mark.parametrize("how", ["of one class", "one by one"])
def test_figures_of_who_had_no_mark_are_held_in_the_order_of_students_too(
    now: datetime, background: Background, how: str
) -> None:
    section = SectionFactory(students=2)
    session = closed(now, section=section)
    before = SessionFactory(section=section, open=True, starts_at=now - timedelta(days=1))
    sessions.close_session(session=before, by=None, now=now)
    unmarked, absent = sorted(students_of(session), key=lambda student: student.pk)
    AttendanceRecord.objects.filter(session=session, student=unmarked).delete()
    statistics.rebuild(now=now)
    office = UserFactory(school=section.school)

    def mark() -> None:
        if how == "of one class":
            bulk_mark(session, {unmarked: "present", absent: "late"}, office, now)
            return
        marks = [(session.pk, session.held_on, student.pk) for student in (unmarked, absent)]
        with transaction.atomic():
            statistics.take_marks(marks, now=now)
            RecordFactory(session=session, student=unmarked, status="present")
            AttendanceRecord.objects.filter(session=session, student=absent).update(status="late")
            statistics.add_marks(marks, now=now)

    with held("SELECT 1 FROM attendance_statistics WHERE student_id = %s FOR UPDATE", unmarked.pk):
        marked = background.start_and_wait(mark)
        assert not marked.done()
        # It waits for the first, who has no mark to take out, and has not the other one in hand.
        with transaction.atomic():
            free = AttendanceStatistics.objects.filter(student=absent)
            assert len(free.select_for_update(nowait=True)) == 1

    marked.result()
    assert statuses(session) == ["present", "late"]
    assert statistics.check() == []


def test_a_class_that_closes_while_figures_are_rebuilt_is_counted_once(
    now: datetime, background: Background
) -> None:
    session = SessionFactory(section=SectionFactory(students=2), open=True)
    with transaction.atomic():
        sessions.close_session(session=session, by=None, now=now)
        rebuilding = background.start_and_wait(lambda: statistics.rebuild(now=now))

    assert rebuilding.result() == 2
    assert statistics.check() == []


def test_a_ticket_that_two_people_use_at_once_marks_one_of_them(now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=2), open=True)
    students = students_of(session)
    ticket = scanning.codes.Ticket(
        session_id=session.pk,
        school_id=session.school_id,
        generation=session.qr_generation,
        opened_at=now,
        device="d" * 22,
        nonce=uuid7(),
    )

    outcomes = queue_up(
        2,
        lambda i: scanning.redeem(ticket, user_id=students[i].user_id, now=now),
        behind="LOCK TABLE attendance_scan_ticket_use IN SHARE ROW EXCLUSIVE MODE",
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["CodeExpired", "ScanAnswer"], outcomes
    assert AttendanceRecord.objects.count() == ScanTicketUse.objects.count() == 1


def test_the_scheduler_does_not_wait_for_what_somebody_else_has_in_hand(
    now: datetime, background: Background
) -> None:
    taken, free = (SessionFactory(section=SectionFactory(students=1)) for _ in range(2))

    with held(OF_SESSION, taken.pk):
        opening = background.start_and_wait(lambda: scheduler.open_due(now=now))
        assert opening.done()

    assert (opening.result().done, opening.result().failed) == (1, [])
    free.refresh_from_db()
    assert free.status == SessionStatus.OPEN
    assert scheduler.open_due(now=now).done == 1


@pytest.mark.parametrize("deed", ["extra class", "moved class", "substitute"])
def test_a_class_planned_while_a_slot_is_being_saved_sees_the_slot(deed: str, background: Background) -> None:
    """Between the two stands no constraint: of the slot no session was made yet."""
    plan = Plan.new()
    teacher = plan.teacher()
    elsewhere = plan.extra_class("2026-11-03 09:00" if deed == "substitute" else "2026-11-03 13:00")

    def act() -> object:
        if deed == "extra class":
            return plan.extra_class("2026-11-03 09:00", faculty=[teacher])
        if deed == "substitute":
            return arrangement.substitute(session=elsewhere, faculty=teacher, by=plan.office, now=plan.now)
        changes = {
            "starts_at": plan.at("2026-11-03 09:00"),
            "ends_at": plan.at("2026-11-03 10:00"),
            "faculty": [teacher],
        }
        return arrangement.update_session(session=elsewhere, changes=changes, by=plan.office, now=plan.now)

    with transaction.atomic():
        slot = plan.slot(faculty=[teacher])
        acting = background.start_and_wait(act)

    refusal = acting.exception()
    assert isinstance(refusal, errors.FacultyConflict), acting
    assert refusal.meta is not None
    assert [found["id"] for found in refusal.meta["conflicts_with"]] == [str(slot.pk)]


@pytest.mark.parametrize("deed", ["change", "retire", "skip"])
def test_a_slot_that_somebody_else_deletes_is_not_there(deed: str, background: Background) -> None:
    plan = Plan.new()
    slot = plan.slot()

    def act() -> object:
        if deed == "change":
            return plan.change(slot, starts=time(11), ends=time(12))
        if deed == "retire":
            return timetable.retire_slot(slot=slot, by=plan.office, now=plan.now)
        return timetable.skip_date(slot=slot, day=TUESDAYS[0], by=plan.office, now=plan.now)

    with transaction.atomic():
        timetable.retire_slot(slot=slot, by=plan.office, now=plan.now)
        acting = background.start_and_wait(act)

    assert isinstance(acting.exception(), NotFound), acting
    assert not TimetableSlot.objects.exists()


@pytest.mark.parametrize("deed", ["change", "remove"])
def test_a_holiday_that_somebody_else_takes_back_is_not_there(deed: str, background: Background) -> None:
    plan = Plan.new()
    office = {"by": plan.office, "now": plan.now}
    holiday = holidays.add_holiday(school=plan.school, day=TUESDAYS[0], name="Fair", **office).holiday

    def act() -> object:
        if deed == "remove":
            return holidays.remove_holiday(holiday=holiday, **office)
        return holidays.update_holiday(
            holiday=holiday, day=TUESDAYS[1], name="Fair", kind=holiday.kind, department=None, **office
        )

    with transaction.atomic():
        holidays.remove_holiday(holiday=holiday, **office)
        acting = background.start_and_wait(act)

    assert isinstance(acting.exception(), NotFound), acting
    assert AuditEntry.objects.filter(action="holiday.remove").count() == 1


def bulk_mark(session: Session, wanted: dict[Any, str], by: Any, now: datetime) -> marking.BulkOutcome:
    marks = [Mark(student.enrollment_no, status) for student, status in wanted.items()]
    return marking.bulk_mark(session=session, marks=marks, reason="seen", by=by, now=now)
