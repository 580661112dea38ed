"""The two sample files with mistakes, at a terminal: each mistake named by line, column, value and reason."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from academics.models import Course, Room, Section, Student
from academics.services.imports import import_roster
from accounts.models import School, User
from attendance.models import SlotOccupancy, TimetableSlot
from audit.models import AuditEntry
from core import clock
from tests.conftest import NOW
from tests.factories import CohortFactory, DepartmentFactory, ProgrammeFactory, SchoolFactory, TermFactory

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parent.parent / "data"


def run(command: str, file: str, *options: str) -> tuple[int, str]:
    """(exit status, standard output)"""
    output, status = StringIO(), 0
    with clock.frozen(NOW):
        try:
            call_command(command, str(DATA / file), *options, stdout=output, stderr=StringIO())
        except SystemExit as left:
            status = int(str(left.code))
    return status, output.getvalue()


def as_json(command: str, file: str, *options: str) -> tuple[int, dict[str, Any]]:
    status, said = run(command, file, "--json", *options)
    return status, json.loads(said)


def untouched() -> dict[str, int]:
    models: list[Any] = [User, Student, TimetableSlot, SlotOccupancy, Section, Room, Course, AuditEntry]
    return {model.__name__: model.objects.count() for model in models}


# -- students_with_errors.csv -----------------------------------------------------------------------------------

#: (line, column, value, what the reason says), as the sample's description counts them: eight kinds of mistake.
MISTAKES = [
    (3, "enrollment_no", "", "This cell must not be empty."),
    (4, "enrollment_no", "22cse30001", "The same as in line 2."),
    (5, "email", "not-an-address", "Expected an address such as name@example.edu."),
    (
        6,
        "department",
        "XYZ",
        "There is no department of this name. Create it first, or import with --create-missing.",
    ),
    (7, "date_of_birth", "31/02/2004", "Expected a date that exists, as YYYY-MM-DD."),
    (9, "year", "ninth", "Expected a whole number from 1 to 10."),
    (10, "full_name", "A" * 60 + "… (400 characters)", "At most 150 characters are possible, this has 400."),
    (11, "email", "22cse30001@students.example.edu", "The same as in line 2."),
]
GOOD = {"22CSE30001", "22CSE30007", "22ECE30011", "22MEC30012"}


@pytest.fixture
def school() -> School:
    """With departments CSE, ECE and MEC, their programmes, and cohorts A and B of each."""
    school = SchoolFactory(code="demo")
    for code in ("CSE", "ECE", "MEC"):
        department = DepartmentFactory(school=school, code=code)
        ProgrammeFactory(school=school, name=f"B.Tech {code}", department=department)
        for letter in "AB":
            CohortFactory(school=school, code=f"{code}-{letter}", department=department)
    return school


def named(report: dict[str, Any]) -> list[tuple[int, str, str, str]]:
    return [(bad["line"], bad["column"], bad["value"], bad["reason"]) for bad in report["problems"]]


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_every_mistake_among_the_students_is_named_and_nobody_is_imported(
    school: School, options: list[str]
) -> None:
    before = untouched()

    status, report = as_json("import_roster", "students_with_errors.csv", *options)

    assert (status, named(report)) == (1, MISTAKES)
    assert (report["rows"], report["bad_rows"], report["imported"]) == (12, 8, False)
    assert untouched() == before


def test_the_mistakes_are_printed_line_by_line_in_their_order(school: School) -> None:
    status, said = run("import_roster", "students_with_errors.csv")

    printed = said.splitlines()
    assert status == 1
    assert printed[: len(MISTAKES)] == [
        f"  line {line}, {column}:{f' “{value}”' if value else ''} {reason}"
        for line, column, value, reason in MISTAKES
    ]
    assert printed[-1].startswith("Nothing was imported (12 rows, 4 new, ")


def test_the_good_students_are_taken_when_asked_and_the_others_still_named(school: School) -> None:
    status, report = as_json("import_roster", "students_with_errors.csv", "--skip-bad")

    assert (status, named(report)) == (0, MISTAKES)
    assert (report["imported"], report["created"], report["bad_rows"]) == (True, 4, 8)
    assert set(Student.objects.values_list("enrollment_no", flat=True)) == GOOD
    # A formula is a name like any other: it was not evaluated, and nothing was cut from it.
    assert Student.objects.get(enrollment_no="22CSE30007").user.full_name == '=HYPERLINK("http://x")'


def test_a_preview_of_the_good_students_ends_well_and_takes_nobody(school: School) -> None:
    before = untouched()

    status, report = as_json("import_roster", "students_with_errors.csv", "--skip-bad", "--dry-run")

    assert (status, report["created"], report["imported"], report["dry_run"]) == (0, 4, False, True)
    assert untouched() == before


def test_the_same_mistakes_are_found_where_the_students_are_known_already(school: School) -> None:
    data = (DATA / "students.csv").read_bytes()
    import_roster(school=school, data=data, create_missing=True, by=None, now=NOW)

    status, report = as_json("import_roster", "students_with_errors.csv", "--skip-bad")

    assert (status, named(report)) == (0, MISTAKES)
    assert (report["created"], report["updated"], report["unchanged"]) == (0, 1, 3)
    assert Student.objects.count() == 120


# -- timetable_with_clash.csv -----------------------------------------------------------------------------------


@pytest.fixture
def staffed(school: School) -> School:
    TermFactory(school=school)
    data = (DATA / "faculty.csv").read_bytes()
    import_roster(school=school, data=data, create_missing=True, by=None, now=NOW)
    return school


CLASH = {"line": 8, "column": "employee_no", "value": "F100", "code": "faculty_conflict"}


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_the_clash_is_named_with_both_lines_and_nothing_is_imported(
    staffed: School, options: list[str]
) -> None:
    before = untouched()

    status, report = as_json("import_timetable", "timetable_with_clash.csv", "--create-missing", *options)

    (bad,) = report["problems"]
    assert status == 1
    assert {name: bad[name] for name in CLASH} == CLASH
    assert "line 2" in bad["reason"]
    assert (report["rows"], report["bad_rows"], report["imported"]) == (7, 1, False)
    assert untouched() == before


def test_the_clash_is_printed_with_both_lines(staffed: School) -> None:
    status, said = run("import_timetable", "timetable_with_clash.csv", "--create-missing")

    first, *_rest, last = said.splitlines()
    assert status == 1
    assert first.startswith("  line 8, employee_no: “F100” ")
    assert "line 2" in first
    assert last.startswith("Nothing was imported (7 rows, 6 new, ")


def test_the_classes_beside_the_clash_are_taken_when_asked(staffed: School) -> None:
    status, report = as_json("import_timetable", "timetable_with_clash.csv", "--create-missing", "--skip-bad")

    assert (status, report["created"], report["bad_rows"], report["imported"]) == (0, 6, 1, True)
    assert TimetableSlot.objects.count() == 6
    assert not Section.objects.filter(course__code="EC302").exists()
