"""Odd timetables: what a person changed by hand is kept, what makes no class is left out with its reason."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from academics.models import Cohort, Term
from attendance.errors import RangeTooLong
from attendance.models import Session, TimetableSlot
from attendance.services import arrangement, generation, holiday_import, statistics, timetable
from attendance.services.imports import import_timetable
from attendance.services.resources import Resources
from core.errors import Invalid
from tests.attendance.planning import TUESDAYS, Plan
from tests.factories import CohortFactory, CourseFactory, FacultyFactory, RoomFactory

pytestmark = pytest.mark.django_db

HEADER = "section,course_code,course_title,employee_no,room,weekday,start,end,valid_from,valid_until"


@pytest.fixture
def plan() -> Plan:
    return Plan.new()


class TestReplanning:
    def test_a_class_that_got_another_teacher_by_hand_keeps_them(self, plan: Plan) -> None:
        slot = plan.slot()
        plan.generate()
        own, new = plan.teacher(), plan.teacher()
        special = plan.of_day(slot, TUESDAYS[1])
        arrangement.update_session(session=special, changes={"faculty": [own]}, by=plan.office, now=plan.now)

        plan.change(slot, faculty=[new])

        teachers = {session.held_on: session.faculty.get() for session in Session.objects.all()}
        assert teachers == {day: own if day == TUESDAYS[1] else new for day in TUESDAYS}

    def test_a_class_that_got_another_room_by_hand_keeps_it(self, plan: Plan) -> None:
        first, second, third = (RoomFactory(school=plan.school) for _ in range(3))
        slot = plan.slot(room=first)
        plan.generate()
        special = plan.of_day(slot, TUESDAYS[1])
        arrangement.update_session(session=special, changes={"room": third}, by=plan.office, now=plan.now)

        plan.change(slot, room=second)

        rooms = {session.held_on: session.room for session in Session.objects.all()}
        assert rooms == {day: third if day == TUESDAYS[1] else second for day in TUESDAYS}

    def test_whoever_stood_in_and_now_teaches_it_anyway_stands_in_no_more(self, plan: Plan) -> None:
        slot = plan.slot()
        plan.generate()
        stand_in = plan.teacher()
        special = plan.of_day(slot, TUESDAYS[1])
        arrangement.substitute(session=special, faculty=stand_in, by=plan.office, now=plan.now)

        plan.change(slot, faculty=[stand_in])

        special.refresh_from_db()
        assert (special.substitute, special.faculty.get()) == (None, stand_in)


class TestGeneration:
    def test_a_slot_that_lost_its_sections_makes_no_class_and_says_why(self, plan: Plan) -> None:
        slot = plan.slot()
        slot.sections.clear()

        result = plan.generate()

        assert (result.created, {skip.reason for skip in result.skipped}) == (0, {"no section"})

    @pytest.mark.parametrize(("name", "attr"), [("sections", "sections"), ("faculty", "faculty")])
    def test_a_slot_without_sections_or_teachers_is_refused(self, plan: Plan, name: str, attr: str) -> None:
        with pytest.raises(Invalid) as refused:
            plan.slot(**{name: []})
        assert refused.value.attr == attr

    def test_a_skipped_date_without_words_has_some_all_the_same(self, plan: Plan) -> None:
        slot = plan.slot()
        timetable.skip_date(slot=slot, day=TUESDAYS[0], by=plan.office, now=plan.now)
        (skip,) = plan.generate().skipped
        assert (skip.date, skip.reason) == (TUESDAYS[0], "skipped date")

    def test_more_days_than_anybody_means_are_refused(self, plan: Plan) -> None:
        with pytest.raises(RangeTooLong):
            plan.generate(start=date(2026, 1, 1), end=date(2026, 1, 1) + timedelta(days=generation.MAX_DAYS))


class TestResources:
    def test_a_whole_cohort_takes_its_batches_and_theirs(self, plan: Plan) -> None:
        whole = CohortFactory(school=plan.school)
        half = CohortFactory(school=plan.school, parent=whole)
        quarter = CohortFactory(school=plan.school, parent=half)
        section = plan.section(cohort=whole)
        taken = Resources(plan.school.pk).of([section], [], None)
        assert taken == sorted(f"cohort:{cohort.pk}" for cohort in (whole, half, quarter))

    def test_cohorts_that_are_each_others_parents_end_all_the_same(self, plan: Plan) -> None:
        first = CohortFactory(school=plan.school)
        second = CohortFactory(school=plan.school, parent=first)
        Cohort.objects.filter(pk=first.pk).update(parent=second)
        taken = Resources(plan.school.pk).of([plan.section(cohort=first)], [], None)
        assert taken == sorted([f"cohort:{first.pk}", f"cohort:{second.pk}"])


class TestImport:
    @pytest.fixture
    def small(self, plan: Plan) -> Plan:
        for code in "AB":
            CohortFactory(school=plan.school, code=code)
        FacultyFactory(school=plan.school, employee_no="F1")
        RoomFactory(school=plan.school, code="R1")
        CourseFactory(school=plan.school, code="C1")
        return plan

    def load(self, plan: Plan, *lines: str, **more: Any) -> Any:
        data = "\n".join([HEADER, *lines]).encode()
        return import_timetable(school=plan.school, data=data, by=None, now=plan.now, **more)

    @pytest.mark.parametrize(
        ("cells", "column", "code"),
        [
            ("R1,,09:00,10:00", "weekday", "required"),
            ("R1,someday,09:00,10:00", "weekday", "invalid"),
            ("R1,8,09:00,10:00", "weekday", "invalid"),
            ("R1,monday,,10:00", "start", "required"),
            ("R1,monday,9 o'clock,10:00", "start", "invalid"),
            ("R1,monday,09:00,24:00", "end", "invalid"),
            ("R1,monday,09:00,09:00", "end", "invalid"),
        ],
    )
    def test_a_day_or_time_that_is_none_is_named(
        self, small: Plan, cells: str, column: str, code: str
    ) -> None:
        report = self.load(small, f"A,C1,Title,F1,{cells},2026-11-02,2026-11-29")
        assert [(problem.column, problem.code) for problem in report.problems] == [(column, code)]
        assert not report.imported

    @pytest.mark.parametrize("day", ["Tuesday", "tue", "TUE", "2"])
    def test_a_day_may_be_written_in_any_usual_way(self, small: Plan, day: str) -> None:
        report = self.load(small, f"A,C1,Title,F1,R1,{day},09:00,10:00,2026-11-02,2026-11-29")
        assert report.imported, report.problems
        assert slot_of(small).weekday == 2

    def test_a_teacher_named_twice_in_a_cell_teaches_once(self, small: Plan) -> None:
        self.load(small, "A,C1,Title,F1+f1,R1,monday,09:00,10:00,2026-11-02,2026-11-29")
        assert slot_of(small).faculty.count() == 1

    def test_a_combined_class_is_made_where_one_of_its_sections_exists(self, small: Plan) -> None:
        self.load(small, "A,C1,Title,F1,R1,monday,09:00,10:00,2026-11-02,2026-11-29")
        report = self.load(small, "A+B,C1,Title,F1,R1,tuesday,09:00,10:00,2026-11-02,2026-11-29")
        assert (report.created, report.made["section"]) == (1, ["C1 B"])

    def test_a_line_for_other_weeks_is_another_class(self, small: Plan) -> None:
        self.load(small, "A,C1,Title,F1,R1,monday,09:00,10:00,2026-11-02,2026-11-15")
        report = self.load(small, "A,C1,Title,F1,R1,monday,09:00,10:00,2026-11-16,2026-11-29")
        assert (report.created, report.unchanged) == (1, 0)

    def test_holidays_without_number_are_refused(self, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(holiday_import, "MOST_DAYS", 2)
        content = (
            b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
            b"DTSTART;VALUE=DATE:20261201\r\nDTEND;VALUE=DATE:20261204\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        with pytest.raises(Invalid, match="more than 2 days"):
            holiday_import.import_ics(school=plan.school, content=content, by=plan.office, now=plan.now)


def slot_of(plan: Plan) -> TimetableSlot:
    return TimetableSlot.objects.get(school=plan.school)


class TestRowsByThemselves:
    """What models refuse before PostgreSQL has to, and where both agree."""

    def test_a_term_ends_after_it_begins(self, plan: Plan) -> None:
        term = Term(school=plan.school, name="x", starts_on=date(2030, 2, 1), ends_on=date(2030, 1, 1))
        with pytest.raises(ValidationError) as refused:
            term.full_clean()
        assert set(refused.value.error_dict) == {"ends_on"}

    def test_times_and_dates_of_a_slot_are_in_order(self, plan: Plan) -> None:
        slot = plan.slot()
        for changes, field in (
            ({"valid_until": date(2026, 1, 1)}, "valid_until"),
            ({"starts": time(9), "ends": time(9)}, "ends"),
        ):
            for name, value in changes.items():
                setattr(slot, name, value)
            with pytest.raises(ValidationError) as refused:
                slot.clean()
            assert set(refused.value.error_dict) == {field}
            slot.refresh_from_db()


@pytest.mark.django_db(transaction=True)
def test_figures_do_not_change_outside_the_transaction_of_their_records() -> None:
    plan = Plan.new()
    session = plan.extra_class("2026-11-03 09:00")
    assert not connection.in_atomic_block
    with pytest.raises(RuntimeError, match="transaction"):
        statistics.add(session, now=plan.now)
