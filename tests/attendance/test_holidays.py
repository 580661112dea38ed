"""Days without classes: adding, moving and taking them back, from a library or a calendar file."""

from __future__ import annotations

import io
import json
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from attendance import errors
from attendance.enums import HolidayKind, SessionStatus
from attendance.models import Holiday, Session, SessionOccupancy
from attendance.services import holiday_import, holidays, sessions
from audit.models import AuditEntry
from core.errors import CrossSchool, Invalid
from tests.attendance.planning import TUESDAYS, Plan
from tests.factories import DepartmentFactory
from tests.races import together

pytestmark = pytest.mark.django_db

DAY = TUESDAYS[1]


@pytest.fixture
def plan() -> Plan:
    return Plan.new()


def add(plan: Plan, day: date = DAY, name: str = "Cyclone", **more: Any) -> holidays.HolidayOutcome:
    return holidays.add_holiday(school=plan.school, day=day, name=name, by=plan.office, now=plan.now, **more)


def remove(plan: Plan, holiday: Holiday) -> holidays.RemovalOutcome:
    return holidays.remove_holiday(holiday=holiday, by=plan.office, now=plan.now)


def move(plan: Plan, holiday: Holiday, **changes: Any) -> holidays.HolidayOutcome:
    values = {
        "day": holiday.date,
        "name": holiday.name,
        "kind": holiday.kind,
        "department": holiday.department,
        **changes,
    }
    return holidays.update_holiday(holiday=holiday, by=plan.office, now=plan.now, **values)


class TestAdding:
    def test_cancels_what_is_scheduled_and_lists_what_was_held(self, plan: Plan) -> None:
        slots = [plan.slot(starts=time(hour), ends=time(hour + 1)) for hour in range(8, 14)]
        plan.generate()
        held = ["open", "closed", "locked", "unconfirmed"]
        for slot, status in zip(slots[1:], [*held, "void"], strict=True):
            Session.objects.filter(slot=slot, held_on=DAY).update(status=status)

        outcome = add(plan)

        assert [session.slot_id for session in outcome.cancelled] == [slots[0].pk]
        assert {session.status for session in outcome.held} == set(held)
        cancelled = plan.of_day(slots[0], DAY)
        assert (cancelled.status, cancelled.status_reason) == (SessionStatus.CANCELLED, "Cyclone")
        assert cancelled.cancelled_by_holiday == outcome.holiday
        assert not cancelled.occupancies.exists()
        assert Session.objects.filter(status=SessionStatus.CANCELLED).count() == 1
        entries = AuditEntry.objects.filter(object_id=str(outcome.holiday.pk))
        assert {entry.action for entry in entries} == {"holiday.create", "session.cancel_for_holiday"}
        assert len({entry.operation_id for entry in entries}) == 1

    def test_for_a_department_spares_classes_in_which_others_sit(self, plan: Plan) -> None:
        ours, theirs = DepartmentFactory.create_batch(2, school=plan.school)
        sections = [plan.section(), plan.section(), plan.section()]
        for section, department in zip(sections, (ours, theirs, ours), strict=True):
            section.course.department = department
            section.course.save()
        own = plan.slot(sections=[sections[0]])
        plan.slot(sections=[sections[1]], starts=time(10), ends=time(11))
        plan.slot(sections=[sections[1], sections[2]], starts=time(11), ends=time(12))
        plan.generate()

        assert [session.slot_id for session in add(plan, department=ours).cancelled] == [own.pk]

    def test_the_same_day_twice_is_refused_but_not_for_a_department(self, plan: Plan) -> None:
        add(plan)
        with pytest.raises(errors.HolidayExists, match="Cyclone"):
            add(plan, name="Storm")
        add(plan, department=DepartmentFactory(school=plan.school))

    @pytest.mark.parametrize(
        ("changes", "attr"),
        [
            ({"name": " "}, "name"),
            ({"name": "x" * 201}, "name"),
            ({"name": "a\0b"}, "name"),
            ({"kind": "birthday"}, "kind"),
            ({"day": date(1, 1, 1)}, "date"),
            ({"day": date(9999, 12, 31)}, "date"),
        ],
    )
    def test_nonsense_is_refused_by_field(self, plan: Plan, changes: dict[str, Any], attr: str) -> None:
        with pytest.raises(Invalid) as refused:
            add(plan, **changes)
        assert refused.value.attr == attr

    def test_for_a_department_of_another_school_is_refused(self, plan: Plan) -> None:
        with pytest.raises(CrossSchool):
            add(plan, department=DepartmentFactory())


class TestTakingBack:
    def test_restores_what_it_cancelled_and_nothing_else(self, plan: Plan) -> None:
        slot, other = plan.slot(), plan.slot(starts=time(11), ends=time(12))
        plan.generate()
        sessions.cancel_session(session=plan.of_day(other, DAY), reason="ill", by=plan.office, now=plan.now)
        taken = set(SessionOccupancy.objects.values_list("resource", "during"))
        holiday = add(plan).holiday

        outcome = remove(plan, holiday)

        assert [session.slot_id for session in outcome.restored] == [slot.pk]
        restored = plan.of_day(slot, DAY)
        assert (restored.status, restored.status_reason) == (SessionStatus.SCHEDULED, "")
        assert restored.cancelled_by_holiday is None
        assert set(SessionOccupancy.objects.values_list("resource", "during")) == taken
        assert plan.of_day(other, DAY).status == SessionStatus.CANCELLED
        assert not Holiday.objects.exists()

    def test_leaves_cancelled_what_another_holiday_covers(self, plan: Plan) -> None:
        department = DepartmentFactory(school=plan.school)
        slot = plan.slot()
        course = slot.sections.get().course
        course.department = department
        course.save()
        plan.generate()
        general = add(plan).holiday
        own = add(plan, name="Workshop", department=department).holiday

        assert remove(plan, general).restored == []
        session = plan.of_day(slot, DAY)
        assert (session.status, session.status_reason) == (SessionStatus.CANCELLED, "Workshop")
        assert session.cancelled_by_holiday == own
        assert [session.slot_id for session in remove(plan, own).restored] == [slot.pk]

    def test_lists_what_has_lost_its_place_and_says_to_whom(self, plan: Plan) -> None:
        slot, free = plan.slot(), plan.slot(starts=time(11), ends=time(12))
        plan.generate()
        holiday = add(plan).holiday
        plan.extra_class(f"{DAY} 09:30", faculty=slot.faculty.all())

        outcome = remove(plan, holiday)

        assert [session.slot_id for session in outcome.taken] == [slot.pk]
        assert [session.slot_id for session in outcome.restored] == [free.pk]
        lost = plan.of_day(slot, DAY)
        assert lost.status == SessionStatus.CANCELLED
        assert f"{DAY} 09:30" in lost.status_reason

    def test_lists_what_a_newer_slot_would_take_again(self, plan: Plan) -> None:
        """The old slot moved away while its class was cancelled by hand-moved time; the new one has no session yet."""
        slot = plan.slot()
        plan.generate()
        session = plan.of_day(slot, DAY)
        holiday = add(plan).holiday
        # The class had been moved to the afternoon of its day before the holiday came.
        start = plan.at(f"{DAY} 15:00")
        Session.objects.filter(pk=session.pk).update(starts_at=start, ends_at=start + timedelta(hours=1))
        plan.slot(faculty=slot.faculty.all(), starts=time(15), ends=time(16))

        assert [found.pk for found in remove(plan, holiday).taken] == [session.pk]

    def test_costs_the_same_number_of_queries_for_one_class_as_for_three(self, plan: Plan) -> None:
        counts = []
        for hours, day in (([8], TUESDAYS[0]), ([10, 11, 12], TUESDAYS[1])):
            made = [plan.slot(starts=time(hour), ends=time(hour + 1)) for hour in hours]
            plan.generate(start=day, end=day, slots=made)
            with CaptureQueriesContext(connection) as adding:
                holiday = add(plan, day=day).holiday
            with CaptureQueriesContext(connection) as removing:
                remove(plan, holiday)
            counts.append((len(adding), len(removing)))
        assert counts[0] == counts[1]


class TestMoving:
    def test_restores_the_old_day_cancels_the_new_and_stays_the_same_holiday(self, plan: Plan) -> None:
        slot = plan.slot()
        plan.generate()
        holiday = add(plan).holiday

        outcome = move(plan, holiday, day=TUESDAYS[2], name="Late cyclone")

        assert outcome.holiday == holiday
        assert [session.held_on for session in outcome.restored] == [DAY]
        assert [session.held_on for session in outcome.cancelled] == [TUESDAYS[2]]
        assert plan.of_day(slot, TUESDAYS[2]).status_reason == "Late cyclone"
        told = AuditEntry.objects.get(action="holiday.update")
        assert (told.before["date"], told.after["date"]) == (str(DAY), str(TUESDAYS[2]))

    def test_to_one_department_restores_the_others(self, plan: Plan) -> None:
        slot = plan.slot()
        plan.generate()
        outcome = move(plan, add(plan).holiday, department=DepartmentFactory(school=plan.school))
        assert [session.slot_id for session in outcome.restored] == [slot.pk]

    def test_onto_another_holiday_is_refused_whole(self, plan: Plan) -> None:
        holiday = add(plan).holiday
        add(plan, day=TUESDAYS[2], name="Diwali")
        with pytest.raises(errors.HolidayExists, match="Diwali"), transaction.atomic():
            move(plan, holiday, day=TUESDAYS[2])
        assert Holiday.objects.get(pk=holiday.pk).date == DAY

    def test_by_name_alone_changes_the_reason(self, plan: Plan) -> None:
        slot = plan.slot()
        plan.generate()
        outcome = move(plan, add(plan).holiday, name="Storm", kind=HolidayKind.ACADEMIC)
        assert (outcome.cancelled, outcome.restored) == ([], [])
        session = plan.of_day(slot, DAY)
        assert (session.status, session.status_reason) == (SessionStatus.CANCELLED, "Storm")
        assert not session.occupancies.exists()

    def test_to_where_it_is_leaves_no_trace(self, plan: Plan) -> None:
        move(plan, add(plan).holiday)
        assert not AuditEntry.objects.filter(action="holiday.update").exists()


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    def test_generating_leaves_no_class_on_a_holiday(self) -> None:
        plan = Plan.new()
        slot = plan.slot()
        for _ in range(12):

            def act(index: int) -> object:
                return add(plan) if index else plan.generate()

            generated, added = together(2, act)
            assert isinstance(added, holidays.HolidayOutcome), added
            assert generated.created in {3, 4}, generated
            scheduled = Session.objects.filter(slot=slot, held_on=DAY, status=SessionStatus.SCHEDULED)
            assert not scheduled.exists()
            Session.objects.all().delete()
            Holiday.objects.all().delete()

    def test_opening_a_class_either_counts_as_held_or_is_refused(self) -> None:
        plan = Plan.new()
        slot = plan.slot()
        for _ in range(12):
            plan.generate(start=DAY, end=DAY)
            session = plan.of_day(slot, DAY)
            now = session.starts_at

            def act(index: int, session: Session = session, now: Any = now) -> object:
                if index:
                    return add(plan)
                return sessions.open_session(session=session, by=plan.office, now=now)

            opened, added = together(2, act)
            session.refresh_from_db()
            if isinstance(opened, Session):
                assert session.status == SessionStatus.OPEN
                assert (added.held, added.cancelled) == ([session], [])
            else:
                assert session.status == SessionStatus.CANCELLED
                assert (added.held, added.cancelled) == ([], [session])
            Session.objects.all().delete()
            Holiday.objects.all().delete()

    def test_two_who_add_the_same_day_make_one(self) -> None:
        plan = Plan.new()
        outcomes = together(4, lambda _i: add(plan))
        kinds = sorted(type(outcome).__name__ for outcome in outcomes)
        assert kinds == ["HolidayExists"] * 3 + ["HolidayOutcome"]


class TestTheLibrary:
    def test_gives_the_public_holidays_of_a_year_once(self, plan: Plan) -> None:
        slot = plan.slot(weekday=1, valid_from=date(2026, 1, 5), valid_until=date(2026, 1, 31))
        plan.generate(start=date(2026, 1, 5), end=date(2026, 1, 31))
        common = {"school": plan.school, "year": 2026, "by": plan.office, "now": plan.now}

        first = holiday_import.import_public(subdivision="ap", **common)
        second = holiday_import.import_public(subdivision="AP", **common)

        republic_day = next(made for made in first.created if made.holiday.date == date(2026, 1, 26))
        assert republic_day.holiday.kind == HolidayKind.PUBLIC
        assert [session.slot_id for session in republic_day.cancelled] == [slot.pk]
        assert (second.created, second.existing) == ([], len(first.created))

    @pytest.mark.parametrize(
        ("changes", "attr"),
        [
            ({"country": "XX"}, "country"),
            ({"country": "IN", "subdivision": "BY"}, "subdivision"),
            ({"year": 1}, "year"),
            ({"year": 99999}, "year"),
        ],
    )
    def test_knows_not_everything(self, plan: Plan, changes: dict[str, Any], attr: str) -> None:
        values = {"year": 2026, **changes}
        with pytest.raises(Invalid) as refused:
            holiday_import.import_public(school=plan.school, by=plan.office, now=plan.now, **values)
        assert refused.value.attr == attr


def event(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", "UID:x", *lines, "END:VEVENT"])


def calendar(*events: str) -> bytes:
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//", *events, "END:VCALENDAR", ""]
    ).encode()


class TestACalendarFile:
    def read(self, plan: Plan, content: bytes) -> holiday_import.ImportOutcome:
        return holiday_import.import_ics(school=plan.school, content=content, by=plan.office, now=plan.now)

    def days(self, plan: Plan, *lines: str) -> list[tuple[str, str]]:
        outcome = self.read(plan, calendar(event(*lines)))
        return [(str(made.holiday.date), made.holiday.name) for made in outcome.created]

    def test_of_a_college_gives_its_holidays_once(self, plan: Plan) -> None:
        content = (Path(__file__).parent.parent / "data" / "holidays.ics").read_bytes()
        outcome = self.read(plan, content)
        assert [(str(made.holiday.date), made.holiday.name) for made in outcome.created] == [
            ("2026-12-25", "Christmas"),
            ("2027-01-14", "Sankranti"),
            ("2027-01-26", "Republic Day"),
        ]
        again = self.read(plan, content)
        assert (again.created, again.existing) == ([], 3)

    def test_may_hold_several_days_by_their_end_or_their_length(self, plan: Plan) -> None:
        start = "DTSTART;VALUE=DATE:20261230"
        expected = [("2026-12-30", "Break"), ("2026-12-31", "Break"), ("2027-01-01", "Break")]
        assert self.days(plan, start, "DTEND;VALUE=DATE:20270102", "SUMMARY:Break") == expected
        Holiday.objects.all().delete()
        assert self.days(plan, start, "DURATION:P3D", "SUMMARY:Break") == expected
        Holiday.objects.all().delete()
        assert self.days(plan, start, "DTEND;VALUE=DATE:20261230") == [("2026-12-30", "Holiday")]

    def test_may_repeat_every_year(self, plan: Plan) -> None:
        lines = ("DTSTART;VALUE=DATE:20200126", "SUMMARY:Republic Day")
        found = self.days(plan, *lines, "RRULE:FREQ=YEARLY", "EXDATE;VALUE=DATE:20270126")
        assert [day for day, _name in found] == ["2025-01-26", "2026-01-26", "2028-01-26"]
        Holiday.objects.all().delete()
        assert len(self.days(plan, *lines, "RRULE:FREQ=YEARLY;UNTIL=20261231T000000Z")) == 2
        Holiday.objects.all().delete()
        assert len(self.days(plan, *lines, "RRULE:FREQ=YEARLY;COUNT=7")) == 2
        Holiday.objects.all().delete()
        leap = self.days(plan, "DTSTART;VALUE=DATE:20200229", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29")
        assert leap == [("2028-02-29", "Holiday")]

    def test_joins_two_of_one_day_and_tidies_names(self, plan: Plan) -> None:
        day = "DTSTART;VALUE=DATE:20261225"
        content = calendar(event(day, "SUMMARY:Christ\\nmas\x07"), event(day, "SUMMARY:Good Governance Day"))
        (made,) = self.read(plan, content).created
        assert made.holiday.name == "Christ mas; Good Governance Day"

    @pytest.mark.parametrize(
        ("lines", "reason"),
        [
            (["DTSTART:20261225T090000Z"], "all-day"),
            (["DTSTART;VALUE=DATE:20261399"], "cannot be read"),
            (["DTSTART;VALUE=DATE:99991231"], "cannot be read"),
            (["DTSTART;VALUE=DATE:00010101"], "cannot be read"),
            (["SUMMARY:No date"], "cannot be read"),
            (["DTSTART;VALUE=DATE:20261225", "DTEND:20261226T000000Z"], "all-day"),
            (["DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20991226"], "longer than a year"),
            (["DTSTART;VALUE=DATE:20261225", "DURATION:nonsense"], "cannot be read"),
            (["DTSTART;VALUE=DATE:20261225", "STATUS:CANCELLED"], "cancelled"),
            (["DTSTART;VALUE=DATE:20261225", "RRULE:FREQ=WEEKLY"], "repeats"),
            (["DTSTART;VALUE=DATE:20261225", "RRULE:nonsense"], "repeats"),
            (["DTSTART;VALUE=DATE:20261225", "RRULE:FREQ=YEARLY;INTERVAL=x"], "cannot be read"),
            (["DTSTART;VALUE=DATE:20261225", "RRULE:FREQ=YEARLY;BYMONTH=1,12"], "repeats"),
            (["DTSTART;VALUE=DATE:20261225", "EXDATE:nonsense"], "cannot be read"),
        ],
    )
    def test_names_what_it_leaves_out_and_takes_the_rest(
        self, plan: Plan, lines: list[str], reason: str
    ) -> None:
        good = event("DTSTART;VALUE=DATE:20270114", "SUMMARY:Sankranti")
        outcome = self.read(plan, calendar(event(*lines), good))
        names = [made.holiday.name for made in outcome.created]
        assert names == ["Sankranti"]
        (left,) = outcome.ignored
        assert reason in left.reason

    @pytest.mark.parametrize(
        "content",
        [b"", b"\xff\xfe\x00", b"hello", b"BEGIN:VCALENDAR\n", calendar(), calendar(event("SUMMARY:x"))],
    )
    def test_that_is_none_is_refused(self, plan: Plan, content: bytes) -> None:
        with pytest.raises(Invalid) as refused:
            self.read(plan, content)
        assert refused.value.attr == "file"


class TestTheCommand:
    def run(self, *arguments: str) -> Any:
        output = io.StringIO()
        call_command("import_holidays", *arguments, "--json", stdout=output)
        return json.loads(output.getvalue())

    def test_tells_in_a_dry_run_what_it_would_do_and_changes_nothing(self, plan: Plan) -> None:
        slot = plan.slot(weekday=5, valid_from=date(2026, 10, 1), valid_until=date(2026, 12, 31))
        plan.generate(start=date(2026, 10, 1), end=date(2026, 12, 31))
        dry = self.run("--year", "2026", "--dry-run")
        assert not Holiday.objects.exists()
        assert not Session.objects.filter(status=SessionStatus.CANCELLED).exists()
        assert SessionOccupancy.objects.filter(session__slot=slot).exists()
        assert not AuditEntry.objects.filter(action="holiday.create").exists()

        done = self.run("--year", "2026")
        assert done["created"] == dry["created"]
        christmas = next(made for made in done["created"] if made["date"] == "2026-12-25")
        assert (christmas["cancelled"], christmas["held"]) == (1, 0)

    def test_reads_a_file(self, plan: Plan, tmp_path: Path) -> None:
        path = tmp_path / "off.ics"
        path.write_bytes(calendar(event("DTSTART;VALUE=DATE:20261225", "SUMMARY:Christmas")))
        output = io.StringIO()
        call_command("import_holidays", "--ics", str(path), "--kind", "academic", stdout=output)
        assert Holiday.objects.get().kind == HolidayKind.ACADEMIC
        assert output.getvalue() == "  2026-12-25  Christmas\n1 holidays were added, 0 were there.\n"

    def test_says_in_one_sentence_what_is_wrong(self, plan: Plan, tmp_path: Path) -> None:
        for arguments in (["--ics", str(tmp_path / "none.ics")], ["--year", "2026", "--country", "XX"]):
            with pytest.raises(CommandError):
                call_command("import_holidays", *arguments)
