"""Timetables from files: all slots or none, clashes named on both sides, a second import without effect."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from academics.models import Course, Enrollment, Room, Section
from academics.services.imports import import_roster
from attendance.models import Session, SlotOccupancy, TimetableSlot
from attendance.services import generation
from attendance.services.imports import import_timetable
from audit.models import AuditEntry
from tests.factories import (
    CohortFactory,
    CourseFactory,
    DepartmentFactory,
    FacultyFactory,
    RoomFactory,
    SchoolFactory,
    TermFactory,
)

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parent.parent / "data"
HEADER = "section,course_code,course_title,employee_no,room,weekday,start,end,valid_from,valid_until"
DATES = "2026-11-02,2027-03-27"


@pytest.fixture
def school():
    school = SchoolFactory(code="demo")
    TermFactory(school=school)
    return school


@pytest.fixture
def load(school, now):
    def load(data, **options):
        raw = data if isinstance(data, bytes) else data.encode()
        return import_timetable(school=school, data=raw, by=None, now=now, **options)

    return load


@pytest.fixture
def small(school):
    """Cohorts A and B, teachers F1 and F2, rooms R1 and R2, course C1."""
    for code in "AB":
        CohortFactory(school=school, code=code)
    for number in "12":
        FacultyFactory(school=school, employee_no=f"F{number}")
        RoomFactory(school=school, code=f"R{number}")
    CourseFactory(school=school, code="C1")


def sample(name: str) -> bytes:
    return (DATA / name).read_bytes()


def rows(*lines: str) -> str:
    return "\n".join([HEADER, *lines])


def line(
    section="A", teacher="F1", room="R1", day="monday", start="09:00", end="09:50", dates=DATES, course="C1"
):
    return f"{section},{course},Title,{teacher},{room},{day},{start},{end},{dates}"


def people(school, now):
    for name in ("students.csv", "faculty.csv"):
        import_roster(school=school, data=sample(name), create_missing=True, by=None, now=now)


def problems_of(report):
    return {(problem.line, problem.column, problem.code) for problem in report.problems}


# -- the samples ----------------------------------------------------------------------------------------------


def test_the_sample_timetable_is_imported_whole(school, now, load):
    people(school, now)

    report = load(sample("timetable.csv"), create_missing=True)

    assert (report.problems, report.created, report.imported) == ([], 36, True)
    assert TimetableSlot.objects.filter(school=school).count() == 36
    assert set(report.made) == {"course", "room", "section"}
    assert Room.objects.count() == 5
    assert Course.objects.get(code="CS301").title == "Data Structures"
    assert Course.objects.get(code="CS301").department.code == "CSE"
    # 120 students, as many enrollments as their cohort has courses, from the term's start.
    assert report.enrolled == Enrollment.objects.count() > 120
    assert set(Enrollment.objects.values_list("joined_on", flat=True)) == {date(2026, 8, 3)}
    slot = TimetableSlot.objects.get(
        sections__cohort__code="CSE-A", sections__course__code="CS301", weekday=5
    )
    assert (slot.starts, slot.ends, slot.room.code) == (time(14), time(14, 50), "R104")
    assert [teacher.employee_no for teacher in slot.faculty.all()] == ["F100"]
    assert slot.sections.get().faculty.employee_no == "F100"
    assert slot.sections.get().teachers.get().employee_no == "F100"


def test_sessions_of_the_sample_can_be_generated(school, now, load):
    people(school, now)
    load(sample("timetable.csv"), create_missing=True)

    result = generation.generate(
        school=school, start=date(2026, 11, 1), end=date(2026, 11, 30), by=None, now=now
    )

    assert result.skipped == []
    assert result.created == Session.objects.count() > 4 * 36 - 1


def test_importing_a_timetable_again_changes_nothing(school, now, load):
    people(school, now)
    load(sample("timetable.csv"), create_missing=True)
    entries = AuditEntry.objects.count()

    report = load(sample("timetable.csv"), create_missing=True)

    assert (report.created, report.updated, report.unchanged, report.enrolled) == (0, 0, 36, 0)
    assert (report.problems, report.made) == ([], {})
    assert TimetableSlot.objects.count() == 36
    assert AuditEntry.objects.count() == entries


def test_the_clash_of_the_sample_is_named_with_both_lines_and_nothing_is_imported(school, now, load):
    people(school, now)

    report = load(sample("timetable_with_clash.csv"), create_missing=True)

    assert problems_of(report) == {(8, "employee_no", "faculty_conflict")} or problems_of(report) == {
        (8, "room", "room_conflict")
    }
    assert "line 2" in str(report.problems[0].reason)
    assert not report.imported
    assert not TimetableSlot.objects.exists()
    assert not Section.objects.exists()
    assert not Room.objects.exists()


def test_the_good_lines_of_a_clashing_timetable_can_be_taken(school, now, load):
    people(school, now)

    report = load(sample("timetable_with_clash.csv"), create_missing=True, skip_bad=True)

    assert (report.created, report.bad_rows) == (6, 1)
    assert not Course.objects.filter(code="EC302").exists()


def test_a_preview_says_what_the_import_says_and_changes_nothing(school, now, load):
    people(school, now)
    entries = AuditEntry.objects.count()

    preview = load(sample("timetable.csv"), create_missing=True, dry_run=True).as_dict()

    assert not TimetableSlot.objects.exists()
    assert not Room.objects.exists()
    assert AuditEntry.objects.count() == entries
    real = load(sample("timetable.csv"), create_missing=True).as_dict()
    for report in (preview, real):
        report.pop("dry_run")
        report.pop("imported")
    assert preview == real


# -- clashes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (line("B", "F1", "R2", start="09:30", end="10:20"), "faculty_conflict"),
        (line("B", "F2", "R1", start="09:30", end="10:20"), "room_conflict"),
        (line("A", "F2", "R2", start="09:30", end="10:20", course="C2"), "cohort_conflict"),
        (line("B", "F1", "R2", start="08:00", end="09:01"), "faculty_conflict"),
        (line("B", "F1", "R2", dates="2027-03-27,2027-04-01"), "faculty_conflict"),
        (line(), "faculty_conflict"),
    ],
)
def test_two_lines_that_want_the_same_at_the_same_time_clash(small, load, second, code):
    report = load(rows(line(), second), create_missing=True)

    assert [(problem.line, problem.code) for problem in report.problems] == [(3, code)]
    assert "line 2" in str(report.problems[0].reason)
    assert not TimetableSlot.objects.exists()


@pytest.mark.parametrize(
    "second",
    [
        line("B", "F1", "R1", start="09:50", end="10:40"),
        line("B", "F1", "R1", start="08:00", end="09:00"),
        line("B", "F1", "R1", day="tuesday"),
        line("B", "F1", "R1", dates="2027-03-28,2027-04-01"),
        line("B", "F2", "R2"),
        line("B", "F2", ""),
    ],
)
def test_classes_that_only_touch_or_share_nothing_do_not_clash(small, load, second):
    report = load(rows(line(), second))

    assert report.problems == []
    assert TimetableSlot.objects.count() == 2


def test_a_class_over_sunday_midnight_clashes_with_monday_morning(small, load):
    report = load(
        rows(
            line(day="sunday", start="23:00", end="01:00"),
            line("B", day="monday", start="00:30", end="01:30"),
        )
    )

    assert [problem.line for problem in report.problems] == [3]


def test_a_class_of_the_whole_group_clashes_with_one_of_its_batch(small, school, load):
    CohortFactory(school=school, code="A1", parent=school_cohort(school, "A"))
    CohortFactory(school=school, code="A2", parent=school_cohort(school, "A"))

    assert load(rows(line("A1", "F1", "R1"), line("A2", "F2", "R2"))).problems == []
    report = load(rows(line("A", "F1", "R1", day="friday"), line("A1", "F2", "R2", day="friday")))

    assert problems_of(report) == {(3, "section", "cohort_conflict")}


def school_cohort(school, code):
    from academics.models import Cohort

    return Cohort.objects.get(school=school, code=code)


def test_a_clash_with_a_slot_that_is_there_already_names_it(small, load):
    load(rows(line()))

    report = load(rows(line("B", "F1", "R2", start="09:30", end="10:20")))

    assert problems_of(report) == {(2, "employee_no", "faculty_conflict")}
    assert "09:00" in str(report.problems[0].reason)
    assert TimetableSlot.objects.count() == 1


# -- changes and combinations -----------------------------------------------------------------------------------


def test_a_changed_line_changes_its_slot(small, load, school):
    load(rows(line(), line("B", "F2", "R2")))
    slot = TimetableSlot.objects.get(room__code="R1")

    report = load(rows(line(room="R2", end="10:00"), line("B", "F2", "R1")))

    assert (report.created, report.updated, report.unchanged) == (0, 2, 0)
    slot.refresh_from_db()
    assert (slot.room.code, slot.ends, slot.version) == ("R2", time(10), 2)
    assert SlotOccupancy.objects.filter(slot=slot).count() == 3


def test_several_cohorts_or_teachers_in_one_cell_are_one_class(small, load):
    report = load(rows(line("A+B", "F1 + F2")))

    assert (report.problems, report.created) == ([], 1)
    slot = TimetableSlot.objects.get()
    assert {section.cohort.code for section in slot.sections.all()} == {"A", "B"}
    assert {teacher.employee_no for teacher in slot.faculty.all()} == {"F1", "F2"}
    assert SlotOccupancy.objects.filter(slot=slot).count() == 5


def test_a_section_that_is_there_is_used_and_its_students_are_not_enrolled_twice(small, school, now, load):
    load(rows(line()))

    report = load(rows(line(), line(day="tuesday")))

    assert (report.created, report.unchanged, report.made) == (1, 1, {})
    assert Section.objects.count() == 1


# -- bad cells ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (line(section="Z"), "section", "unknown"),
        (line(section=""), "section", "required"),
        (line(course="C9"), "course_code", "unknown"),
        (line(teacher="F9"), "employee_no", "unknown"),
        (line(teacher=""), "employee_no", "required"),
        (line(room="R9"), "room", "unknown"),
        (line(day="someday"), "weekday", "invalid"),
        (line(day="0"), "weekday", "invalid"),
        (line(start="24:00"), "start", "invalid"),
        (line(start="9 am"), "start", "invalid"),
        (line(end="09:00"), "end", "invalid"),
        (line(dates="2026-11-02,2026-11-01"), "valid_until", "invalid"),
        (line(dates="2026-02-30,2026-11-01"), "valid_from", "invalid"),
        (line(dates="2026-11-02,9999-12-31"), "valid_until", "invalid"),
        (line(dates="2028-11-02,2028-12-01"), "valid_from", "no_term"),
    ],
)
def test_a_bad_cell_is_named(small, load, row, column, code):
    report = load(rows(line(day="saturday"), row))

    assert problems_of(report) == {(3, column, code)}
    assert not TimetableSlot.objects.exists()


def test_people_and_terms_are_never_invented(school, load):
    report = load(rows(line(dates="2030-01-01,2030-02-01")), create_missing=True)

    assert problems_of(report) == {(2, "employee_no", "unknown"), (2, "valid_from", "no_term")}


def test_a_roster_is_not_taken_for_a_timetable(school, load):
    report = load(sample("students.csv"))

    assert [problem.code for problem in report.problems] == ["columns"]


def test_places_of_another_school_do_not_count(load, now):
    other = SchoolFactory()
    DepartmentFactory(school=other)
    CohortFactory(school=other, code="A")
    FacultyFactory(school=other, employee_no="F1")

    report = load(rows(line(room="")))

    assert {problem.column for problem in report.problems} == {"section", "course_code", "employee_no"}


def test_the_number_of_statements_does_not_grow_with_the_lines(
    school, now, load, django_assert_max_num_queries
):
    people(school, now)

    with django_assert_max_num_queries(60):
        load(sample("timetable.csv"), create_missing=True)
