"""Lines of a timetable file as values, and the weekly classes they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, time
from functools import partial

from django.utils.translation import gettext_lazy as _

from academics.models import Cohort, Course, Faculty, Room, Section, Term
from academics.services import numbers
from academics.services.imports.cells import Cells
from academics.services.imports.places import Places, fold
from academics.services.imports.reading import Row
from academics.services.imports.report import Report
from accounts.models import School
from attendance.models import TimetableSlot
from attendance.services.resources import Resources
from audit.services import entries

REQUIRED = ("section", "course_code", "employee_no", "weekday", "start", "end", "valid_from", "valid_until")
COLUMNS = frozenset({*REQUIRED, "course_title", "room"})
_EARLIEST, _LATEST = date(1950, 1, 1), date(2200, 12, 31)


@dataclass(slots=True)
class Line:
    """One weekly class of the file. `slot` is the one in the school's timetable that it repeats or changes."""

    row: Row
    cohorts: list[Cohort]
    course: Course
    faculty: list[Faculty]
    room: Room | None
    weekday: int
    starts: time
    ends: time
    valid_from: date
    valid_until: date
    term: Term
    sections: list[Section] = field(default_factory=list)
    slot: TimetableSlot | None = None
    good: bool = True

    @property
    def line(self) -> int:
        return self.row.line

    @property
    def when(self) -> str:
        return f"{self.starts:%H:%M}–{self.ends:%H:%M}"


class Reader:
    """Reads rows against what the school knows; what is missing is made later, if that was asked for.

    Several cohorts (a combined lecture) or several teachers stand in one cell, joined by ``+``.
    """

    def __init__(self, school: School, report: Report, *, create_missing: bool) -> None:
        self.school, self.report = school, report
        self.cohorts = Places(Cohort, school, key="code", create_missing=create_missing)
        self.courses = Places(Course, school, key="code", create_missing=create_missing)
        self.rooms = Places(Room, school, key="code", create_missing=create_missing)
        self._faculty = {
            teacher.employee_no: teacher
            for teacher in Faculty.objects.filter(school=school).select_related("user")
        }
        self._terms = list(Term.objects.filter(school=school))

    def read(self, row: Row) -> Line | None:
        """The row as a line; None, with its problems in the report, when a cell is wrong."""
        cells = Cells(row, self.report)
        cohorts = self._several(cells, "section", self.cohorts)
        faculty = self._teachers(cells)
        course = self.courses.read(
            cells, "course_code", partial(self._course, cells, cohorts, faculty), required=True
        )
        room = self.rooms.read(cells, "room", lambda code: Room(school=self.school, code=code))
        weekday, starts, ends = cells.weekday("weekday"), cells.clock("start"), cells.clock("end")
        first = cells.day("valid_from", _EARLIEST, _LATEST, required=True)
        last = cells.day("valid_until", _EARLIEST, _LATEST, required=True)
        if starts is not None and starts == ends:
            cells.refuse("end", _("A class cannot end when it starts."))
        if first and last and last < first:
            cells.refuse("valid_until", _("The last day lies before the first."))
        term = self._term(cells, first) if first else None
        if not (cells.good and course and weekday and starts is not None and ends is not None):
            return None
        if not (first and last and term):
            return None
        return Line(row, cohorts, course, faculty, room, weekday, starts, ends, first, last, term)

    def make_missing(self, lines: Iterable[Line], operation: entries.Operation) -> None:
        """Save the cohorts, courses and rooms that these lines need and that do not exist yet."""
        for line in lines:
            for cohort in line.cohorts:
                self.cohorts.use(cohort)
            self.courses.use(line.course)
            self.rooms.use(line.room)
        for places in (self.cohorts, self.courses, self.rooms):
            places.save(self.report, operation)

    def _course(self, cells: Cells, cohorts: list[Cohort], faculty: list[Faculty], code: str) -> Course:
        """A new course belongs to the department of whom it is taught to, else of who teaches it."""
        owners: list[Cohort | Faculty] = [*cohorts, *faculty]
        department = next((owner.department_id for owner in owners if owner.department_id), None)
        title = cells.text("course_title", 200) or code
        return Course(school=self.school, code=code, title=title, department_id=department)

    def _several(self, cells: Cells, column: str, places: Places[Cohort]) -> list[Cohort]:
        """The cohorts that a cell names."""
        text = cells.required(column)
        if places.find(text) or "+" not in text:
            codes = [text]
        else:
            codes = [code.strip() for code in text.split("+")]
        found: list[Cohort] = []
        for code in codes:
            part = Cells(Row(cells.row.line, {column: code}), self.report)
            cohort = places.read(part, column, lambda wanted: Cohort(school=self.school, code=wanted))
            if cohort is not None and cohort not in found:
                found.append(cohort)
            cells.good = cells.good and part.good
        return found

    def _teachers(self, cells: Cells) -> list[Faculty]:
        found: list[Faculty] = []
        for number in [numbers.canonical(part) for part in cells.required("employee_no").split("+")]:
            teacher = self._faculty.get(number)
            if teacher is None:
                if number or found:
                    reason = _("There is no faculty member with this number. Import the faculty first.")
                    cells.refuse("employee_no", reason, code="unknown", value=number)
            elif teacher not in found:
                found.append(teacher)
        return found

    def _term(self, cells: Cells, day: date) -> Term | None:
        for term in self._terms:
            if term.starts_on <= day <= term.ends_on:
                return term
        cells.refuse("valid_from", _("No term has this date. Create the term first."), code="no_term")
        return None


def resources_of(line: Line, resources: Resources) -> list[str]:
    """What a line takes, as `Resources` names it; what is not saved yet goes by its code."""
    saved = [Section(cohort=cohort) for cohort in line.cohorts if cohort.pk]
    taken = resources.of(
        saved, [teacher.pk for teacher in line.faculty], line.room.pk if line.room is not None else None
    )
    taken += [f"cohort:new:{fold(cohort.code)}" for cohort in line.cohorts if not cohort.pk]
    if line.room is not None and not line.room.pk:
        taken.append(f"room:new:{fold(line.room.code)}")
    return taken


def week_minutes(line: Line) -> Iterable[tuple[int, int]]:
    """Half-open ranges of minutes since Monday 00:00, as the SQL function of the same name makes them."""
    start = (line.weekday - 1) * 1440 + line.starts.hour * 60 + line.starts.minute
    end = (line.weekday - 1) * 1440 + line.ends.hour * 60 + line.ends.minute
    if end <= start:
        end += 1440
    if end <= 10080:
        return [(start, end)]
    return [(start, 10080), (0, end - 10080)]
