"""Sessions from the timetable: which, when, and never twice."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from academics.models import Term
from attendance.enums import SessionStatus
from attendance.models import AttendanceConfiguration, AttendanceRecord, Session, SessionOccupancy
from attendance.services import generation, holidays, timetable
from attendance.services.occurrences import instants
from audit.models import AuditEntry
from core import partitions
from core.errors import Invalid
from tests.attendance.planning import FROM, TUESDAYS, UNTIL, Plan
from tests.factories import DepartmentFactory, RoomFactory
from tests.races import together

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def plan() -> Plan:
    return Plan.new()


def test_a_session_takes_everything_over_from_its_slot(plan: Plan) -> None:
    sections, faculty = [plan.section(), plan.section()], [plan.teacher(), plan.teacher()]
    slot = plan.slot(sections=sections, faculty=faculty, room=RoomFactory(school=plan.school))

    assert plan.generate().created == 4

    session = plan.of_day(slot, TUESDAYS[0])
    assert set(session.sections.all()) == set(sections)
    assert set(session.faculty.all()) == set(faculty)
    assert (session.room, session.term, session.school) == (slot.room, sections[0].term, plan.school)
    assert (session.status, session.starts_at) == (SessionStatus.SCHEDULED, plan.at("2026-11-03 09:00"))
    taken = {f"faculty:{teacher.pk}" for teacher in faculty} | {f"room:{slot.room_id}"}
    taken |= {f"cohort:{section.cohort_id}" for section in sections}
    assert set(session.occupancies.values_list("resource", flat=True)) == taken
    assert {(o.during.lower, o.during.upper) for o in session.occupancies.all()} == {
        (session.starts_at, session.ends_at)
    }


def test_days_off_are_left_out_each_with_its_reason(plan: Plan) -> None:
    slot = plan.slot()
    common = {"by": plan.office, "now": plan.now}
    holidays.add_holiday(school=plan.school, day=TUESDAYS[0], name="Diwali", **common)
    timetable.skip_date(slot=slot, day=TUESDAYS[1], reason="trip", **common)
    timetable.skip_date(slot=slot, day=TUESDAYS[2], **common)
    elsewhere = DepartmentFactory(school=plan.school)
    holidays.add_holiday(school=plan.school, day=TUESDAYS[3], name="Not ours", department=elsewhere, **common)

    result = plan.generate()

    assert [(skip.date, skip.reason, skip.slot_id) for skip in result.skipped] == [
        (TUESDAYS[0], "Diwali", slot.pk),
        (TUESDAYS[1], "trip", slot.pk),
        (TUESDAYS[2], "skipped date", slot.pk),
    ]
    assert plan.times(slot) == ["11-24 09:00"]


def test_nothing_is_made_outside_the_term_the_slot_or_the_range(plan: Plan) -> None:
    slot = plan.slot(valid_until=TUESDAYS[2])
    Term.objects.filter(school=plan.school).update(ends_on=TUESDAYS[1])

    result = plan.generate(start=date(2026, 10, 1), end=date(2026, 12, 31))

    assert plan.times(slot) == ["11-03 09:00", "11-10 09:00"]
    assert [(skip.date, skip.reason) for skip in result.skipped] == [(TUESDAYS[2], "outside the term")]
    assert plan.generate(start=date(2026, 11, 4), end=date(2026, 11, 9)).existing == 0


def test_repeating_makes_nothing_and_leaves_what_happened_alone(plan: Plan) -> None:
    slot = plan.slot()
    plan.generate()
    Session.objects.filter(slot=slot, held_on=TUESDAYS[0]).update(status=SessionStatus.CANCELLED)
    plan.of_day(slot, TUESDAYS[0]).occupancies.all().delete()

    again = plan.generate()

    assert (again.created, again.existing, again.skipped) == (0, 4, [])
    assert plan.of_day(slot, TUESDAYS[0]).status == SessionStatus.CANCELLED
    assert AuditEntry.objects.filter(action="session.generate").count() == 1
    assert AuditEntry.objects.get(action="session.generate").after["count"] == 4


def test_a_place_that_an_extra_class_took_is_left_out(plan: Plan) -> None:
    teacher = plan.teacher()
    plan.extra_class("2026-11-10 09:30", faculty=[teacher])
    slot = plan.slot(faculty=[teacher])

    result = plan.generate()

    assert [(skip.date, skip.reason) for skip in result.skipped] == [(TUESDAYS[1], "taken by another class")]
    assert plan.times(slot) == ["11-03 09:00", "11-17 09:00", "11-24 09:00"]


def test_one_section_may_be_generated_alone(plan: Plan) -> None:
    section = plan.section()
    slot = plan.slot(sections=[section, plan.section()])
    plan.slot(starts=time(11), ends=time(12))
    assert plan.generate(section=section).created == 4
    assert set(Session.objects.values_list("slot", flat=True)) == {slot.pk}


def test_another_school_is_not_touched(plan: Plan) -> None:
    other = Plan.new()
    other.slot()
    plan.generate()
    assert not Session.objects.exists()


def test_a_range_is_judged(plan: Plan) -> None:
    with pytest.raises(Invalid) as refused:
        plan.generate(start=UNTIL, end=FROM)
    assert refused.value.attr == "to"
    assert plan.generate(start=FROM, end=FROM + timedelta(days=generation.MAX_DAYS - 1)).created == 0


def test_rules_and_partitions_are_there_afterwards(plan: Plan) -> None:
    AttendanceConfiguration.objects.filter(school=plan.school).delete()
    plan.generate(start=date(2031, 12, 25), end=date(2032, 1, 5))
    assert AttendanceConfiguration.objects.filter(school=plan.school).exists()
    assert {2031, 2032} <= set(partitions.years(AttendanceRecord))


def test_costs_the_same_number_of_queries_for_one_slot_as_for_three(plan: Plan) -> None:
    counts = []
    for hours in ([8], [10, 11, 12]):
        made = [plan.slot(starts=time(hour), ends=time(hour + 1)) for hour in hours]
        with CaptureQueriesContext(connection) as queries:
            assert plan.generate(slots=made).created == 4 * len(hours)
        counts.append(len(queries))
    assert counts[0] == counts[1]


class TestWallClockTimes:
    def test_stay_across_both_changes_of_clocks(self) -> None:
        berlin = Plan.new(timezone="Europe/Berlin")
        berlin.now = datetime(2026, 1, 1, tzinfo=UTC)
        slot = berlin.slot(weekday=1, valid_from=date(2026, 3, 1), valid_until=date(2026, 11, 30))
        berlin.generate(start=date(2026, 3, 23), end=date(2026, 11, 2))
        found = Session.objects.filter(slot=slot)
        assert {f"{berlin.school.local(session.starts_at):%H:%M}" for session in found} == {"09:00"}
        by_day = {session.held_on: session.starts_at.hour for session in found}
        assert [by_day[date(2026, 3, day)] for day in (23, 30)] == [8, 7]
        assert [by_day[day] for day in (date(2026, 10, 19), date(2026, 10, 26))] == [7, 8]
        assert {session.ends_at - session.starts_at for session in found} == {timedelta(hours=1)}

    def test_over_midnight_count_for_the_day_of_their_start(self, plan: Plan) -> None:
        slot = plan.slot(starts=time(23, 30), ends=time(0, 30))
        plan.generate(start=TUESDAYS[0], end=TUESDAYS[0])
        session = Session.objects.get(slot=slot)
        assert session.held_on == TUESDAYS[0]
        assert session.ends_at == plan.at("2026-11-04 00:30")

    @pytest.mark.parametrize(
        ("day", "starts", "ends", "expected"),
        [
            # 29 March 2026: 02:00–03:00 does not exist.
            ("2026-03-29", "02:30", "03:30", ("01:30", "02:30")),
            ("2026-03-29", "01:30", "03:30", ("00:30", "01:30")),
            ("2026-03-29", "01:30", "02:30", ("00:30", "01:30")),
            ("2026-03-29", "02:00", "02:45", ("01:00", "01:45")),
            # 25 October 2026: 02:00–03:00 comes twice, the first is meant.
            ("2026-10-25", "02:30", "02:50", ("00:30", "00:50")),
            ("2026-10-25", "01:00", "02:30", ("23:00", "00:30")),
            ("2026-10-25", "02:30", "03:30", ("00:30", "02:30")),
            ("2026-10-24", "23:30", "03:30", ("21:30", "02:30")),
        ],
    )
    def test_that_do_not_exist_move_forward_and_of_twice_the_first_is_meant(
        self, day: str, starts: str, ends: str, expected: tuple[str, str]
    ) -> None:
        begin, end = instants(
            date.fromisoformat(day), time.fromisoformat(starts), time.fromisoformat(ends), BERLIN
        )
        assert (f"{begin:%H:%M}", f"{end:%H:%M}") == expected
        assert begin < end


@pytest.mark.django_db(transaction=True)
def test_generators_at_once_do_the_work_once() -> None:
    plan = Plan.new()
    for hour in range(8, 14):
        plan.slot(starts=time(hour), ends=time(hour + 1))
    for _ in range(5):
        results = together(3, lambda _i: plan.generate())
        assert sorted(str(getattr(result, "created", result)) for result in results) == ["0", "0", "24"]
        assert SessionOccupancy.objects.count() == 48
        Session.objects.all().delete()


class TestTheCommand:
    def run(self, *arguments: str) -> Any:
        output = io.StringIO()
        call_command("generate_sessions", *arguments, "--json", stdout=output)
        return json.loads(output.getvalue())

    def test_says_what_it_made_and_left_out(self, plan: Plan) -> None:
        slot = plan.slot()
        holidays.add_holiday(school=plan.school, day=TUESDAYS[0], name="Diwali", by=plan.office, now=plan.now)
        month = ("--from", "2026-11-01", "--to", "2026-11-30")
        assert self.run(*month, "--school", plan.school.code) == {
            "created": 3,
            "existing": 0,
            "skipped": [{"date": "2026-11-03", "reason": "Diwali", "slot_id": str(slot.pk)}],
        }
        output = io.StringIO()
        call_command("generate_sessions", *month, stdout=output)
        assert output.getvalue() == "0 sessions made, 3 were there, 1 left out.\n  2026-11-03  Diwali (1)\n"

    def test_says_in_one_sentence_what_is_wrong(self, plan: Plan) -> None:
        for arguments in (
            ["--from", "2026-11-30", "--to", "2026-11-01"],
            ["--from", "2020-01-01", "--to", "2026-11-01"],
            ["--from", "2026-11-01", "--to", "2026-11-30", "--school", "none"],
            ["--from", "yesterday", "--to", "2026-11-30"],
        ):
            with pytest.raises(CommandError):
                call_command("generate_sessions", *arguments)
