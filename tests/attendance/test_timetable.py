"""Slots without clashes: fifteen ways of meeting, and what a change does to the future."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from academics.models import Faculty, Section
from accounts.models import School, User
from attendance import errors
from attendance.enums import SessionStatus
from attendance.models import Session, SessionOccupancy, SlotOccupancy, TimetableSlot
from attendance.services import generation, timetable
from audit.models import AuditEntry
from core.errors import CrossSchool, Invalid
from tests.factories import (
    CohortFactory,
    FacultyFactory,
    RoomFactory,
    SchoolFactory,
    SectionFactory,
    TermFactory,
    UserFactory,
)
from tests.races import together

pytestmark = pytest.mark.django_db

FROM, UNTIL = date(2026, 11, 2), date(2027, 3, 27)


@pytest.fixture
def school() -> School:
    school = SchoolFactory()
    TermFactory(school=school)
    return school


@pytest.fixture
def office(school: School) -> User:
    return UserFactory(school=school)


@pytest.fixture
def teacher(school: School) -> Faculty:
    return FacultyFactory(school=school)


def save(school: School, by: User, now: datetime, **changes: Any) -> TimetableSlot:
    """A Tuesday class, 09:00–10:00, of a new section by a new teacher unless told otherwise."""
    values: dict[str, Any] = {
        "weekday": 2,
        "starts": time(9),
        "ends": time(10),
        "room": None,
        "valid_from": FROM,
        "valid_until": UNTIL,
        **changes,
    }
    values.setdefault("sections", [SectionFactory(school=school)])
    values.setdefault("faculty", [FacultyFactory(school=school)])
    return timetable.save_slot(school=school, by=by, now=now, **values)


MEETINGS = [
    # first: weekday, start, end; second likewise; do they meet?
    ((2, "09:00", "10:00"), (2, "09:00", "10:00"), True),
    ((2, "09:00", "10:00"), (2, "09:30", "10:30"), True),
    ((2, "09:00", "10:00"), (2, "08:30", "09:01"), True),
    ((2, "09:00", "12:00"), (2, "10:00", "11:00"), True),
    ((2, "09:00", "11:00"), (2, "11:00", "12:00"), False),
    ((2, "11:00", "12:00"), (2, "09:00", "11:00"), False),
    ((2, "09:00", "10:00"), (3, "09:00", "10:00"), False),
    ((2, "23:00", "01:00"), (3, "00:30", "02:00"), True),
    ((2, "23:00", "01:00"), (3, "01:00", "02:00"), False),
    ((2, "23:00", "01:00"), (2, "00:30", "02:00"), False),
    ((7, "23:00", "01:00"), (1, "00:30", "02:00"), True),
    ((7, "23:00", "01:00"), (1, "01:00", "02:00"), False),
    ((1, "00:30", "02:00"), (7, "23:00", "01:00"), True),
    ((7, "23:30", "23:00"), (1, "12:00", "13:00"), True),
    ((6, "09:00", "10:00"), (7, "09:00", "10:00"), False),
]


@pytest.mark.parametrize(("first", "second", "meet"), MEETINGS)
def test_two_classes_of_one_teacher_meet_or_do_not(
    school: School, office: User, teacher: Faculty, now: datetime, first: Any, second: Any, meet: bool
) -> None:
    def place(what: tuple[int, str, str]) -> TimetableSlot:
        weekday, starts, ends = what
        return save(
            school,
            office,
            now,
            faculty=[teacher],
            weekday=weekday,
            starts=time.fromisoformat(starts),
            ends=time.fromisoformat(ends),
        )

    taken = place(first)
    if not meet:
        place(second)
        assert TimetableSlot.objects.count() == 2
        return
    with pytest.raises(errors.FacultyConflict) as refused, transaction.atomic():
        place(second)
    (other,) = refused.value.meta["conflicts_with"]
    assert (other["kind"], other["id"]) == ("slot", str(taken.pk))
    assert TimetableSlot.objects.count() == 1


def test_a_room_is_taken_and_no_room_never_is(school: School, office: User, now: datetime) -> None:
    room = RoomFactory(school=school)
    save(school, office, now, room=room)
    save(school, office, now)
    save(school, office, now)
    with pytest.raises(errors.RoomConflict, match=room.code):
        save(school, office, now, room=room)


def test_a_cohort_sits_in_one_class_at_a_time_combined_lectures_included(
    school: School, office: User, now: datetime
) -> None:
    first, second = SectionFactory(school=school), SectionFactory(school=school)
    save(school, office, now, sections=[first, second])
    other_course = SectionFactory(school=school, cohort=second.cohort)
    with pytest.raises(errors.CohortConflict):
        save(school, office, now, sections=[other_course])


def test_two_batches_may_run_side_by_side_but_not_beside_the_whole(
    school: School, office: User, now: datetime
) -> None:
    whole = CohortFactory(school=school)
    batches = CohortFactory.create_batch(2, school=school, parent=whole)
    for batch in batches:
        save(school, office, now, sections=[SectionFactory(school=school, cohort=batch)])
    with pytest.raises(errors.CohortConflict):
        save(school, office, now, sections=[SectionFactory(school=school, cohort=whole)])


def test_classes_of_different_months_do_not_meet(
    school: School, office: User, teacher: Faculty, now: datetime
) -> None:
    save(school, office, now, faculty=[teacher], valid_until=date(2026, 11, 30))
    save(school, office, now, faculty=[teacher], valid_from=date(2026, 12, 1))
    assert TimetableSlot.objects.count() == 2


def test_the_database_refuses_a_clash_when_the_service_is_bypassed(
    school: School, office: User, now: datetime
) -> None:
    slot = save(school, office, now)
    other = save(school, office, now, weekday=3)
    row = SlotOccupancy.objects.filter(slot=slot).first()
    assert row is not None
    with pytest.raises(IntegrityError, match="slot_no_clash"), transaction.atomic():
        SlotOccupancy.objects.create(
            slot=other,
            school=school,
            resource=row.resource,
            weekday=2,
            starts=time(9, 59),
            ends=time(11),
            valid_from=FROM,
            valid_until=FROM + timedelta(days=30),
        )


def test_another_schools_teacher_is_refused(school: School, office: User, now: datetime) -> None:
    with pytest.raises(CrossSchool):
        save(school, office, now, faculty=[FacultyFactory()])


@pytest.mark.parametrize(
    ("changes", "attr"),
    [
        ({"ends": time(9)}, "ends"),
        ({"valid_until": FROM - timedelta(days=1)}, "valid_until"),
        ({"weekday": 8}, "weekday"),
        ({"sections": []}, "sections"),
        ({"faculty": []}, "faculty"),
    ],
)
def test_nonsense_is_refused_by_field(
    school: School, office: User, now: datetime, changes: dict[str, Any], attr: str
) -> None:
    with pytest.raises(Invalid) as refused:
        save(school, office, now, **changes)
    assert refused.value.attr == attr


def test_a_changed_slot_plans_only_the_future_anew(school: School, office: User, now: datetime) -> None:
    section = SectionFactory(school=school)
    slot = save(school, office, now, sections=[section])
    generation.generate(school=school, start=FROM, end=date(2026, 11, 30), by=office, now=now)
    after_the_second = datetime(2026, 11, 11, tzinfo=UTC)

    save(
        school,
        office,
        after_the_second,
        slot=slot,
        sections=[section],
        faculty=list(slot.faculty.all()),
        starts=time(11),
        ends=time(12),
    )

    starts = [school.local(s.starts_at) for s in Session.objects.filter(slot=slot).order_by("starts_at")]
    assert [f"{s:%d %H:%M}" for s in starts] == ["03 09:00", "10 09:00", "17 11:00", "24 11:00"]
    assert AuditEntry.objects.filter(action="slot.update").count() == 1


def test_a_skipped_date_loses_its_session_and_gets_it_back(
    school: School, office: User, now: datetime
) -> None:
    slot = save(school, office, now)
    generation.generate(school=school, start=FROM, end=date(2026, 11, 30), by=office, now=now)
    day = date(2026, 11, 17)

    timetable.skip_date(slot=slot, day=day, reason="sports day", by=office, now=now)
    assert not Session.objects.filter(slot=slot, held_on=day).exists()
    again = generation.generate(school=school, start=FROM, end=date(2026, 11, 30), by=office, now=now)
    assert [(skip.date, skip.reason) for skip in again.skipped] == [(day, "sports day")]

    timetable.unskip_date(slot=slot, day=day, by=office, now=now)
    assert Session.objects.filter(slot=slot, held_on=day).exists()


def test_a_retired_slot_keeps_its_history(school: School, office: User, now: datetime) -> None:
    slot = save(school, office, now)
    generation.generate(school=school, start=FROM, end=date(2026, 11, 30), by=office, now=now)

    timetable.retire_slot(slot=slot, by=office, now=datetime(2026, 11, 11, tzinfo=UTC))

    assert Session.objects.filter(slot=slot).count() == 2
    slot.refresh_from_db()
    assert slot.valid_until == date(2026, 11, 10)


def test_a_slot_without_history_is_gone(school: School, office: User, now: datetime) -> None:
    slot = save(school, office, now)
    timetable.retire_slot(slot=slot, by=office, now=now)
    assert not TimetableSlot.objects.exists()
    assert not SlotOccupancy.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_saving_clashing_slots_at_once_one_wins(now: datetime) -> None:
    school = SchoolFactory()
    TermFactory(school=school)
    office = UserFactory(school=school)
    teacher = FacultyFactory(school=school)
    sections: list[Section] = SectionFactory.create_batch(6, school=school)

    outcomes = together(6, lambda i: save(school, office, now, faculty=[teacher], sections=[sections[i]]))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["FacultyConflict"] * 5 + [
        "TimetableSlot"
    ]
    assert TimetableSlot.objects.count() == 1


class TestGeneration:
    def test_is_idempotent_and_names_what_it_skips(self, school: School, office: User, now: datetime) -> None:
        from attendance.services import holidays

        save(school, office, now)
        holidays.add_holiday(school=school, day=date(2026, 11, 10), name="Founders' day", by=office, now=now)
        first = generation.generate(school=school, start=FROM, end=date(2026, 11, 30), by=office, now=now)
        second = generation.generate(school=school, start=FROM, end=date(2026, 11, 30), by=office, now=now)

        assert (first.created, first.existing) == (3, 0)
        assert [(skip.date, skip.reason) for skip in first.skipped] == [(date(2026, 11, 10), "Founders' day")]
        assert (second.created, second.existing) == (0, 3)

    def test_nine_stays_nine_across_a_change_of_clocks(self, now: datetime) -> None:
        berlin = SchoolFactory(timezone="Europe/Berlin")
        TermFactory(school=berlin)
        office = UserFactory(school=berlin)
        save(berlin, office, now, weekday=1, valid_from=date(2026, 10, 19), valid_until=date(2026, 11, 2))

        generation.generate(
            school=berlin, start=date(2026, 10, 19), end=date(2026, 11, 2), by=office, now=now
        )

        found = Session.objects.order_by("starts_at")
        assert [f"{berlin.local(s.starts_at):%d.%m. %H:%M}" for s in found] == [
            "19.10. 09:00",
            "26.10. 09:00",
            "02.11. 09:00",
        ]
        assert [s.starts_at.hour for s in found] == [7, 8, 8]

    def test_a_class_over_midnight_counts_for_the_day_it_starts(
        self, school: School, office: User, now: datetime
    ) -> None:
        save(school, office, now, starts=time(23, 30), ends=time(0, 30))
        generation.generate(school=school, start=FROM, end=date(2026, 11, 5), by=office, now=now)
        session = Session.objects.get()
        assert session.held_on == date(2026, 11, 3)
        assert session.ends_at - session.starts_at == timedelta(hours=1)
        assert school.local_date(session.ends_at) == date(2026, 11, 4)

    def test_leaves_out_what_an_extra_class_has_taken(
        self, school: School, office: User, now: datetime
    ) -> None:
        from psycopg.types.range import Range

        slot = save(school, office, now)
        teacher = slot.faculty.get()
        extra = Session.objects.create(
            school=school,
            term=slot.sections.get().term,
            held_on=date(2026, 11, 3),
            starts_at=datetime(2026, 11, 3, 4, tzinfo=UTC),
            ends_at=datetime(2026, 11, 3, 5, tzinfo=UTC),
        )
        SessionOccupancy.objects.create(
            session=extra,
            school=school,
            resource=f"faculty:{teacher.pk}",
            during=Range(extra.starts_at, extra.ends_at),
        )
        result = generation.generate(school=school, start=FROM, end=date(2026, 11, 10), by=office, now=now)
        assert (result.created, [skip.date for skip in result.skipped]) == (1, [date(2026, 11, 3)])

    def test_refuses_a_range_of_years(self, school: School, office: User, now: datetime) -> None:
        with pytest.raises(errors.RangeTooLong):
            generation.generate(school=school, start=FROM, end=date(2029, 1, 1), by=office, now=now)

    @pytest.mark.django_db(transaction=True)
    def test_two_generators_at_once_do_the_work_once(self, now: datetime) -> None:
        school = SchoolFactory()
        TermFactory(school=school)
        office = UserFactory(school=school)
        for weekday in (1, 2, 3):
            save(school, office, now, weekday=weekday)

        results = together(
            3,
            lambda _i: generation.generate(
                school=school, start=FROM, end=date(2026, 11, 29), by=office, now=now
            ),
        )

        assert sorted(result.created for result in results) == [0, 0, 12]
        assert Session.objects.count() == 12
        assert AuditEntry.objects.filter(action="session.generate").count() == 1


class TestHolidays:
    @pytest.fixture
    def planned(self, school: School, office: User, now: datetime) -> TimetableSlot:
        slot = save(school, office, now)
        generation.generate(school=school, start=FROM, end=date(2026, 11, 30), by=office, now=now)
        return slot

    def test_added_later_cancels_what_is_scheduled_and_lists_what_was_held(
        self, school: School, office: User, now: datetime, planned: TimetableSlot
    ) -> None:
        from attendance.services import holidays

        held = save(school, office, now, starts=time(14), ends=time(15))
        generation.generate(school=school, start=FROM, end=date(2026, 11, 30), by=office, now=now)
        day = date(2026, 11, 10)
        Session.objects.filter(slot=held, held_on=day).update(status=SessionStatus.CLOSED)

        outcome = holidays.add_holiday(school=school, day=day, name="Cyclone", by=office, now=now)

        assert [s.slot_id for s in outcome.cancelled] == [planned.pk]
        assert [s.slot_id for s in outcome.held] == [held.pk]
        cancelled = Session.objects.get(slot=planned, held_on=day)
        assert (cancelled.status, cancelled.status_reason) == (SessionStatus.CANCELLED, "Cyclone")
        assert not cancelled.occupancies.exists()

    def test_taken_back_restores_what_it_cancelled(
        self, school: School, office: User, now: datetime, planned: TimetableSlot
    ) -> None:
        from attendance.services import holidays

        day = date(2026, 11, 10)
        holiday = holidays.add_holiday(school=school, day=day, name="Cyclone", by=office, now=now).holiday

        outcome = holidays.remove_holiday(holiday=holiday, by=office, now=now)

        restored = Session.objects.get(slot=planned, held_on=day)
        assert [s.pk for s in outcome.restored] == [restored.pk]
        assert restored.status == SessionStatus.SCHEDULED
        assert restored.occupancies.count() == 2

    def test_taken_back_lists_what_has_lost_its_place(
        self, school: School, office: User, now: datetime, planned: TimetableSlot
    ) -> None:
        from psycopg.types.range import Range

        from attendance.services import holidays

        day = date(2026, 11, 10)
        holiday = holidays.add_holiday(school=school, day=day, name="Cyclone", by=office, now=now).holiday
        lost = Session.objects.get(slot=planned, held_on=day)
        extra = Session.objects.create(
            school=school, term=lost.term, held_on=day, starts_at=lost.starts_at, ends_at=lost.ends_at
        )
        SessionOccupancy.objects.create(
            session=extra,
            school=school,
            resource=f"faculty:{planned.faculty.get().pk}",
            during=Range(lost.starts_at, lost.ends_at),
        )

        outcome = holidays.remove_holiday(holiday=holiday, by=office, now=now)

        assert (outcome.restored, [s.pk for s in outcome.taken]) == ([], [lost.pk])
        lost.refresh_from_db()
        assert lost.status == SessionStatus.CANCELLED

    def test_of_another_department_touch_nothing(
        self, school: School, office: User, now: datetime, planned: TimetableSlot
    ) -> None:
        from attendance.services import holidays
        from tests.factories import DepartmentFactory

        outcome = holidays.add_holiday(
            school=school,
            day=date(2026, 11, 10),
            name="Workshop",
            department=DepartmentFactory(school=school),
            by=office,
            now=now,
        )
        assert outcome.cancelled == []

    def test_come_from_the_library_once(self, school: School, office: User, now: datetime) -> None:
        from attendance.services import holiday_import

        first = holiday_import.import_public(school=school, year=2027, subdivision="AP", by=office, now=now)
        second = holiday_import.import_public(school=school, year=2027, subdivision="AP", by=office, now=now)
        assert date(2027, 1, 26) in [outcome.holiday.date for outcome in first.created]
        assert (second.created, second.existing) == ([], len(first.created))

    def test_come_from_an_icalendar_file(self, school: School, office: User, now: datetime) -> None:
        from pathlib import Path

        from attendance.services import holiday_import

        content = (Path(__file__).parent.parent / "data" / "holidays.ics").read_bytes()
        outcome = holiday_import.import_ics(school=school, content=content, by=office, now=now)
        assert [(o.holiday.date.isoformat(), o.holiday.name) for o in outcome.created] == [
            ("2026-12-25", "Christmas"),
            ("2027-01-14", "Sankranti"),
            ("2027-01-26", "Republic Day"),
        ]

    @pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", b"hello"])
    def test_do_not_come_from_anything_else(
        self, school: School, office: User, now: datetime, content: bytes
    ) -> None:
        from attendance.services import holiday_import

        with pytest.raises(Invalid):
            holiday_import.import_ics(school=school, content=content, by=office, now=now)
