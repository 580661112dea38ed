"""What a changed, skipped or ended slot does to its classes: the future follows, the past is history."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import transaction

from academics.errors import OutsideTerm
from attendance import errors
from attendance.enums import SessionStatus
from attendance.models import Session, SessionOccupancy, SlotException, SlotOccupancy, TimetableSlot
from attendance.services import arrangement, holidays, sessions, timetable
from audit.models import AuditEntry
from core.errors import Invalid, NotFound, Stale
from tests.attendance.planning import TUESDAYS, Plan
from tests.factories import RoomFactory
from tests.races import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan() -> Plan:
    return Plan.new()


@pytest.fixture
def slot(plan: Plan) -> TimetableSlot:
    """Four Tuesdays, 09:00–10:00, planned."""
    made = plan.slot()
    plan.generate()
    return made


def keys(slot: TimetableSlot) -> list[Any]:
    return list(Session.objects.filter(slot=slot).order_by("starts_at").values_list("pk", flat=True))


def places(slot: TimetableSlot) -> set[tuple[str, datetime]]:
    rows = SessionOccupancy.objects.filter(session__slot=slot)
    return {
        (resource.partition(":")[0], during.lower)
        for resource, during in rows.values_list("resource", "during")
    }


class TestAChangedSlot:
    def test_re_times_its_classes_ahead_which_stay_what_they_are(
        self, plan: Plan, slot: TimetableSlot
    ) -> None:
        before = keys(slot)
        second = plan.of_day(slot, TUESDAYS[1])
        stand_in = plan.teacher()
        arrangement.update_session(session=second, changes={"topic": "Trees"}, by=plan.office, now=plan.now)
        arrangement.substitute(session=second, faculty=stand_in, by=plan.office, now=plan.now)

        plan.change(slot, starts=time(11), ends=time(12, 30))

        assert keys(slot) == before
        assert plan.times(slot) == ["11-03 11:00", "11-10 11:00", "11-17 11:00", "11-24 11:00"]
        second.refresh_from_db()
        assert (second.topic, second.substitute) == ("Trees", stand_in)
        assert second.ends_at - second.starts_at == timedelta(minutes=90)
        assert {lower for _kind, lower in places(slot)} == set(
            Session.objects.filter(slot=slot).values_list("starts_at", flat=True)
        )

    def test_moves_to_another_weekday_within_the_week(self, plan: Plan, slot: TimetableSlot) -> None:
        before = keys(slot)
        plan.change(slot, weekday=4)
        assert keys(slot) == before
        assert plan.times(slot) == ["11-05 09:00", "11-12 09:00", "11-19 09:00", "11-26 09:00"]
        held_on = Session.objects.filter(slot=slot).order_by("held_on").values_list("held_on", flat=True)
        assert list(held_on) == [day + timedelta(days=2) for day in TUESDAYS]

    def test_leaves_what_was_opened_held_or_cancelled_alone(self, plan: Plan, slot: TimetableSlot) -> None:
        first, second, third, _fourth = (plan.of_day(slot, day) for day in TUESDAYS)
        Session.objects.filter(pk=first.pk).update(status=SessionStatus.CLOSED)
        Session.objects.filter(pk=second.pk).update(status=SessionStatus.OPEN)
        sessions.cancel_session(session=third, reason="ill", by=plan.office, now=plan.now)
        plan.change(slot, starts=time(11), ends=time(12))
        assert plan.times(slot) == ["11-03 09:00", "11-10 09:00", "11-17 09:00", "11-24 11:00"]

    def test_leaves_the_past_alone_also_where_nobody_opened(self, plan: Plan, slot: TimetableSlot) -> None:
        now = plan.at("2026-11-10 09:01")
        plan.change(slot, starts=time(8), ends=time(9), now=now)
        assert plan.times(slot) == ["11-03 09:00", "11-10 09:00", "11-17 08:00", "11-24 08:00"]

    def test_keeps_the_time_of_a_class_that_somebody_moved(self, plan: Plan, slot: TimetableSlot) -> None:
        moved = plan.of_day(slot, TUESDAYS[1])
        changes = {"starts_at": plan.at("2026-11-10 15:00"), "ends_at": plan.at("2026-11-10 16:00")}
        arrangement.update_session(session=moved, changes=changes, by=plan.office, now=plan.now)
        plan.change(slot, starts=time(11), ends=time(12))
        assert plan.times(slot) == ["11-03 11:00", "11-10 15:00", "11-17 11:00", "11-24 11:00"]

    def test_hands_room_faculty_and_sections_on_but_keeps_what_one_class_has_of_its_own(
        self, plan: Plan, slot: TimetableSlot
    ) -> None:
        own_room, new_room = RoomFactory.create_batch(2, school=plan.school)
        special = plan.of_day(slot, TUESDAYS[1])
        arrangement.update_session(session=special, changes={"room": own_room}, by=plan.office, now=plan.now)
        teacher, section = plan.teacher(), plan.section()

        plan.change(slot, room=new_room, faculty=[teacher], sections=[section])

        found = Session.objects.filter(slot=slot).order_by("held_on")
        assert [session.room for session in found] == [new_room, own_room, new_room, new_room]
        assert {session.faculty.get() for session in found} == {teacher}
        assert {session.sections.get() for session in found} == {section}
        wanted = {f"faculty:{teacher.pk}", f"cohort:{section.cohort_id}", f"room:{new_room.pk}"}
        assert set(found[0].occupancies.values_list("resource", flat=True)) == wanted

    def test_drops_a_substitute_who_now_teaches_it_anyway(self, plan: Plan, slot: TimetableSlot) -> None:
        session = plan.of_day(slot, TUESDAYS[0])
        teacher = plan.teacher()
        arrangement.substitute(session=session, faculty=teacher, by=plan.office, now=plan.now)
        plan.change(slot, faculty=[teacher])
        session.refresh_from_db()
        assert session.substitute is None

    def test_loses_the_classes_outside_its_new_validity(self, plan: Plan, slot: TimetableSlot) -> None:
        plan.change(slot, valid_from=date(2026, 11, 4), valid_until=date(2026, 11, 23))
        assert plan.times(slot) == ["11-10 09:00", "11-17 09:00"]
        slot.refresh_from_db()
        plan.change(slot, valid_from=date(2026, 11, 1))
        plan.generate()
        assert plan.times(slot) == ["11-03 09:00", "11-10 09:00", "11-17 09:00"]

    def test_loses_a_class_whose_new_day_is_off_and_gains_one_whose_old_day_was(self, plan: Plan) -> None:
        slot = plan.slot()
        for day in (TUESDAYS[1], date(2026, 11, 19)):
            holidays.add_holiday(school=plan.school, day=day, name="Off", by=plan.office, now=plan.now)
        plan.generate()
        assert plan.times(slot) == ["11-03 09:00", "11-17 09:00", "11-24 09:00"]
        plan.change(slot, weekday=4)
        assert plan.times(slot) == ["11-05 09:00", "11-12 09:00", "11-26 09:00"]

    def test_is_refused_where_a_class_would_stand_in_anothers_place(
        self, plan: Plan, slot: TimetableSlot
    ) -> None:
        teacher = slot.faculty.get()
        extra = plan.extra_class("2026-11-17 11:30", faculty=[teacher])
        with pytest.raises(errors.FacultyConflict) as refused, transaction.atomic():
            plan.change(slot, starts=time(11), ends=time(12))
        assert refused.value.meta is not None
        (other,) = refused.value.meta["conflicts_with"]
        assert (other["kind"], other["id"]) == ("session", str(extra.pk))
        slot.refresh_from_db()
        assert (slot.starts, slot.version) == (time(9), 1)
        assert plan.times(slot) == ["11-03 09:00", "11-10 09:00", "11-17 09:00", "11-24 09:00"]

    def test_has_no_second_class_in_a_week_in_which_it_was_held(
        self, plan: Plan, slot: TimetableSlot
    ) -> None:
        now = plan.at("2026-11-11 12:00")
        Session.objects.filter(slot=slot, held_on__lte=TUESDAYS[1]).update(status=SessionStatus.CLOSED)
        plan.change(slot, weekday=5, now=now)
        assert plan.generate().created == 0
        assert plan.times(slot) == ["11-03 09:00", "11-10 09:00", "11-20 09:00", "11-27 09:00"]

    def test_loses_this_weeks_class_when_its_new_time_is_over(self, plan: Plan, slot: TimetableSlot) -> None:
        plan.change(slot, weekday=1, now=plan.at("2026-11-09 20:00"))
        assert plan.times(slot) == ["11-03 09:00", "11-16 09:00", "11-23 09:00"]

    def test_takes_along_what_a_holiday_has_cancelled(self, plan: Plan, slot: TimetableSlot) -> None:
        common = {"by": plan.office, "now": plan.now}
        holiday = holidays.add_holiday(school=plan.school, day=TUESDAYS[1], name="Off", **common).holiday
        plan.change(slot, starts=time(11), ends=time(12))
        assert plan.of_day(slot, TUESDAYS[1]).status == SessionStatus.CANCELLED
        holidays.remove_holiday(holiday=holiday, **common)
        assert plan.of_day(slot, TUESDAYS[1]).status == SessionStatus.SCHEDULED
        assert plan.times(slot) == ["11-03 11:00", "11-10 11:00", "11-17 11:00", "11-24 11:00"]

    def test_tells_what_it_did_under_one_operation(self, plan: Plan, slot: TimetableSlot) -> None:
        plan.change(slot, starts=time(11), ends=time(12), valid_until=date(2026, 11, 20))
        update = AuditEntry.objects.get(action="slot.update")
        replan = AuditEntry.objects.get(action="slot.replan")
        assert (update.before["starts"], update.after["starts"]) == ("09:00:00", "11:00:00")
        assert replan.after == {"changed": 3, "removed": 1}
        assert update.operation_id == replan.operation_id

    def test_that_did_not_change_leaves_no_trace(self, plan: Plan, slot: TimetableSlot) -> None:
        assert plan.change(slot).version == 1
        assert not AuditEntry.objects.filter(action="slot.update").exists()

    def test_is_refused_from_an_old_version(self, plan: Plan, slot: TimetableSlot) -> None:
        assert plan.change(slot, ends=time(11), version=1).version == 2
        with pytest.raises(Stale):
            plan.change(slot, ends=time(12), version=1)


class TestTeachers:
    def test_of_a_section_follow_its_timetable(self, plan: Plan, slot: TimetableSlot) -> None:
        section, old = slot.sections.get(), slot.faculty.get()
        assert list(section.teachers.all()) == [old]
        new = plan.teacher()
        plan.change(slot, faculty=[new])
        assert list(section.teachers.all()) == [new]

    def test_stay_while_another_slot_has_them(self, plan: Plan, slot: TimetableSlot) -> None:
        section, old = slot.sections.get(), slot.faculty.get()
        plan.slot(sections=[section], faculty=[old], weekday=3)
        plan.change(slot, faculty=[plan.teacher()])
        assert old in section.teachers.all()

    def test_of_a_deleted_slot_are_gone(self, plan: Plan) -> None:
        slot = plan.slot()
        section = slot.sections.get()
        timetable.retire_slot(slot=slot, by=plan.office, now=plan.now)
        assert not section.teachers.exists()


class TestValidity:
    @pytest.mark.parametrize(
        ("changes", "attr"),
        [
            ({"valid_from": date(2025, 12, 31)}, "valid_from"),
            ({"valid_until": date(2027, 1, 1)}, "valid_until"),
        ],
    )
    def test_lies_inside_the_term(self, plan: Plan, changes: dict[str, date], attr: str) -> None:
        with pytest.raises(OutsideTerm) as refused:
            plan.slot(**changes)
        assert refused.value.attr == attr


class TestARetiredSlot:
    def test_keeps_what_began_and_frees_the_rest(self, plan: Plan, slot: TimetableSlot) -> None:
        now = plan.at("2026-11-10 09:30")
        sessions.open_session(session=plan.of_day(slot, TUESDAYS[1]), by=plan.office, now=now)
        teacher = slot.faculty.get()

        timetable.retire_slot(slot=slot, by=plan.office, now=now)

        assert plan.times(slot) == ["11-03 09:00", "11-10 09:00"]
        slot.refresh_from_db()
        assert slot.valid_until == TUESDAYS[1]
        assert set(SlotOccupancy.objects.values_list("valid_until", flat=True)) == {TUESDAYS[1]}
        assert plan.generate().created == 0
        plan.extra_class("2026-11-17 09:00", faculty=[teacher])

    def test_comes_back_neither_by_generating_nor_through_a_holiday(
        self, plan: Plan, slot: TimetableSlot
    ) -> None:
        common = {"by": plan.office, "now": plan.now}
        holiday = holidays.add_holiday(school=plan.school, day=TUESDAYS[2], name="Off", **common).holiday
        sessions.cancel_session(session=plan.of_day(slot, TUESDAYS[3]), reason="ill", **common)
        timetable.retire_slot(slot=slot, by=plan.office, now=plan.at("2026-11-04 12:00"))
        assert holidays.remove_holiday(holiday=holiday, **common).restored == []
        assert plan.generate().created == 0
        assert plan.times(slot) == ["11-03 09:00"]

    def test_that_had_moved_beyond_its_history_ends_with_it(self, plan: Plan, slot: TimetableSlot) -> None:
        now = plan.at("2026-11-04 12:00")
        plan.change(slot, valid_from=date(2026, 11, 23), now=now)
        timetable.retire_slot(slot=slot, by=plan.office, now=now)
        slot.refresh_from_db()
        assert (slot.valid_from, slot.valid_until) == (TUESDAYS[0], TUESDAYS[0])


class TestASkippedDate:
    def test_must_be_one_of_the_slots_days(self, plan: Plan, slot: TimetableSlot) -> None:
        for day in (date(2026, 11, 4), date(2026, 12, 1)):
            with pytest.raises(Invalid) as refused:
                timetable.skip_date(slot=slot, day=day, by=plan.office, now=plan.now)
            assert refused.value.attr == "date"

    def test_is_refused_once_the_class_has_begun(self, plan: Plan, slot: TimetableSlot) -> None:
        Session.objects.filter(slot=slot, held_on=TUESDAYS[0]).update(status=SessionStatus.CLOSED)
        with pytest.raises(errors.NotScheduled), transaction.atomic():
            timetable.skip_date(slot=slot, day=TUESDAYS[0], by=plan.office, now=plan.now)
        assert not SlotException.objects.exists()

    def test_may_be_skipped_and_taken_back_twice(self, plan: Plan, slot: TimetableSlot) -> None:
        for _ in range(2):
            timetable.skip_date(slot=slot, day=TUESDAYS[1], reason="trip", by=plan.office, now=plan.now)
        assert plan.times(slot) == ["11-03 09:00", "11-17 09:00", "11-24 09:00"]
        for _ in range(2):
            timetable.unskip_date(slot=slot, day=TUESDAYS[1], by=plan.office, now=plan.now)
        assert plan.times(slot) == ["11-03 09:00", "11-10 09:00", "11-17 09:00", "11-24 09:00"]
        assert AuditEntry.objects.filter(action="slot.skip").count() == 1
        assert AuditEntry.objects.filter(action="slot.unskip").count() == 1

    def test_that_is_over_stays_without_a_class(self, plan: Plan, slot: TimetableSlot) -> None:
        timetable.skip_date(slot=slot, day=TUESDAYS[0], by=plan.office, now=plan.now)
        timetable.unskip_date(slot=slot, day=TUESDAYS[0], by=plan.office, now=plan.at("2026-11-03 09:30"))
        assert plan.times(slot)[0] == "11-10 09:00"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", ["change", "retire", "skip"])
def test_a_class_opened_at_the_same_moment_is_left_alone(deed: str) -> None:
    plan = Plan.new()
    for round_ in range(12):
        day = TUESDAYS[round_ % 4]
        slot = plan.slot()
        plan.generate(start=day, end=day)
        session = plan.of_day(slot, day)
        now = session.starts_at - timedelta(minutes=5)

        def act(
            index: int,
            slot: TimetableSlot = slot,
            session: Session = session,
            now: datetime = now,
            day: date = day,
        ) -> object:
            if index == 0:
                return sessions.open_session(session=session, by=plan.office, now=now)
            if deed == "change":
                return plan.change(slot, starts=time(11), ends=time(12), now=now)
            if deed == "retire":
                return timetable.retire_slot(slot=slot, by=plan.office, now=now)
            return timetable.skip_date(slot=slot, day=day, by=plan.office, now=now)

        opened, _done = together(2, act)
        kept = Session.objects.filter(pk=session.pk).first()
        if isinstance(opened, Session):
            assert kept is not None, round_
            assert (kept.status, kept.starts_at) == (SessionStatus.OPEN, session.starts_at), round_
        elif deed == "change":
            # It had moved to 11:00 before, more than an hour ahead.
            assert isinstance(opened, errors.TooEarly), opened
            assert kept is not None
            assert kept.status == SessionStatus.SCHEDULED
        else:
            assert isinstance(opened, NotFound), opened
            assert kept is None
