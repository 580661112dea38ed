"""Nobody is in two places at once: extra classes, substitutes, batches, and whoever bypasses the services."""

from __future__ import annotations

import threading
import time as wait
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from psycopg.types.range import Range

from attendance import errors
from attendance.enums import SessionStatus
from attendance.models import Session, SessionOccupancy, SlotOccupancy, TimetableSlot
from attendance.services import arrangement, holidays, timetable
from tests.attendance.planning import FROM, UNTIL, Plan
from tests.factories import CohortFactory, CourseFactory, DepartmentFactory, RoomFactory
from tests.races import together

pytestmark = pytest.mark.django_db

TUESDAY = date(2026, 11, 3)


@pytest.fixture
def plan() -> Plan:
    return Plan.new()


def refused(expected: type[errors.Conflict], act: Callable[[], object]) -> list[tuple[str, str]]:
    """(kind, id) of what the refusal names."""
    with pytest.raises(errors.Conflict) as caught, transaction.atomic():
        act()
    assert type(caught.value) is expected, caught.value
    assert caught.value.meta is not None
    named = caught.value.meta["conflicts_with"]
    assert named[0]["label"] in str(caught.value)
    return [(other["kind"], other["id"]) for other in named]


class TestExtraClasses:
    def test_meet_sessions_by_teacher_room_and_cohort(self, plan: Plan) -> None:
        room = RoomFactory(school=plan.school)
        first = plan.extra_class("2026-11-03 09:00", room=room)
        (section,), (teacher,) = first.sections.all(), first.faculty.all()
        named = [("session", str(first.pk))]

        start = "2026-11-03 09:59"
        assert refused(errors.FacultyConflict, lambda: plan.extra_class(start, faculty=[teacher])) == named
        assert refused(errors.RoomConflict, lambda: plan.extra_class(start, room=room)) == named
        same_cohort = plan.section(cohort=section.cohort)
        assert (
            refused(errors.CohortConflict, lambda: plan.extra_class(start, sections=[same_cohort])) == named
        )
        combined = [plan.section(), same_cohort]
        assert refused(errors.CohortConflict, lambda: plan.extra_class(start, sections=combined)) == named
        assert Session.objects.count() == 1

    def test_may_touch(self, plan: Plan) -> None:
        teacher = plan.teacher()
        plan.extra_class("2026-11-03 09:00", faculty=[teacher])
        plan.extra_class("2026-11-03 10:00", faculty=[teacher])
        plan.extra_class("2026-11-03 08:00", faculty=[teacher])
        assert Session.objects.count() == 3

    def test_meet_a_slot_of_which_no_session_was_made_yet(self, plan: Plan) -> None:
        slot = plan.slot()
        teacher = slot.faculty.get()
        named = [("slot", str(slot.pk))]
        assert (
            refused(errors.FacultyConflict, lambda: plan.extra_class("2026-11-03 09:30", faculty=[teacher]))
            == named
        )
        plan.extra_class("2026-11-03 10:00", faculty=[teacher])
        plan.extra_class("2026-11-04 09:30", faculty=[teacher])
        plan.extra_class("2026-12-01 09:30", faculty=[teacher])  # a Tuesday after the slot's last

    def test_meet_a_slot_that_reaches_over_midnight(self, plan: Plan) -> None:
        slot = plan.slot(starts=time(23), ends=time(1))
        teacher = slot.faculty.get()
        act = lambda: plan.extra_class("2026-11-04 00:30", faculty=[teacher])  # noqa: E731 - used once, read at once
        assert refused(errors.FacultyConflict, act) == [("slot", str(slot.pk))]
        plan.extra_class("2026-11-03 00:30", faculty=[teacher])

    def test_may_stand_where_the_slot_is_off(self, plan: Plan) -> None:
        slot = plan.slot(weekday=2)
        teacher = slot.faculty.get()
        timetable.skip_date(slot=slot, day=date(2026, 11, 10), by=plan.office, now=plan.now)
        plan.extra_class("2026-11-10 09:00", faculty=[teacher])
        common = {"school": plan.school, "name": "Holiday", "by": plan.office, "now": plan.now}
        holidays.add_holiday(day=date(2026, 11, 17), **common)
        plan.extra_class("2026-11-17 09:00", faculty=[teacher])

        elsewhere = DepartmentFactory(school=plan.school)
        holidays.add_holiday(day=date(2026, 11, 24), department=elsewhere, **common)
        assert refused(
            errors.FacultyConflict, lambda: plan.extra_class("2026-11-24 09:00", faculty=[teacher])
        )
        section = slot.sections.get()
        section.course.department = DepartmentFactory(school=plan.school)
        section.course.save()
        holidays.add_holiday(day=date(2026, 11, 24), department=section.course.department, **common)
        plan.extra_class("2026-11-24 09:00", faculty=[teacher])

    def test_may_stand_where_the_slots_session_was_cancelled(self, plan: Plan) -> None:
        slot = plan.slot()
        plan.generate()
        Session.objects.filter(slot=slot, held_on=TUESDAY).update(status=SessionStatus.CANCELLED)
        SessionOccupancy.objects.filter(session__held_on=TUESDAY).delete()
        plan.extra_class("2026-11-03 09:00", faculty=slot.faculty.all())

    def test_meet_the_slot_at_its_wall_clock_time_on_both_sides_of_a_change_of_clocks(self) -> None:
        berlin = Plan.new(timezone="Europe/Berlin")
        slot = berlin.slot(weekday=1, valid_from=date(2026, 10, 19), valid_until=date(2026, 10, 26))
        teacher = slot.faculty.get()
        for day in ("2026-10-19", "2026-10-26"):
            berlin.extra_class(f"{day} 08:00", faculty=[teacher])
            berlin.extra_class(f"{day} 10:00", faculty=[teacher])
            named = refused(
                errors.FacultyConflict,
                lambda day=day: berlin.extra_class(f"{day} 09:55", faculty=[teacher], minutes=5),  # type: ignore[misc] # bound now
            )
            assert named == [("slot", str(slot.pk))]

    def test_name_each_other_once_the_teacher_before_the_room(self, plan: Plan) -> None:
        batch = CohortFactory(school=plan.school, parent=(whole := CohortFactory(school=plan.school)))
        room = RoomFactory(school=plan.school)
        first = plan.extra_class("2026-11-03 09:00", sections=[plan.section(cohort=whole)], room=room)
        again = {"sections": [plan.section(cohort=whole)], "room": room}
        assert len(refused(errors.RoomConflict, lambda: plan.extra_class("2026-11-03 09:00", **again))) == 1
        again["faculty"] = first.faculty.all()
        assert (
            len(refused(errors.FacultyConflict, lambda: plan.extra_class("2026-11-03 09:00", **again))) == 1
        )
        del again["faculty"], again["room"]
        assert len(refused(errors.CohortConflict, lambda: plan.extra_class("2026-11-03 09:00", **again))) == 1
        assert SessionOccupancy.objects.filter(resource=f"cohort:{batch.pk}").count() == 1


class TestSubstitutes:
    def test_are_refused_where_they_teach_already(self, plan: Plan) -> None:
        busy = plan.slot()
        session = plan.extra_class("2026-11-03 09:30")
        stand_in = busy.faculty.get()

        def act() -> object:
            return arrangement.substitute(session=session, faculty=stand_in, by=plan.office, now=plan.now)

        assert refused(errors.FacultyConflict, act) == [("slot", str(busy.pk))]
        plan.generate()
        assert refused(errors.FacultyConflict, act) == [("session", str(plan.of_day(busy, TUESDAY).pk))]
        session.refresh_from_db()
        assert session.substitute is None

    def test_free_the_faculty_they_stand_in_for(self, plan: Plan) -> None:
        session = plan.extra_class("2026-11-03 09:00")
        own, stand_in = session.faculty.get(), plan.teacher()
        arrangement.substitute(session=session, faculty=stand_in, by=plan.office, now=plan.now)
        plan.extra_class("2026-11-03 09:00", faculty=[own])

        def take_back() -> object:
            return arrangement.substitute(session=session, faculty=None, by=plan.office, now=plan.now)

        assert refused(errors.FacultyConflict, take_back)


class TestBatches:
    def test_run_side_by_side_but_not_beside_the_whole(self, plan: Plan) -> None:
        whole = CohortFactory(school=plan.school)
        one, other = CohortFactory.create_batch(2, school=plan.school, parent=whole)
        nested = CohortFactory(school=plan.school, parent=one)
        plan.slot(sections=[plan.section(cohort=nested)])
        plan.slot(sections=[plan.section(cohort=other)])
        for cohort in (whole, one, nested):
            assert refused(
                errors.CohortConflict, lambda c=cohort: plan.slot(sections=[plan.section(cohort=c)])
            )  # type: ignore[misc] # bound now

    def test_made_after_the_whole_was_planned_meet_it_all_the_same(self, plan: Plan) -> None:
        whole = CohortFactory(school=plan.school)
        slot = plan.slot(sections=[plan.section(cohort=whole)])
        extra = plan.extra_class("2026-11-04 09:00", sections=[plan.section(cohort=whole)])
        late = plan.section(cohort=CohortFactory(school=plan.school, parent=whole))

        assert refused(errors.CohortConflict, lambda: plan.slot(sections=[late])) == [("slot", str(slot.pk))]
        named = refused(errors.CohortConflict, lambda: plan.extra_class("2026-11-04 09:00", sections=[late]))
        assert named == [("session", str(extra.pk))]
        plan.slot(sections=[late], starts=time(10), ends=time(11))

    def test_with_classes_of_their_own_do_not_hinder_the_next(self, plan: Plan) -> None:
        whole, batch = CohortFactory.create_batch(2, school=plan.school)
        plan.slot(sections=[plan.section(cohort=whole)])
        own = plan.slot(sections=[plan.section(cohort=batch)])
        batch.parent = whole
        batch.save()

        plan.slot(sections=[plan.section(cohort=batch)], weekday=3)
        named = refused(errors.CohortConflict, lambda: plan.slot(sections=[plan.section(cohort=batch)]))
        assert named == [("slot", str(own.pk))]

    def test_electives_meet_only_themselves(self, plan: Plan) -> None:
        elective = plan.section(cohort=None, name="Chess")
        other = plan.section(cohort=None, name="Go", course=CourseFactory(school=plan.school))
        slot = plan.slot(sections=[elective])
        plan.slot(sections=[other])
        assert refused(errors.CohortConflict, lambda: plan.slot(sections=[elective])) == [
            ("slot", str(slot.pk))
        ]


class TestBypassing:
    def test_the_service_is_refused_by_the_database(self, plan: Plan) -> None:
        session, other = plan.extra_class("2026-11-03 09:00"), plan.extra_class("2026-11-03 12:00")
        taken = session.occupancies.order_by("resource").first()
        assert taken is not None
        start = session.ends_at - timedelta(seconds=1)
        with pytest.raises(IntegrityError, match="session_no_clash"), transaction.atomic():
            SessionOccupancy.objects.create(
                session=other,
                school=plan.school,
                resource=taken.resource,
                during=Range(start, start + timedelta(hours=1)),
            )
        with pytest.raises(IntegrityError, match="session_no_clash"), transaction.atomic():
            other.occupancies.update(resource=taken.resource, during=taken.during)

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("kind", ["slot", "session"])
    def test_the_lock_gets_the_other_the_same_refusal(self, kind: str) -> None:
        """Somebody writes straight into the table, commits after the look-up and before our own insert."""
        plan = Plan.new()
        teacher = plan.teacher()
        other: Any = plan.slot(weekday=5) if kind == "slot" else plan.extra_class("2026-11-06 09:00")
        resource = f"faculty:{teacher.pk}"
        statement = {
            "slot": "INSERT INTO attendance_slot_occupancy (slot_id, school_id, resource, weekday, starts, ends, "
            "valid_from, valid_until) VALUES (%s, %s, %s, 2, '09:00', '10:00', '2026-11-02', '2026-11-29')",
            "session": "INSERT INTO attendance_session_occupancy (session_id, school_id, resource, during) VALUES "
            "(%s, %s, %s, tstzrange('2026-11-03 03:30Z', '2026-11-03 04:30Z'))",
        }[kind]

        def save() -> object:
            if kind == "slot":
                return plan.slot(faculty=[teacher])
            return plan.extra_class("2026-11-03 09:00", faculty=[teacher])

        results: list[object] = []
        with bypass() as past_the_lock:
            past_the_lock.execute(statement, [other.pk, plan.school.pk, resource])
            thread = threading.Thread(target=lambda: results.extend(together(1, lambda _i: save())))
            thread.start()
            wait_until_blocked_by(past_the_lock)
            past_the_lock.commit()
            thread.join(timeout=30)
        (result,) = results
        assert isinstance(result, errors.FacultyConflict), result
        assert result.meta is not None
        assert [(o["kind"], o["id"]) for o in result.meta["conflicts_with"]] == [(kind, str(other.pk))]


@pytest.mark.django_db(transaction=True)
def test_of_extra_classes_at_one_moment_one_wins_and_the_others_are_told() -> None:
    plan = Plan.new()
    teacher = plan.teacher()
    sections = [plan.section() for _ in range(4)]
    rooms = RoomFactory.create_batch(2, school=plan.school)
    for round_ in range(12):
        start = f"2026-11-03 {8 + round_:02}:00"
        outcomes = together(
            4,
            lambda i, start=start: plan.extra_class(  # type: ignore[misc] # bound now
                start, faculty=[teacher], sections=[sections[i]], room=rooms[i % 2]
            ),
        )
        kinds = sorted(type(outcome).__name__ for outcome in outcomes)
        assert kinds == ["FacultyConflict"] * 3 + ["Session"], outcomes


@pytest.mark.django_db(transaction=True)
def test_of_clashing_slots_saved_at_one_moment_one_wins_and_the_others_are_told() -> None:
    plan = Plan.new()
    teacher = plan.teacher()
    sections = [plan.section() for _ in range(4)]
    for round_ in range(12):
        outcomes = together(
            4,
            lambda i, hour=8 + round_: plan.slot(  # type: ignore[misc] # bound now
                faculty=[teacher], sections=[sections[i]], starts=time(hour), ends=time(hour + 1)
            ),
        )
        kinds = sorted(type(outcome).__name__ for outcome in outcomes)
        assert kinds == ["FacultyConflict"] * 3 + ["TimetableSlot"], outcomes
    assert TimetableSlot.objects.count() == 12
    assert SlotOccupancy.objects.filter(resource=f"faculty:{teacher.pk}").count() == 12
    assert SlotOccupancy.objects.values_list("valid_from", "valid_until").first() == (FROM, UNTIL)


def bypass() -> psycopg.Connection[Any]:
    own = settings.DATABASES["default"]
    return psycopg.connect(
        host=own["HOST"],
        port=own["PORT"],
        user=own["USER"],
        password=own["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
    )


def wait_until_blocked_by(other: psycopg.Connection[Any]) -> None:
    """Until somebody waits for what this connection holds."""
    deadline = wait.monotonic() + 30
    pid = other.info.backend_pid
    with bypass() as watcher:
        while True:
            row = watcher.execute(
                "SELECT count(*) FROM pg_locks l WHERE NOT l.granted AND %s = ANY (pg_blocking_pids(l.pid))",
                [pid],
            ).fetchone()
            if row and row[0]:
                return
            assert wait.monotonic() < deadline, "nobody waits"
            wait.sleep(0.01)
