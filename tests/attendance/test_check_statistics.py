"""Kept figures against the records: what differs is named and, when asked, repaired."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from academics.models import Student
from attendance.management.commands.check_statistics import SHOWN
from attendance.models import AttendanceRecord, AttendanceStatistics, Session
from attendance.services import sessions, statistics
from attendance.services.marking import Mark, bulk_mark
from attendance.services.statistics import Counts
from audit.models import AuditEntry
from core import partitions
from tests.attendance.scans import students_of
from tests.factories import CourseFactory, SchoolFactory, SectionFactory, SessionFactory, TermFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(now: datetime) -> Session:
    """A class that was held: the first student present, the second late, the third absent."""
    session = SessionFactory(section=SectionFactory(school=SchoolFactory(code="demo"), students=3), open=True)
    first, second, _third = students_of(session)
    marks = [Mark(first.enrollment_no, "present"), Mark(second.enrollment_no, "late")]
    teacher = session.faculty.get().user
    bulk_mark(session=session, marks=marks, by=teacher, now=now)
    return sessions.close_session(session=session, by=teacher, now=now)


@pytest.fixture
def people(held: Session) -> list[Student]:
    return students_of(held)


def kept(student: Student) -> Any:
    return AttendanceStatistics.objects.filter(student=student)


def figures() -> list[tuple[Any, ...]]:
    fields = [
        "student",
        "course",
        "term",
        "school",
        "held",
        "present",
        "late",
        "absent",
        "excused",
        "percentage",
    ]
    return sorted(AttendanceStatistics.objects.values_list(*fields))


PRESENT = Counts(1, 1, 0, 0, 0, Decimal("100.00"))
ABSENT = Counts(1, 0, 0, 1, 0, Decimal("0.00"))


def test_nothing_differs_after_a_class_was_held(held: Session) -> None:
    assert statistics.check() == []
    assert statistics.repair(by=None, now=held.ends_at) == []
    assert not AuditEntry.objects.filter(action="statistics.repair").exists()


def test_wrong_counts_a_wrong_percentage_a_missing_row_and_one_too_many_are_named_and_repaired(
    held: Session, people: list[Student], now: datetime
) -> None:
    right = figures()
    first, second, third = people
    other = CourseFactory(school=held.school, code="ZZ1")
    kept(first).update(present=0, late=1)
    kept(second).update(percentage=Decimal("12.50"))
    kept(third).delete()
    AttendanceStatistics.objects.create(
        student=first, course=other, term=held.term, school=held.school, held=1, present=1, updated_at=now,
        percentage=Decimal(100),
    )  # fmt: skip

    code = held.sections.get().course.code
    expected = [
        (first.enrollment_no, code, Counts(1, 0, 1, 0, 0, Decimal("100.00")), PRESENT),
        (first.enrollment_no, "ZZ1", PRESENT, None),
        (
            second.enrollment_no,
            code,
            Counts(1, 0, 1, 0, 0, Decimal("12.50")),
            Counts(1, 0, 1, 0, 0, Decimal("100.00")),
        ),
        (third.enrollment_no, code, None, ABSENT),
    ]

    found = statistics.check()
    assert [(item.student, item.course, item.kept, item.counted) for item in found] == expected
    assert {(item.school_id, item.term) for item in found} == {(held.school_id, "2026-27")}

    assert statistics.repair(by=None, now=now) == found

    assert figures() == right
    assert statistics.check() == []
    entry = AuditEntry.objects.get(action="statistics.repair")
    assert (entry.school_id, entry.object_id, entry.after) == (
        held.school_id,
        str(held.school_id),
        {"count": 4},
    )


def test_one_school_is_checked_and_repaired_alone(
    held: Session, people: list[Student], now: datetime
) -> None:
    other = SessionFactory(section=SectionFactory(students=1), open=True)
    sessions.close_session(session=other, by=None, now=now)
    AttendanceStatistics.objects.update(absent=0, present=1, late=0)

    assert statistics.check(school=other.school) != []
    statistics.repair(school=other.school, by=None, now=now)

    assert statistics.check(school=other.school) == []
    assert {item.school_id for item in statistics.check()} == {held.school_id}


def test_a_row_of_a_class_that_no_longer_counts_is_no_difference_when_it_says_nothing(
    held: Session, now: datetime
) -> None:
    sessions.void_session(session=held, reason="fire drill", by=held.faculty.get().user, now=now)

    assert set(AttendanceStatistics.objects.values_list("held", "percentage")) == {(0, None)}
    assert statistics.check() == []


def test_terms_whose_records_were_retired_are_left_out_and_kept(
    held: Session, people: list[Student], now: datetime
) -> None:
    gone = min(partitions.years(AttendanceRecord)) - 1
    term = TermFactory(
        school=held.school, name="old", starts_on=date(gone, 8, 1), ends_on=date(gone + 1, 4, 30)
    )
    course = CourseFactory(school=held.school)
    AttendanceStatistics.objects.create(
        student=people[0], course=course, term=term, school=held.school, held=4, present=4, updated_at=now,
        percentage=Decimal(100),
    )  # fmt: skip
    kept(people[1]).exclude(term=term).update(percentage=None)

    assert [item.student for item in statistics.repair(by=None, now=now)] == [people[1].enrollment_no]

    assert kept(people[0]).filter(term=term, held=4).exists()
    assert statistics.check() == []


def test_records_of_a_term_of_which_only_the_first_year_was_retired_are_no_difference(
    held: Session, now: datetime
) -> None:
    """Half of its records are there: what was kept while all of them were is right."""
    gone = min(partitions.years(AttendanceRecord)) - 1
    before = figures()
    type(held.term).objects.filter(pk=held.term_id).update(starts_on=date(gone, 8, 1))
    AttendanceStatistics.objects.filter(student=students_of(held)[0]).update(held=9, present=9)

    assert statistics.check() == []
    assert statistics.rebuild(now=now) == 0
    assert [row[4] for row in figures()] == [9, *(row[4] for row in before[1:])]


# -- the command ------------------------------------------------------------------------------------------------


@pytest.fixture
def run(
    now: datetime, clock_at: Callable[[datetime], AbstractContextManager[datetime]]
) -> Callable[..., tuple[int, str]]:
    def run(*arguments: str) -> tuple[int, str]:
        """(exit status, standard output)"""
        output = StringIO()
        with clock_at(now):
            try:
                call_command("check_statistics", *arguments, stdout=output, stderr=StringIO())
            except SystemExit as left:
                return int(str(left.code)), output.getvalue()
        return 0, output.getvalue()

    return run


def test_the_command_names_what_differs_repairs_it_and_is_content(
    held: Session, people: list[Student], run: Callable[..., tuple[int, str]]
) -> None:
    kept(people[2]).delete()
    kept(people[0]).update(held=0, present=0, percentage=None)
    code, (first, _second, third) = held.sections.get().course.code, people
    told = (
        f"  {first.enrollment_no}, {code}, 2026-27: kept 0 held, 0 present, 0 late, 0 absent, 0 excused, –; "
        "the records say 1 held, 1 present, 0 late, 0 absent, 0 excused, 100.00 %\n"
        f"  {third.enrollment_no}, {code}, 2026-27: kept nothing; "
        "the records say 1 held, 0 present, 0 late, 1 absent, 0 excused, 0.00 %\n"
    )

    assert run() == (1, told + "2 figures differ: --fix repairs them.\n")
    assert run("--fix") == (0, told + "2 figures repaired.\n")
    assert run() == (0, "Every figure is what the records say.\n")


def test_the_command_answers_as_json(
    held: Session, people: list[Student], run: Callable[..., tuple[int, str]]
) -> None:
    kept(people[0]).delete()

    status, said = run("--json", "--school", "DEMO")

    assert status == 1
    assert json.loads(said) == {
        "fixed": False,
        "differences": [
            {
                "school_id": held.school_id,
                "student": people[0].enrollment_no,
                "course": held.sections.get().course.code,
                "term": "2026-27",
                "kept": None,
                "counted": {
                    "held": 1,
                    "present": 1,
                    "late": 0,
                    "absent": 0,
                    "excused": 0,
                    "percentage": "100.00",
                },
            }
        ],
    }
    with pytest.raises(CommandError, match="no school “nowhere”"):
        run("--school", "nowhere")


def test_of_very_many_the_first_are_shown(run: Callable[..., tuple[int, str]], now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=SHOWN + 2), open=True)
    sessions.close_session(session=session, by=None, now=now)
    AttendanceStatistics.objects.all().delete()

    status, said = run()

    assert status == 1
    assert len(said.splitlines()) == SHOWN + 2
    assert "  … and 2 more (--json lists all)\n" in said
