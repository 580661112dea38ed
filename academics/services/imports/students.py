"""A roster of students. Its column *section* is the cohort, its column *year* the year of study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, ClassVar

from academics.errors import JoinedLater
from academics.models import Cohort, Department, Programme, Student
from academics.services import memberships
from academics.services.imports.cells import Cells
from academics.services.imports.people import Incoming, Roster
from academics.services.imports.places import Places
from academics.services.imports.reading import Table
from academics.services.imports.report import Report
from academics.services.membership_sql import Move, joined_after
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
        self,
        school: School,
        table: Table,
        report: Report,
        *,
        create_missing: bool,
        joined_on: date | None,
        today: date,
    ) -> None:
        super().__init__(
            school, table, report, create_missing=create_missing, joined_on=joined_on, today=today
        )
        self.programmes = Places(Programme, school, key="name", create_missing=create_missing)
        self.cohorts = Places(Cohort, school, key="code", create_missing=create_missing)
        self._cohorts_before: dict[int, Cohort | None] = {}

    def people(self) -> Iterable[Any]:
        students = list(
            Student.objects.filter(school=self.school).select_related(
                "user", "department", "programme", "cohort"
            )
        )
        self._cohorts_before = {student.pk: student.cohort for student in students}
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
        now: datetime,
        progress: Callable[[str], None],
    ) -> None:
        for places in (self.departments, self.programmes, self.cohorts):
            places.save(self.report, operation)
        new, changed = self.write_people(Student, progress)
        progress("Taking snapshots")
        refresh_snapshots(student_ids=[row.person.pk for row in [*new, *changed]], now=now)
        progress("Enrolling")
        moving = self._moving(changed)
        self._enroll(new, changed, moving)
        self._tell_transfers(operation, moving)
        self.tell(operation, new, changed)

    @property
    def _moves_on(self) -> date:
        return self.joined_on or self.today

    def _moving(self, rows: Iterable[Incoming]) -> list[Incoming]:
        """Those who go from one cohort to another; who had none before just arrives."""
        return [row for row in rows if "cohort" in row.after and row.before["cohort"] is not None]

    def _move(self, row: Incoming) -> Move:
        before = self._cohorts_before.get(row.person.pk)
        return Move(row.person.pk, before.pk if before else None, row.person.cohort_id)

    def refuse_changes(self) -> None:
        moving = {row.person.pk: row for row in self._moving(row for row in self.good() if row.person)}
        late = joined_after([self._move(row) for row in moving.values()], on=self._moves_on)
        for student, day in late.items():
            refusal = JoinedLater(student=moving[student].number, day=day.isoformat())
            self.refuse(moving[student], "section", str(refusal), code=refusal.code)

    def _enroll(
        self, new: Sequence[Incoming], changed: Sequence[Incoming], moving: Sequence[Incoming]
    ) -> None:
        """New students sit in their cohort's sections from the start; those of another cohort move on a date."""
        arriving = [row for row in new if row.person.cohort_id]
        arriving += [row for row in changed if "cohort" in row.after and row.before["cohort"] is None]
        for rows, on in ((arriving, self.joined_on), (moving, self._moves_on)):
            moves = [self._move(row) for row in rows]
            if moves:
                self.report.enrolled += memberships.apply_moves(
                    moves, school_id=self.school.pk, on=on, today=self.today
                ).joined

    def _tell_transfers(self, operation: entries.Operation, moving: Sequence[Incoming]) -> None:
        """As `memberships.transfer` tells one; what else changed of these students is told by `tell`."""
        for row in moving:
            del row.before["cohort"], row.after["cohort"]
            old = self._cohorts_before[row.person.pk]
            operation.record(
                "student.transfer",
                row.person,
                school_id=self.school.pk,
                before={"cohort": old.code if old else None},
                after={"cohort": row.person.cohort.code, "on": self._moves_on},
            )
