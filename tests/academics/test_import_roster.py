"""Rosters from files: the samples, and what spreadsheet programs and people make of such files."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from academics.models import Cohort, Department, Faculty, Programme, Student, StudentSnapshot
from academics.services.imports import import_roster
from accounts.models import User
from audit.models import AuditEntry
from tests.factories import (
    CohortFactory,
    DepartmentFactory,
    ProgrammeFactory,
    SchoolFactory,
    SectionFactory,
    StudentFactory,
    TermFactory,
)

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parent.parent / "data"
HEADER = "enrollment_no,full_name,email,department,programme,year,section,phone,date_of_birth"


@pytest.fixture
def school():
    return SchoolFactory(code="demo")


@pytest.fixture
def load(school, now):
    def load(data, **options):
        raw = data if isinstance(data, bytes) else data.encode()
        return import_roster(school=options.pop("school", school), data=raw, by=None, now=now, **options)

    return load


def rows(*lines: str, header: str = "enrollment_no,full_name,email") -> str:
    return "\n".join([header, *lines])


def sample(name: str) -> bytes:
    return (DATA / name).read_bytes()


def everything() -> dict[str, int]:
    models = (User, Student, Faculty, Department, Programme, Cohort, StudentSnapshot)
    return {model.__name__: model.objects.count() for model in models}


# -- the samples ----------------------------------------------------------------------------------------------


def test_the_sample_students_are_all_imported(load, school):
    report = load(sample("students.csv"), create_missing=True)

    assert (report.imported, report.kind, report.created, report.problems) == (True, "students", 120, [])
    assert everything() == {
        "User": 120,
        "Student": 120,
        "Faculty": 0,
        "Department": 3,
        "Programme": 3,
        "Cohort": 6,
        "StudentSnapshot": 120,
    }
    first = Student.objects.select_related("user", "cohort", "department", "programme").get(
        enrollment_no="22CSE30001"
    )
    assert (first.user.full_name, first.user.username) == ("Deepika Rao", "22cse30001@demo")
    assert (first.department.code, first.programme.name, first.cohort.code) == ("CSE", "B.Tech CSE", "CSE-A")
    assert (first.study_year, first.user.phone, first.date_of_birth) == (
        3,
        "+91 9226614242",
        date(2005, 5, 22),
    )
    assert first.current_snapshot.cohort_code == "CSE-A"


def test_names_in_every_script_arrive_as_they_are(load):
    load(sample("students.csv"), create_missing=True)

    text = sample("students.csv").decode()
    assert {line.split(",")[1] for line in text.splitlines()[1:]} == set(
        Student.objects.values_list("user__full_name", flat=True)
    )


def test_the_sample_faculty_are_all_imported(load, school):
    report = load(sample("faculty.csv"), create_missing=True)

    assert (report.kind, report.created) == ("faculty", 6)
    assert Faculty.objects.get(employee_no="F103").department.code == "ECE"


def test_importing_the_same_files_again_changes_nothing(load):
    for name in ("students.csv", "faculty.csv"):
        load(sample(name), create_missing=True)
    before, entries = everything(), AuditEntry.objects.count()

    for name, number in (("students.csv", 120), ("faculty.csv", 6)):
        report = load(sample(name), create_missing=True)
        assert (report.created, report.updated, report.unchanged) == (0, 0, number)

    assert everything() == before
    assert AuditEntry.objects.count() == entries


def problems_of(report):
    return {(problem.line, problem.column, problem.code) for problem in report.problems}


BAD_ROWS = {
    (3, "enrollment_no", "required"),
    (4, "enrollment_no", "duplicate"),
    (5, "email", "invalid"),
    (6, "department", "unknown"),
    (7, "date_of_birth", "invalid"),
    (9, "year", "invalid"),
    (10, "full_name", "too_long"),
    (11, "email", "duplicate"),
}


def prepared(school):
    for code in ("CSE", "ECE", "MEC"):
        ProgrammeFactory(
            school=school, name=f"B.Tech {code}", department=DepartmentFactory(school=school, code=code)
        )
        for letter in "AB":
            CohortFactory(school=school, code=f"{code}-{letter}")


def test_every_bad_row_of_the_sample_is_named_and_nothing_is_imported(load, school):
    prepared(school)
    before = everything()

    report = load(sample("students_with_errors.csv"))

    assert problems_of(report) == BAD_ROWS
    assert not report.imported
    assert everything() == before
    shown = {problem["line"]: problem for problem in report.as_dict()["problems"]}
    assert shown[7]["value"] == "31/02/2004"
    assert shown[9]["value"] == "ninth"
    assert "line 2" in shown[4]["reason"]
    assert shown[10]["value"].endswith("… (400 characters)")


def test_the_good_rows_of_the_sample_can_be_taken(load, school):
    prepared(school)

    report = load(sample("students_with_errors.csv"), skip_bad=True)

    assert (report.imported, report.created, report.bad_rows, report.rows) == (True, 4, 8, 12)
    assert set(Student.objects.values_list("enrollment_no", flat=True)) == {
        "22CSE30001",
        "22CSE30007",
        "22ECE30011",
        "22MEC30012",
    }


def test_a_name_that_looks_like_a_formula_is_text(load, school):
    prepared(school)

    load(sample("students_with_errors.csv"), skip_bad=True)

    assert Student.objects.get(enrollment_no="22CSE30007").user.full_name == '=HYPERLINK("http://x")'


def test_a_preview_says_what_the_import_says_and_changes_nothing(load, school):
    SectionFactory(school=school, cohort=CohortFactory(school=school, code="CSE-A"))
    before = everything()

    preview = load(sample("students.csv"), create_missing=True, dry_run=True).as_dict()
    assert everything() == before
    assert not AuditEntry.objects.exists()

    real = load(sample("students.csv"), create_missing=True).as_dict()
    assert preview.pop("dry_run") is True
    assert real.pop("dry_run") is False
    assert (preview.pop("imported"), real.pop("imported")) == (False, True)
    assert preview == real
    assert real["enrolled"] > 0


# -- encodings and separators -----------------------------------------------------------------------------------

NAMES = "enrollment_no,full_name\nA1,José Ångström\nA2,శ్రావణి\n"


@pytest.mark.parametrize(
    "data",
    [
        NAMES.encode(),
        NAMES.encode("utf-8-sig"),
        NAMES.encode("utf-16"),
        b"\xfe\xff" + NAMES.encode("utf-16-be"),
        (
            "enrollment_no,full_name\n"
            + "".join(f"B{n},Anna\n" for n in range(40))
            + "A1,José Ångström\nA2,శ్రావణి\n"
        ).encode("utf-16-le"),
        NAMES.replace(",", ";").encode(),
        NAMES.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
        NAMES.replace("\n", "\r").encode(),
        NAMES.replace("enrollment_no,full_name", '"Roll No"," NAME "').encode(),
    ],
    ids=[
        "utf-8",
        "bom",
        "utf-16",
        "utf-16-be",
        "utf-16-no-bom",
        "semicolon",
        "tab",
        "old-mac",
        "other-names",
    ],
)
def test_files_of_any_spreadsheet_program_are_read(load, data):
    report = load(data)

    assert report.problems == []
    assert report.notes == []
    names = {
        student.enrollment_no: student.user.full_name for student in Student.objects.select_related("user")
    }
    assert (names["A1"], names["A2"]) == ("José Ångström", "శ్రావణి")


def test_a_file_that_is_not_unicode_is_read_as_latin_1_and_says_so(load):
    report = load("enrollment_no,full_name\nA1,José Ångström\n".encode("latin-1"))

    assert Student.objects.get().user.full_name == "José Ångström"
    assert "Latin-1" in str(report.notes[0])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\r\n\r\n", "empty"),
        (b"PK\x03\x04 spreadsheet", "not_csv"),
        (b"\xff\xfea", "encoding"),
        (b"full_name\nA", "columns"),
        (b"enrollment_no\nA1", "columns"),
        (b"enrollment_no,employee_no,full_name\nA1,F1,A", "columns"),
        (b"enrollment_no,full_name,full_name\nA1,A,B", "duplicate_column"),
        (b"section,course_code,employee_no,weekday\nA,B,C,monday", "columns"),
        (b'enrollment_no,full_name\nA1,"never closed\nA2,B', "quoting"),
        (b'"enrollment_no,full_name', "quoting"),
    ],
)
def test_a_file_that_is_no_roster_is_refused_as_a_whole(load, data, code):
    report = load(data, skip_bad=True)

    assert [problem.code for problem in report.problems] == [code]
    assert not report.imported
    assert not Student.objects.exists()


# -- bad cells ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        ("A1", "", "cells"),
        ("A1,Anna,a@example.edu,more", "", "cells"),
        ("A1,An\x00na,", "full_name", "control_character"),
        ('A1,"An\nna",', "full_name", "control_character"),
        ("A1,,", "full_name", "required"),
        ("A 1,Anna,", "enrollment_no", "invalid"),
        ("ß1,Anna,", "enrollment_no", "invalid"),
        ("=1+1,Anna,", "enrollment_no", "invalid"),
        (f"{'A' * 31},Anna,", "enrollment_no", "invalid"),
        ("A1,Anna,a@b", "email", "invalid"),
        (f"A1,Anna,{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 40}.com", "email", "too_long"),
    ],
)
def test_a_bad_cell_is_named_and_skipped_alone(load, line, column, code):
    report = load(rows("A0,Good,", line, "A9,Good too,"), skip_bad=True)

    assert [(problem.line, problem.column, problem.code) for problem in report.problems] == [
        (3, column, code)
    ]
    assert (report.created, report.rows, report.bad_rows) == (2, 3, 1)
    assert set(Student.objects.values_list("enrollment_no", flat=True)) == {"A0", "A9"}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("year", "0"),
        ("year", "11"),
        ("year", "-1"),
        ("year", "NaN"),
        ("year", "1e3"),
        ("year", "99999999999999999999"),
        ("year", "٣"),
        ("date_of_birth", "0001-01-01"),
        ("date_of_birth", "9999-12-31"),
        ("date_of_birth", "2005-02-30"),
        ("date_of_birth", "20050230"),
        ("date_of_birth", "2005-W01-1"),
        ("phone", "call me"),
        ("phone", "1" * 40),
        ("section", "x" * 41),
        ("department", "x" * 21),
        ("programme", "x" * 151),
    ],
)
def test_values_no_column_takes_are_refused(load, column, value):
    report = load(rows(f"A1,Anna,{value}", header=f"enrollment_no,full_name,{column}"), create_missing=True)

    assert [(problem.line, problem.column) for problem in report.problems] == [(2, column)]
    assert not Student.objects.exists()
    assert not Cohort.objects.exists()


def test_right_to_left_names_and_emoji_are_names(load):
    load(rows("A1,محمد 🎓,"))

    assert Student.objects.get().user.full_name == "محمد 🎓"


def test_every_wrong_cell_of_a_row_is_named(load):
    report = load(rows(",,nobody"))

    assert problems_of(report) == {
        (2, "enrollment_no", "required"),
        (2, "full_name", "required"),
        (2, "email", "invalid"),
    }


def test_lines_count_from_the_header_also_after_cells_of_several_lines(load):
    report = load('enrollment_no,full_name\n\nA1,"two\nlines"\nA2,\n')

    assert [problem.line for problem in report.problems] == [3, 5]


def test_empty_lines_and_unknown_columns_do_no_harm(load):
    report = load(rows("A1,Anna,,blue", "", ",,,", header="enrollment_no,full_name,email,favourite colour"))

    assert (report.created, report.rows) == (1, 1)
    assert "favourite_colour" in str(report.notes[0])


# -- against what the school knows ------------------------------------------------------------------------------


def test_an_address_of_somebody_else_in_the_school_is_refused(load, school):
    student = StudentFactory(school=school)
    student.user.email = "Taken@example.edu"
    student.user.save()
    other = StudentFactory()
    other.user.email = "free@example.edu"
    other.user.save()

    report = load(rows("A1,Anna,taken@EXAMPLE.edu", "A2,Bela,free@example.edu"))

    assert problems_of(report) == {(2, "email", "email_taken")}


def test_two_students_may_swap_their_addresses(load):
    load(rows("A1,Anna,a@example.edu", "A2,Bela,b@example.edu"))

    report = load(rows("A1,Anna,b@example.edu", "A2,Bela,a@example.edu"))

    assert (report.updated, report.problems) == (2, [])
    assert User.objects.get(username="a1@demo").email == "b@example.edu"


def test_a_number_that_an_employee_signs_in_with_is_refused(load):
    load("employee_no,full_name\nF1,Dr. Rao")

    report = load(rows("f1,Anna,"))

    assert problems_of(report) == {(2, "enrollment_no", "username_taken")}


def test_an_import_changes_what_differs_and_leaves_what_the_file_leaves_empty(load, school):
    load(sample("students.csv"), create_missing=True)

    report = load(rows("22cse30001,Deepika Rao-Khan,", "22ECE30002,Sravani Prasad,new@example.edu"))

    assert (report.created, report.updated, report.unchanged) == (0, 2, 0)
    student = Student.objects.select_related("user").get(enrollment_no="22CSE30001")
    assert (student.user.full_name, student.user.email) == (
        "Deepika Rao-Khan",
        "22cse30001@students.example.edu",
    )
    assert student.user.phone == "+91 9226614242"
    assert student.current_snapshot.name == "Deepika Rao-Khan"
    entry = AuditEntry.objects.get(action="student.update", object_id=str(student.pk))
    assert set(entry.after) == {"full_name"}


def test_what_is_missing_is_made_only_when_asked_and_only_for_good_rows(load):
    header = "enrollment_no,full_name,department,section"
    data = rows("A1,Anna,CSE,CSE-A", "A2,,LAW,LAW-A", header=header)

    report = load(data)
    assert {problem.column for problem in report.problems} == {"department", "section", "full_name"}

    report = load(data, create_missing=True, skip_bad=True)
    assert report.made == {"department": ["CSE"], "cohort": ["CSE-A"]}
    assert list(Department.objects.values_list("code", flat=True)) == ["CSE"]
    assert Cohort.objects.get().department.code == "CSE"


def test_codes_are_found_whatever_their_case(load, school):
    DepartmentFactory(school=school, code="Cse")
    CohortFactory(school=school, code="CSE-a")

    report = load(rows("A1,Anna,cSE,cse-A", header="enrollment_no,full_name,dept,class"), create_missing=True)

    assert (report.created, report.made) == (1, {})


def test_a_department_of_another_school_does_not_count(load):
    DepartmentFactory(code="CSE")

    report = load(rows("A1,Anna,CSE", header="enrollment_no,full_name,department"))

    assert problems_of(report) == {(2, "department", "unknown")}


# -- enrollment ----------------------------------------------------------------------------------------------


def test_imported_students_sit_in_their_cohorts_sections_from_the_start_of_the_term(load, school):
    section = SectionFactory(school=school, cohort=CohortFactory(school=school, code="CSE-A"))

    report = load(rows("A1,Anna,CSE-A", "A2,Bela,CSE-A", header="enrollment_no,full_name,section"))

    assert report.enrolled == 2
    assert set(section.enrollments.values_list("joined_on", flat=True)) == {section.term.starts_on}


def test_who_joins_in_week_four_sits_in_the_sections_from_that_day(load, school):
    section = SectionFactory(school=school, cohort=CohortFactory(school=school, code="CSE-A"))
    week_four = section.term.starts_on + timedelta(weeks=3)

    load(rows("A1,Anna,CSE-A", header="enrollment_no,full_name,section"), joined_on=week_four)

    assert section.enrollments.get().joined_on == week_four


def test_another_cohort_in_the_file_is_a_transfer_from_today(load, school, now):
    TermFactory(school=school)
    a, b = CohortFactory(school=school, code="A"), CohortFactory(school=school, code="B")
    old, new = SectionFactory(school=school, cohort=a), SectionFactory(school=school, cohort=b)
    header = "enrollment_no,full_name,section"
    load(rows("A1,Anna,A", header=header))

    report = load(rows("A1,Anna,B", header=header))

    today = school.local_date(now)
    assert (report.updated, report.enrolled) == (1, 1)
    assert old.enrollments.get().left_on == today
    assert new.enrollments.get().joined_on == today
    assert Student.objects.get().current_snapshot.cohort_code == "B"


def test_the_number_of_statements_does_not_grow_with_the_rows(load, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        load(sample("students.csv"), create_missing=True)
