"""Readings: whom they mark, what wins, what waits, and that nothing counts twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance import tasks
from attendance.enums import Direction, ReadingReason
from attendance.iclock import BadLine, Reading
from attendance.models import AttendanceRecord, AttendanceStatistics, DeviceEvent, Session
from attendance.services import devices, marking, readings, scanning, sessions, statistics, templates
from attendance.services.readings import Matched
from audit.models import AuditEntry
from core import clock
from tests.attendance.readers import World, agree, let_readers_in
from tests.attendance.scans import request_of
from tests.factories import SectionFactory, SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def test_a_reading_within_grace_is_present_and_later_it_is_late(world: World) -> None:
    world.open()

    world.punch(5, "1")
    world.punch(5.1, "2")

    assert world.mark(0) == ("present", "biometric")
    assert world.mark(1) == ("late", "biometric")
    record = world.record(0)
    assert record is not None
    assert record.marked_at == world.at(5)
    assert record.metadata == {"reader": str(world.device.pk)}
    assert record.marked_by is None


def test_a_lecturer_who_comes_late_makes_nobody_late(world: World) -> None:
    teacher = world.session.faculty.get().user
    world.session = sessions.open_session(session=world.session, by=teacher, now=world.at(15))

    world.punch(20)

    assert world.mark() == ("present", "biometric")


def test_the_same_reading_again_changes_nothing_and_tells_nothing(world: World) -> None:
    world.open()
    first = world.punch(1)
    told = AuditEntry.objects.count()

    again = world.punch(1)

    assert (first.new, first.matched, first.marks) == (1, 1, 1)
    assert (again.received, again.new, again.matched, again.marks) == (1, 0, 0, 0)
    assert DeviceEvent.objects.count() == AttendanceRecord.objects.count() == 1
    assert AuditEntry.objects.count() == told


def test_of_several_readings_of_one_source_the_earliest_counts_in_whatever_order_they_come(
    world: World,
) -> None:
    world.open()

    world.punch(9)
    assert world.mark() == ("late", "biometric")
    world.punch(2)
    world.punch(12)

    record = world.record()
    assert record is not None
    assert (record.status, record.marked_at) == ("present", world.at(2))


def scan(world: World, minute: float) -> scanning.ScanAnswer:
    request = request_of(world.session, world.students[0], at=world.at(minute))
    return scanning.scan_one(request, now=world.at(minute))


def test_a_finger_replaces_a_scan_and_a_scan_does_not_replace_a_finger(world: World) -> None:
    world.open()
    scan(world, 1)
    world.punch(7)
    assert world.mark() == ("late", "biometric")

    assert scan(world, 8).code == "already_recorded"

    assert world.mark() == ("late", "biometric")


def test_a_finger_replaces_a_card_and_a_card_does_not_replace_a_finger(world: World) -> None:
    world.open()
    world.punch(1, verify=4)
    assert world.mark() == ("present", "rfid")
    world.punch(7, verify=1)
    assert world.mark() == ("late", "biometric")

    world.punch(2, verify=4)

    assert world.mark() == ("late", "biometric")


def test_a_mark_by_hand_stays_whatever_readers_say(world: World) -> None:
    session = world.open()
    teacher = session.faculty.get().user
    number = world.students[0].enrollment_no
    marking.mark(session=session, student=number, status="absent", by=teacher, now=world.at(2))

    taken = world.punch(3)

    assert (taken.matched, taken.marks) == (1, 0)
    assert world.mark() == ("absent", "manual")


def test_a_stay_shorter_than_the_school_asks_for_is_no_presence(world: World) -> None:
    world.open()
    world.punch(0)

    world.punch(9.9, out=True)

    record = world.record()
    assert record is not None
    assert (record.status, record.source) == ("absent", "biometric")
    assert record.checked_out_at == world.at(9.9)


def test_a_stay_as_long_as_the_school_asks_for_is_present(world: World) -> None:
    world.open()
    world.punch(0)

    world.punch(10, out=True)

    record = world.record()
    assert record is not None
    assert (record.status, record.checked_out_at) == ("present", world.at(10))


def test_who_comes_back_has_not_left(world: World) -> None:
    world.open()
    world.punch(0)
    world.punch(3, out=True)
    assert world.mark() == ("absent", "biometric")

    world.punch(6)

    record = world.record()
    assert record is not None
    assert (record.status, record.checked_out_at) == ("present", None)


def test_going_out_without_having_come_in_is_kept_and_marks_nobody(world: World) -> None:
    world.open()

    taken = world.punch(30, out=True)

    assert (taken.matched, taken.marks) == (1, 0)
    assert world.event().state == "matched"
    assert world.record() is None


def test_out_and_in_by_two_readers_belong_together_whichever_is_told_first(world: World) -> None:
    world.open()
    outside, _key = world.reader("OUT-1")
    world.punch(4, out=True, device=outside)

    world.punch(0)

    assert world.mark() == ("absent", "biometric")


def test_who_leaves_a_little_after_the_end_leaves_this_class_and_not_the_next(world: World) -> None:
    following = SessionFactory(
        section=world.section, starts_at=world.session.ends_at, teacher=world.session.faculty.get(), open=True
    )
    world.open()
    world.punch(0)

    world.punch(52, out=True)

    record = world.record()
    assert record is not None
    assert record.checked_out_at == world.at(52)
    assert not AttendanceRecord.objects.filter(session=following).exists()


def test_who_comes_before_the_next_class_begins_is_taken_for_that_one(world: World) -> None:
    following = SessionFactory(
        section=world.section, starts_at=world.session.ends_at, teacher=world.session.faculty.get(), open=True
    )
    world.open()

    world.punch(47)

    assert AttendanceRecord.objects.get().session == following


def test_an_unknown_number_is_kept_and_matched_when_it_is_assigned(world: World) -> None:
    world.open()
    world.punch(1, "77")
    assert (world.event().state, world.event().reason) == ("unmatched", "unknown_pin")

    outcome = devices.assign_pins(
        device=world.device, pins=[devices.Pin("77", world.students[2])], by=world.office, now=world.at(5)
    )

    assert outcome == devices.Assigned(changed=1, matched=1)
    assert world.mark(2) == ("present", "biometric")
    assert (world.event().state, world.event().reason) == ("matched", "")


def test_a_reading_before_the_class_opens_waits_for_it(world: World) -> None:
    world.punch(-2)
    assert (world.event().state, world.event().reason) == ("unmatched", "session_not_open")
    world.open()

    with clock.frozen(world.at(1)):
        tasks.rematch_readings()

    assert world.mark() == ("present", "biometric")
    entry = AuditEntry.objects.get(action="reading.rematch")
    assert entry.after == {"count": 1, "marks": 1}
    assert readings.rematch(school=world.school, now=world.at(1)) == Matched(0, 0)


def test_a_reading_of_a_class_that_is_planned_later_finds_it(world: World) -> None:
    section = SectionFactory(school=world.school, students=0)
    section.enrollments.create(student=world.students[0], joined_on=section.term.starts_on)
    world.punch(180)
    assert (world.event().state, world.event().reason) == ("unmatched", "no_session")

    later = SessionFactory(section=section, starts_at=world.at(178), open=True)

    assert readings.rematch(school=world.school, now=world.at(190)) == Matched(1, 1)
    assert AttendanceRecord.objects.get(session=later).status == "present"


@pytest.mark.parametrize(("starts", "minute"), [("23:00", 70), ("00:00", -3), ("23:30", -3), ("23:59", 0)])
def test_a_class_around_midnight_is_found_on_either_side_of_it(
    world: World, starts: str, minute: int
) -> None:
    hour, past = map(int, starts.split(":"))
    local = world.school.local(world.at(0)).replace(hour=hour, minute=past) + timedelta(days=1)
    night = SessionFactory(
        section=world.section,
        teacher=world.session.faculty.get(),
        starts_at=local,
        ends_at=local + timedelta(minutes=90),
        open=True,
    )
    at = local + timedelta(minutes=minute)

    readings.take(device=world.device, readings=[Reading(at, pin="1")], now=at)

    assert AttendanceRecord.objects.get().session == night


def test_readings_older_than_a_month_are_left_until_somebody_assigns_their_number(world: World) -> None:
    world.punch(-2)
    world.open()

    assert readings.rematch(school=world.school, now=world.at(-2) + timedelta(days=31)) == Matched(0, 0)
    assert readings.rematch(school=world.school, device=world.device, now=world.at(1)) == Matched(1, 1)


def test_readings_of_another_school_stay_where_they_are(world: World) -> None:
    world.punch(-2)
    world.open()
    stranger = SectionFactory(students=1).school

    assert readings.rematch(school=stranger, now=world.at(1)) == Matched(0, 0)
    assert world.event().state == "unmatched"


def test_who_is_not_on_the_roster_is_not_marked(world: World) -> None:
    world.open()
    stranger = SectionFactory(school=world.school, students=1).enrollments.get().student
    devices.assign_pins(
        device=world.device, pins=[devices.Pin("9", stranger)], by=world.office, now=world.at(0)
    )

    world.punch(1, "9")

    assert (world.event().state, world.event().reason) == ("unmatched", "no_session")
    assert not AttendanceRecord.objects.exists()


# -- late uploads -------------------------------------------------------------------------------------------------


def test_a_reading_that_comes_after_the_close_makes_the_absent_present_and_figures_follow(
    world: World,
) -> None:
    world.open()
    world.close()
    assert world.mark() == ("absent", "system")
    late = Reading(world.at(2), Direction.IN, "1")

    taken = readings.take(device=world.device, readings=[late], now=world.at(300))

    assert (taken.matched, taken.marks) == (1, 1)
    assert world.mark() == ("present", "biometric")
    figures = AttendanceStatistics.objects.get(student=world.students[0])
    assert (figures.held, figures.present, figures.absent) == (1, 1, 0)
    assert statistics.check() == []


def test_a_reading_of_a_locked_class_is_kept_and_not_applied(world: World) -> None:
    world.open()
    world.close()
    sessions.lock_session(session=world.session, by=None, now=world.at(600))

    world.punch(2)

    assert (world.event().state, world.event().reason) == ("ignored", "session_locked")
    assert world.event().session == world.session
    assert world.mark() == ("absent", "system")
    assert statistics.check() == []


def test_readings_of_a_class_that_nobody_opened_wait_for_somebody_to_say_that_it_was_held(
    world: World,
) -> None:
    world.session = sessions.leave_unconfirmed(session=world.session, now=world.session.ends_at)
    world.punch(1)
    assert world.mark() == ("present", "biometric")

    teacher = world.session.faculty.get().user
    sessions.confirm_session(session=world.session, held=True, by=teacher, now=world.at(100))

    assert sorted(AttendanceRecord.objects.values_list("status", flat=True)) == [
        "absent",
        "absent",
        "present",
    ]
    assert statistics.check() == []


def test_a_cancelled_class_takes_no_reading(world: World) -> None:
    sessions.cancel_session(session=world.session, reason="flood", by=world.office, now=world.at(-60))

    world.punch(1)

    assert (world.event().state, world.event().reason) == ("unmatched", "no_session")


# -- what a school uses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "verify", "reason"),
    [
        ({"biometric_enabled": False}, 1, ReadingReason.BIOMETRIC_OFF),
        ({"biometric_enabled": False}, 15, ReadingReason.BIOMETRIC_OFF),
        ({"rfid_enabled": False}, 4, ReadingReason.RFID_OFF),
    ],
)
def test_a_kind_of_reading_that_the_school_does_not_use_is_kept_and_ignored(
    world: World, rules: dict[str, Any], verify: int, reason: ReadingReason
) -> None:
    let_readers_in(world.school, **rules)
    world.device.school.attendance_configuration.refresh_from_db()
    world.open()

    world.punch(1, verify=verify)

    assert (world.event().state, world.event().reason) == ("ignored", reason)
    assert world.record() is None


def test_a_clock_that_is_ahead_is_corrected_and_correcting_it_later_counts_nothing_twice(
    world: World,
) -> None:
    world.open()
    devices.update(device=world.device, changes={"clock_offset": 1200}, by=world.office, now=world.at(0))
    world.device.refresh_from_db(fields=["clock_offset"])
    world.punch(22)
    assert world.event().at == world.at(2)
    assert world.mark() == ("present", "biometric")

    devices.update(device=world.device, changes={"clock_offset": 60}, by=world.office, now=world.at(0))
    world.device.refresh_from_db(fields=["clock_offset"])
    world.punch(22)

    assert DeviceEvent.objects.count() == 1


def test_a_rejected_line_is_kept_once_with_its_reason(world: World) -> None:
    bad = [BadLine("abc\tNot a date\0", ReadingReason.BAD_TIME)] * 2

    first = readings.take(device=world.device, readings=[], bad=bad, now=world.at(0))
    again = readings.take(device=world.device, readings=[], bad=bad, now=world.at(1))

    assert (first.received, first.new, first.rejected, again.new) == (2, 1, 1, 0)
    event = world.event()
    assert (event.state, event.reason, event.at) == ("rejected", "time_invalid", None)
    assert event.line == "abc\tNot a date\N{REPLACEMENT CHARACTER}"


# -- size ---------------------------------------------------------------------------------------------------------


def upload(world: World, count: int, first: int = 0) -> list[Reading]:
    """So many readings of the three students, one every tenth of a second."""
    return [
        Reading(world.at(0) + timedelta(milliseconds=100 * (first + index)), Direction.IN, str(index % 3 + 1))
        for index in range(count)
    ]


def test_ten_thousand_lines_cost_as_many_queries_as_three(world: World) -> None:
    world.open()
    world.close()

    def cost(lines: list[Reading]) -> int:
        with CaptureQueriesContext(connection) as queries:
            readings.take(device=world.device, readings=lines, now=world.at(100))
        return len(queries)

    few = cost(upload(world, 3, first=20_000))
    many = cost(upload(world, 10_000))

    assert many <= few <= 20
    assert DeviceEvent.objects.filter(state="matched").count() == 10_003
    assert AttendanceRecord.objects.filter(source="biometric").count() == 3
    assert statistics.check() == []


def test_the_trail_tells_of_an_upload_once_with_its_counts(world: World) -> None:
    world.open()

    readings.take(device=world.device, readings=upload(world, 30), now=world.at(10))

    entry = AuditEntry.objects.get(action="reading.take")
    assert (entry.actor_kind, entry.object_id) == ("system", str(world.device.pk))
    assert entry.after == {"count": 30, "rejected": 0, "matched": 30, "marks": 3}


def test_one_upload_may_tell_of_several_classes_open_and_closed(world: World) -> None:
    world.open()
    world.close()
    following: Session = SessionFactory(
        section=world.section, starts_at=world.at(60), teacher=world.session.faculty.get(), open=True
    )
    lines = [Reading(world.at(1), Direction.IN, "1"), Reading(world.at(61), Direction.IN, "1")]

    taken = readings.take(device=world.device, readings=lines, now=world.at(70))

    assert (taken.matched, taken.marks) == (2, 2)
    assert world.mark() == ("present", "biometric")
    assert AttendanceRecord.objects.get(session=following).status == "present"
    assert statistics.check() == []


# -- cards --------------------------------------------------------------------------------------------------------


def test_a_card_is_found_by_its_number_however_it_is_written(world: World) -> None:
    world.open()
    agree(world.students[1])
    templates.enrol(
        student=world.students[1], kind="rfid", template="00ab12 cd", by=world.office, now=world.at(0)
    )

    taken = readings.take(
        device=world.device, readings=[Reading(world.at(1), card="AB12CD")], now=world.at(1)
    )

    assert (taken.matched, taken.marks) == (1, 1)
    assert world.mark(1) == ("present", "rfid")


def test_an_unknown_card_is_kept_without_its_number(world: World) -> None:
    world.open()

    readings.take(device=world.device, readings=[Reading(world.at(1), card="AB12CD")], now=world.at(1))

    event = world.event()
    assert (event.state, event.reason, event.pin) == ("unmatched", "unknown_card", "")
    assert "AB12CD" not in str(DeviceEvent.objects.values().get())
