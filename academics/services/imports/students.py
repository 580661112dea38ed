"""A roster of students. Its column *section* is the cohort, its column *year* the year of study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, ClassVar

from academics.models import Cohort, Department, Programme, Student
from academics.services import memberships
from academics.services.imports.cells import Cells
from academics.services.imports.people import Incoming, Roster
from academics.services.imports.places import Places
from academics.services.imports.reading import Table
from academics.services.imports.report import Report
from academics.services.membership_sql import Move
from academics.services.snapshots import refresh_snapshots
from accounts.enums import Role
from accounts.models import School
from audit.services import entries

_OLDEST = date(1900, 1, 1)


class StudentRoster(Roster):
    """Columns: enrollment_no, full_name; email, phone, department, programme, year, section, date_of_birth,
    guardian_contact."""

    kind: ClassVar[str] = "students"
    role: ClassVar[Role] = Role.STUDENT
    number: ClassVar[str] = "enrollment_no"
    required: ClassVar[tuple[str, ...]] = ("enrollment_no", "full_name")
    columns: ClassVar[frozenset[str]] = frozenset(
        {
            "enrollment_no", "full_name", "email", "phone", "department", "programme", "year", "section",
            "date_of_birth", "guardian_contact",
        }
    )  # fmt: skip

    def __init__(
        self, school: School, table: Table, report: Report, *, create_missing: bool, today: date
    ) -> None:
        super().__init__(school, table, report, create_missing=create_missing, today=today)
        self.programmes = Places(Programme, school, key="name", create_missing=create_missing)
        self.cohorts = Places(Cohort, school, key="code", create_missing=create_missing)
        self._cohorts_before: dict[int, int | None] = {}

    def people(self) -> Iterable[Any]:
        students = list(
            Student.objects.filter(school=self.school).select_related(
                "user", "department", "programme", "cohort"
            )
        )
        self._cohorts_before = {student.pk: student.cohort_id for student in students}
        return students

    def own_values(self, cells: Cells) -> dict[str, Any]:
        department = self.departments.read(cells, "department", self.make_department)
        return {
            "department": department,
            "programme": self.programmes.read(cells, "programme", partial(self._programme, department)),
            "cohort": self.cohorts.read(cells, "section", partial(self._cohort, department)),
            "study_year": cells.whole("year", 1, 10),
            "date_of_birth": cells.day("date_of_birth", _OLDEST, self.today),
            "guardian_contact": cells.text("guardian_contact", 200),
        }

    def _programme(self, department: Department | None, name: str) -> Programme:
        return Programme(school=self.school, name=name, department=department)

    def _cohort(self, department: Department | None, code: str) -> Cohort:
        return Cohort(school=self.school, code=code, department=department)

    def _use_places(self, row: Incoming) -> None:
        super()._use_places(row)
        for places, thing in (
            (self.programmes, row.own.get("programme")),
            (self.cohorts, row.own.get("cohort")),
        ):
            places.use(thing)
            # A new cohort belongs to the department of the first row that names it, which may be a bad row.
            self.departments.use(thing.department if thing is not None and thing.pk is None else None)

    def write(
        self,
        operation: entries.Operation,
        *,
        joined_on: date | None,
        now: datetime,
        progress: Callable[[str], None],
    ) -> None:
        for places in (self.departments, self.programmes, self.cohorts):
            places.save(self.report)
        new, changed = self.write_people(Student, progress)
        progress("Taking snapshots")
        refresh_snapshots(student_ids=[row.person.pk for row in [*new, *changed]], now=now)
        progress("Enrolling")
        self._enroll(new, changed, joined_on)
        self.tell(operation, new, changed)

    def _enroll(self, new: Sequence[Incoming], changed: Sequence[Incoming], joined_on: date | None) -> None:
        """New students sit in their cohort's sections from the start; those of another cohort move on a date."""
        arriving = [Move(row.person.pk, None, row.person.cohort_id) for row in new if row.person.cohort_id]
        moving: list[Move] = []
        for row in changed:
            move = Move(row.person.pk, self._cohorts_before[row.person.pk], row.person.cohort_id)
            if move.old_cohort != move.new_cohort:
                (moving if move.old_cohort else arriving).append(move)
        for moves, on in ((arriving, joined_on), (moving, joined_on or self.today)):
            if moves:
                self.report.enrolled += memberships.apply_moves(
                    moves, school_id=self.school.pk, on=on, today=self.today
                ).joined
