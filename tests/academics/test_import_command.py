"""Importing at a terminal: what is printed, what the exit status says, and which sentence a refusal is."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from academics.management.importing import SHOWN_PROBLEMS
from academics.models import Cohort, Student
from accounts.models import School
from tests.factories import SchoolFactory

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parent.parent / "data"
HEADER = "enrollment_no,full_name,section"


@pytest.fixture(autouse=True)
def school() -> School:
    return SchoolFactory(code="demo")


def run(file: Path, *arguments: str, command: str = "import_roster") -> tuple[int, list[str]]:
    """Exit status and the lines of standard output."""
    output = io.StringIO()
    try:
        call_command(command, str(file), *arguments, stdout=output, stderr=io.StringIO())
    except SystemExit as left:
        return int(str(left.code)), output.getvalue().splitlines()
    return 0, output.getvalue().splitlines()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two good rows and one without a name."""
    return written(tmp_path, "S1,Asha Rao,CSE-A", "S2,Ravi Kumar,CSE-A", "S3,,CSE-A")


def written(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "students.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return path


def test_what_was_imported_and_made_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, "S1,Asha Rao,CSE-A,x", header=HEADER + ",shoe_size")

    assert run(file, "--create-missing") == (
        0,
        [
            "Note: Columns that are not used: shoe_size.",
            "New cohort: CSE-A (1)",
            "Imported students: 1 rows, 1 new, 0 changed, 0 unchanged, 0 bad, 0 enrollments.",
        ],
    )
    assert Student.objects.get().cohort == Cohort.objects.get(code="CSE-A")


def test_a_preview_of_good_rows_ends_well_and_changes_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, "S1,Asha Rao,")

    status, told = run(file, "--dry-run")

    assert status == 0
    assert told == [
        "Nothing was changed. An import of students would give: "
        "1 rows, 1 new, 0 changed, 0 unchanged, 0 bad, 0 enrollments."
    ]
    assert not Student.objects.exists()


@pytest.mark.parametrize("preview", [["--dry-run"], []])
def test_while_rows_are_bad_nothing_goes_in_and_the_way_out_is_shown(file: Path, preview: list[str]) -> None:
    status, told = run(file, "--create-missing", *preview)

    assert status == 1
    assert told[0] == "  line 4, full_name: This cell must not be empty."
    assert told[-1].startswith("Nothing was imported (3 rows, ")
    assert told[-1].endswith("Correct the file, or take the good rows with --skip-bad.")
    assert not Student.objects.exists()


def test_the_good_rows_can_be_taken(file: Path) -> None:
    status, told = run(file, "--create-missing", "--skip-bad")

    assert status == 0
    assert told[-1] == "Imported students: 3 rows, 2 new, 0 changed, 0 unchanged, 1 bad, 0 enrollments."
    assert Student.objects.count() == 2


def test_a_file_that_is_no_roster_cannot_be_taken_in_part(tmp_path: Path) -> None:
    file = written(tmp_path, "x", header="name")

    status, told = run(file, "--skip-bad")

    assert status == 1
    assert told[0].startswith("  line 1: A file of students has the column enrollment_no")
    assert told[-1].endswith("Correct the file.")


def test_of_very_many_problems_the_first_are_shown(tmp_path: Path) -> None:
    file = written(tmp_path, *(f"S{number},,\x20" for number in range(SHOWN_PROBLEMS + 7)))

    _, told = run(file)
    shown = [line for line in told if line.startswith("  line")]

    assert len(shown) == SHOWN_PROBLEMS
    assert told[SHOWN_PROBLEMS] == "  … and 7 more (--json lists all)"
    output = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("import_roster", str(file), "--json", stdout=output, stderr=io.StringIO())
    assert len(json.loads(output.getvalue())["problems"]) == SHOWN_PROBLEMS + 7


def test_of_very_many_new_places_the_first_are_named(tmp_path: Path) -> None:
    file = written(tmp_path, *(f"S{number},Asha,C{number:02}" for number in range(12)))

    _, told = run(file, "--create-missing")

    names = ", ".join(f"C{number:02}" for number in range(10))
    assert told[0] == f"New cohort: {names} … (12)"


@pytest.mark.parametrize("command", ["import_roster", "import_timetable"])
def test_a_file_that_cannot_be_read_is_told_in_one_sentence(tmp_path: Path, command: str) -> None:
    for path, reason in ((tmp_path / "none.csv", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(CommandError) as refused:
            call_command(command, str(path))
        assert str(refused.value) == f"{path} cannot be read: {reason}."


def test_a_roster_and_a_timetable_name_the_command_that_takes_them() -> None:
    assert "use import_timetable" in run(DATA / "timetable.csv")[1][0]
    assert "use import_roster" in run(DATA / "students.csv", command="import_timetable")[1][0]
