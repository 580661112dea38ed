"""Lines of a file of historic marks as values, and the classes they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from academics.models import Course, Enrollment, Section, Student
from academics.services.imports.cells import Cells
from academics.services.imports.places import fold
from academics.services.imports.reading import Row
from academics.services.imports.report import Report
from accounts.models import School
from attendance.enums import Status
from attendance.models import Session
from attendance.services import occurrences

REQUIRED = ("enrollment_no", "course_code", "date", "start", "end", "status")
COLUMNS = frozenset({*REQUIRED, "remarks"})
_EARLIEST = date(1950, 1, 1)
_LONGEST_REMARKS = 500

#: How registers write it, beside our own words.
_LETTERS = {"p": Status.PRESENT, "l": Status.LATE, "a": Status.ABSENT, "e": Status.EXCUSED}
_STATUSES = {**_LETTERS, **{status.value: status for status in Status}}


@dataclass(slots=True)
class Line:
    """One student's mark in one class."""

    row: Row
    student: Student
    section: Section
    held_on: date
    starts_at: datetime
    ends_at: datetime
    status: str
    remarks: str
    good: bool = True

    @property
    def key(self) -> tuple[object, datetime]:
        """What tells its class from any other: two classes of one section cannot begin together."""
        return self.section.pk, self.starts_at


@dataclass(slots=True)
class HeldClass:
    """A class of the file, and its session once that is known. `begins_to_count`: nothing of it counted before."""

    section: Section
    held_on: date
    starts_at: datetime
    ends_at: datetime
    lines: list[Line] = field(default_factory=list)
    session: Session | None = None
    begins_to_count: bool = False

    @property
    def name(self) -> str:
        begin = self.section.school.local(self.starts_at)
        return f"{self.section.course.code} {self.section.group} {begin:%Y-%m-%d %H:%M}"

    @property
    def good(self) -> list[Line]:
        return [line for line in self.lines if line.good]


class Reader:
    """Reads rows against what the school knows. Nothing is ever made up: students, courses and terms have to exist."""

    def __init__(self, school: School, rows: Iterable[Row], report: Report, *, today: date) -> None:
        self.school, self.report, self.today = school, report, today
        numbers = {row.get("enrollment_no").strip().upper() for row in rows}
        self._students = {
            student.enrollment_no: student
            for student in Student.objects.filter(school=school, enrollment_no__in=numbers)
        }
        self._courses = {fold(course.code): course for course in Course.objects.filter(school=school)}
        self._enrollments: dict[tuple[int, int], list[Enrollment]] = defaultdict(list)
        found = Enrollment.objects.filter(student__in=self._students.values()).select_related(
            "section__course", "section__cohort", "section__term", "section__school"
        )
        for enrollment in found.order_by("joined_on", "pk"):
            self._enrollments[enrollment.student_id, enrollment.section.course_id].append(enrollment)
        self._seen: dict[tuple[int, object, datetime], int] = {}

    def read(self, row: Row) -> Line | None:
        """The row as a line; None, with its problems in the report, when a cell is wrong."""
        cells = Cells(row, self.report)
        student, course = self._student(cells), self._course(cells)
        day = cells.day("date", _EARLIEST, self.today, required=True)
        starts, ends = cells.clock("start"), cells.clock("end")
        status = self._status(cells)
        remarks = cells.text("remarks", _LONGEST_REMARKS)
        if starts is not None and starts == ends:
            cells.refuse("end", _("A class cannot end when it starts."))
        if not cells.good or student is None or course is None or day is None or not status:
            return None
        if starts is None or ends is None:
            return None
        section = self._section(cells, student, course, day)
        if section is None:
            return None
        starts_at, ends_at = occurrences.instants(day, starts, ends, self.school.tz)
        line = Line(row, student, section, day, starts_at, ends_at, status, remarks)
        return line if self._is_first(cells, line) else None

    def _student(self, cells: Cells) -> Student | None:
        number = cells.number("enrollment_no")
        student = self._students.get(number)
        if student is None and number:
            cells.refuse(
                "enrollment_no",
                _("There is no student with this number. Import the roster first."),
                code="unknown",
            )
        return student

    def _course(self, cells: Cells) -> Course | None:
        code = cells.required("course_code")
        course = self._courses.get(fold(code))
        if course is None and code:
            cells.refuse("course_code", _("There is no course with this code."), code="unknown")
        return course

    def _status(self, cells: Cells) -> str:
        text = cells.required("status")
        status = _STATUSES.get(text.lower())
        if status is None and text:
            cells.refuse("status", _("Expected present, late, absent or excused, or P, L, A or E."))
        return status or ""

    def _section(self, cells: Cells, student: Student, course: Course, day: date) -> Section | None:
        """Where the student sat on that day: a transfer is looked through."""
        for enrollment in self._enrollments[student.pk, course.pk]:
            term = enrollment.section.term
            inside = enrollment.joined_on <= day and (enrollment.left_on is None or day < enrollment.left_on)
            if inside and term.starts_on <= day <= term.ends_on:
                return enrollment.section
        cells.refuse(
            "date", _("The student was not enrolled in this course on that day."), code="not_on_roster"
        )
        return None

    def _is_first(self, cells: Cells, line: Line) -> bool:
        first = self._seen.setdefault((line.student.pk, *line.key), line.row.line)
        if first != line.row.line:
            reason = _("Line %(line)s has a mark of the same student in the same class.")
            cells.refuse("", reason % {"line": first}, code="duplicate")
        return first == line.row.line


def classes_of(lines: Iterable[Line], report: Report) -> list[HeldClass]:
    """The lines by class, in the order of the file. Who gives a class another end than its first line is refused."""
    found: dict[tuple[object, datetime], HeldClass] = {}
    for line in lines:
        held = found.get(line.key)
        if held is None:
            held = found[line.key] = HeldClass(line.section, line.held_on, line.starts_at, line.ends_at)
        elif held.ends_at != line.ends_at:
            line.good = False
            reason = _("Line %(line)s gives the same class another end.")
            report.add(
                line.row.line,
                "end",
                line.row.get("end"),
                reason % {"line": held.lines[0].row.line},
                code="clash",
            )
        held.lines.append(line)
    return list(found.values())
