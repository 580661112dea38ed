"""Historic marks from files: classes are held or made, nothing is overwritten or made up, figures follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from academics.models import Enrollment, Section, Student
from academics.services import memberships
from academics.services.imports import Report
from attendance.models import AttendanceRecord, AttendanceStatistics, Session
from attendance.services import marking, sessions, statistics
from attendance.services.imports import import_attendance
from audit.models import AuditEntry
from core import clock
from tests.attendance.scans import students_of
from tests.factories import (
    CohortFactory,
    CourseFactory,
    FacultyFactory,
    SectionFactory,
    SessionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

HEADER = "enrollment_no,course_code,date,start,end,status"
#: 09:00 on 3 November 2026 in Asia/Kolkata is `now`: the last whole day before it.
DAY = "2026-11-02"


@pytest.fixture
def section() -> Section:
    return SectionFactory(students=3)


@pytest.fixture
def students(section: Section) -> list[Student]:
    return list(Student.objects.filter(school=section.school).order_by("enrollment_no"))


@pytest.fixture
def load(section: Section, now: datetime) -> Callable[..., Report]:
    def load(*lines: str, header: str = HEADER, **options: Any) -> Report:
        data = "\n".join([header, *lines]).encode()
        return import_attendance(school=section.school, data=data, by=None, now=now, **options)

    return load


@pytest.fixture
def line(section: Section, students: list[Student]) -> Callable[..., str]:
    def line(
        index: int = 0, status: str = "present", day: str = DAY, start: str = "10:00", end: str = "10:50"
    ) -> str:
        return f"{students[index].enrollment_no},{section.course.code},{day},{start},{end},{status}"

    return line


def problems_of(report: Report) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.column, problem.code) for problem in report.in_order()]


class TestClasses:
    def test_a_class_that_does_not_exist_is_made_and_held(
        self, section: Section, load: Any, line: Any
    ) -> None:
        report = load(line(0, "present"), line(1, "L"), line(2, "absent"))

        assert (report.problems, report.created, report.imported) == ([], 3, True)
        session = Session.objects.get()
        assert report.made == {"class": [f"{section.course.code} {section.group} 2026-11-02 10:00"]}
        assert (session.status, session.slot, session.held_on) == ("closed", None, date(2026, 11, 2))
        assert f"{section.school.local(session.starts_at):%H:%M}" == "10:00"
        assert session.closed_at == session.ends_at
        marks = AttendanceRecord.objects.order_by("student__enrollment_no")
        assert [(mark.status, mark.source) for mark in marks] == [
            ("present", "manual"), ("late", "manual"), ("absent", "manual"),
        ]  # fmt: skip
        assert statistics.check() == []

    @pytest.mark.parametrize("status", ["scheduled", "unconfirmed"])
    def test_a_planned_class_that_nobody_held_here_is_held(
        self, section: Section, load: Any, line: Any, now: datetime, status: str
    ) -> None:
        session = SessionFactory(section=section, starts_at=now - timedelta(hours=23), status=status)
        report = load(line(0))
        session.refresh_from_db()
        assert (report.created, report.made, session.status) == (1, {}, "closed")
        assert AttendanceRecord.objects.get().session == session
        assert statistics.check() == []

    def test_whoever_is_not_in_the_file_has_no_mark(
        self, load: Any, line: Any, students: list[Student]
    ) -> None:
        load(line(0))
        assert AttendanceRecord.objects.get().student == students[0]
        assert AttendanceStatistics.objects.get().held == 1

    def test_a_held_class_takes_marks_of_those_who_have_none(
        self, section: Section, load: Any, line: Any, now: datetime, students: list[Student]
    ) -> None:
        session = SessionFactory(section=section, starts_at=now - timedelta(hours=23), open=True)
        teacher = session.faculty.get().user
        marking.mark(session=session, student=students[0].enrollment_no, status="late", by=teacher, now=now)
        section.school.attendance_configuration.auto_mark_absent = False
        section.school.attendance_configuration.save()
        sessions.close_session(session=session, by=teacher, now=now)

        report = load(line(1), line(0, "late"))

        assert (report.created, report.unchanged) == (1, 1)
        assert statistics.check() == []

    def test_a_lecture_for_two_sections_is_counted_once(
        self, section: Section, load: Any, line: Any, now: datetime
    ) -> None:
        other = SectionFactory(school=section.school, course=section.course, students=1)
        session = SessionFactory(section=section, starts_at=now - timedelta(hours=23))
        session.sections.add(other)
        guest = other.enrollments.get().student
        report = load(line(0), f"{guest.enrollment_no},{section.course.code},{DAY},10:00,10:50,absent")
        assert (report.created, report.made, Session.objects.count()) == (2, {}, 1)
        assert sorted(AttendanceStatistics.objects.values_list("held", flat=True)) == [1, 1]
        assert statistics.check() == []

    def test_marks_before_and_after_a_transfer_stay_with_the_cohort_of_their_day(
        self, section: Section, load: Any, line: Any, students: list[Student], now: datetime
    ) -> None:
        new = SectionFactory(
            school=section.school,
            course=section.course,
            term=section.term,
            cohort=CohortFactory(school=section.school),
        )
        office = UserFactory(school=section.school)
        students[0].refresh_from_db()
        memberships.transfer(student=students[0], cohort=new.cohort, on=date(2026, 11, 2), by=office, now=now)

        load(line(0, day="2026-10-30"), line(0, "absent", day="2026-11-02"))

        marks = AttendanceRecord.objects.order_by("held_on").values_list("section", "status")
        assert list(marks) == [(section.pk, "present"), (new.pk, "absent")]
        assert AttendanceStatistics.objects.get(student=students[0]).held == 2


class TestRefusals:
    def test_each_bad_line_is_named_with_its_column(
        self, section: Section, load: Any, line: Any, students: list[Student]
    ) -> None:
        number, code = students[0].enrollment_no, section.course.code
        other = CourseFactory(school=section.school)
        report = load(
            line(0),
            f"NOBODY1,{code},{DAY},10:00,10:50,present",
            f"{number},XX999,{DAY},10:00,10:50,present",
            f"{number},{code},2026-11-31,10:00,10:50,present",
            f"{number},{code},2026-11-04,10:00,10:50,present",
            f"{number},{code},{DAY},25:00,10:50,present",
            f"{number},{code},{DAY},10:00,10:00,present",
            f"{number},{code},{DAY},10:00,10:50,here",
            f"{number},{other.code},{DAY},10:00,10:50,present",
            f"{number},{code},2026-01-05,10:00,10:50,present",
            line(0, "late"),
            line(1, end="11:50"),
            f",{code},{DAY},10:00,10:50,present",
        )
        assert problems_of(report) == [
            (3, "enrollment_no", "unknown"),
            (4, "course_code", "unknown"),
            (5, "date", "invalid"),
            (6, "date", "invalid"),
            (7, "start", "invalid"),
            (8, "end", "invalid"),
            (9, "status", "invalid"),
            (10, "date", "not_on_roster"),
            (11, "date", "not_on_roster"),
            (12, "", "duplicate"),
            (13, "end", "clash"),
            (14, "enrollment_no", "required"),
        ]
        assert not report.imported
        assert not Session.objects.exists()
        assert not AttendanceRecord.objects.exists()

    def test_the_good_lines_are_taken_if_that_is_asked_for(self, load: Any, line: Any) -> None:
        report = load(line(0), "NOBODY1,XX,2026-11-02,10:00,10:50,present", line(1), skip_bad=True)
        assert (report.created, report.bad_rows, report.imported) == (2, 1, True)
        assert AttendanceRecord.objects.count() == 2

    def test_what_was_marked_here_is_never_overwritten(self, load: Any, line: Any) -> None:
        load(line(0, "absent"))
        report = load(line(0, "present"))
        assert problems_of(report) == [(2, "status", "already_marked")]
        assert AttendanceRecord.objects.get().status == "absent"

    @pytest.mark.parametrize("status", ["open", "cancelled", "void"])
    def test_a_class_that_is_open_cancelled_or_void_takes_none(
        self, section: Section, load: Any, line: Any, now: datetime, status: str
    ) -> None:
        SessionFactory(section=section, starts_at=now - timedelta(hours=23), status=status)
        report = load(line(0))
        assert problems_of(report) == [(2, "start", "session_not_markable")]
        assert not AttendanceRecord.objects.exists()

    def test_a_class_at_a_time_when_the_cohort_was_elsewhere_is_refused(
        self, section: Section, load: Any, line: Any, now: datetime
    ) -> None:
        SessionFactory(
            section=SectionFactory(school=section.school, cohort=section.cohort),
            teacher=FacultyFactory(school=section.school),
            starts_at=now - timedelta(hours=23, minutes=-20),
        )
        report = load(line(0), line(0, start="14:00", end="14:50"), skip_bad=True)
        assert problems_of(report) == [(2, "start", "clash")]
        assert (report.created, Session.objects.filter(status="closed").count()) == (1, 1)
        assert statistics.check() == []

    @pytest.mark.parametrize(
        ("header", "code"), [("enrollment_no,date", "columns"), ("", "empty"), ("full_name,email", "columns")]
    )
    def test_a_file_of_another_kind_is_refused(self, load: Any, header: str, code: str) -> None:
        assert problems_of(load(header=header))[0] == (1, "", code)

    def test_another_schools_students_are_nobody(self, load: Any, section: Section) -> None:
        stranger = SectionFactory(students=1).enrollments.get().student
        report = load(f"{stranger.enrollment_no},{section.course.code},{DAY},10:00,10:50,present")
        assert [code for _line, _column, code in problems_of(report)] in (["unknown"], ["not_on_roster"])
        assert not AttendanceRecord.objects.exists()


class TestTwiceAndTried:
    def test_a_second_import_changes_nothing(self, load: Any, line: Any) -> None:
        lines = [line(0), line(1, "late"), line(0, start="11:00", end="11:50")]
        load(*lines)
        before = list(AttendanceRecord.objects.order_by("pk").values())
        report = load(*lines)
        assert (report.created, report.unchanged, report.made) == (0, 3, {})
        assert list(AttendanceRecord.objects.order_by("pk").values()) == before
        assert AuditEntry.objects.filter(action="attendance.import").count() == 1

    def test_a_dry_run_tells_the_same_and_changes_nothing(self, load: Any, line: Any) -> None:
        tried = load(line(0), line(1), dry_run=True)
        assert (tried.created, len(tried.made["class"]), tried.imported) == (2, 1, False)
        assert not Session.objects.exists()
        assert not AuditEntry.objects.filter(action="attendance.import").exists()

    def test_very_many_classes_give_the_same_figures(self, load: Any, line: Any, section: Section) -> None:
        Enrollment.objects.update(joined_on=section.term.starts_on)
        days = [section.term.starts_on + timedelta(days=number) for number in range(70)]
        lines = [
            line(0, day=f"{day}", start=f"{hour}:00", end=f"{hour}:50")
            for day in days
            for hour in (9, 10, 11)
        ]
        report = load(*lines)
        assert (report.problems, report.created) == ([], 210)
        assert AttendanceStatistics.objects.get().held == 210
        assert statistics.check() == []


class TestCommand:
    def run(self, tmp_path: Path, content: str, *options: str) -> tuple[int, str]:
        file, out = tmp_path / "marks.csv", StringIO()
        file.write_text(content)
        try:
            call_command("import_attendance", str(file), *options, stdout=out)
        except SystemExit as ended:
            return int(ended.code or 0), out.getvalue()
        return 0, out.getvalue()

    def test_it_tells_what_it_did(self, section: Section, line: Any, tmp_path: Path, now: datetime) -> None:
        with clock.frozen(now):
            status, said = self.run(tmp_path, f"{HEADER}\n{line(0)}\n", "--school", section.school.code)
        assert status == 0
        assert "Imported attendance: 1 rows, 1 new" in said
        assert "New class:" in said

    def test_a_bad_file_ends_with_status_1_and_says_where(
        self, section: Section, tmp_path: Path, now: datetime
    ) -> None:
        with clock.frozen(now):
            status, said = self.run(tmp_path, f"{HEADER}\nX,Y,Z\n", "--school", section.school.code, "--json")
        assert status == 1
        assert json.loads(said)["imported"] is False

    def test_a_file_that_is_not_there_is_said(self, section: Section) -> None:
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("import_attendance", "/nowhere.csv", "--school", section.school.code)


def test_marks_of_a_class_that_was_unconfirmed_count_with_those_of_the_file(
    section: Section, load: Any, line: Any, now: datetime
) -> None:
    session = SessionFactory(section=section, starts_at=now - timedelta(hours=23), status="unconfirmed")
    teacher = session.faculty.get().user
    marking.mark(
        session=session, student=students_of(session)[1].enrollment_no, status="absent", by=teacher, now=now
    )
    load(line(0))
    assert AttendanceStatistics.objects.count() == 2
    assert statistics.check() == []
