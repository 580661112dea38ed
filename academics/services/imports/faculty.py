"""A roster of faculty."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar

from academics.models import Faculty
from academics.services.imports.cells import Cells
from academics.services.imports.people import Roster
from accounts.enums import Role
from audit.services import entries


class FacultyRoster(Roster):
    """Columns: employee_no, full_name; department, designation, email, phone."""

    kind: ClassVar[str] = "faculty"
    role: ClassVar[Role] = Role.FACULTY
    number: ClassVar[str] = "employee_no"
    required: ClassVar[tuple[str, ...]] = ("employee_no", "full_name")
    columns: ClassVar[frozenset[str]] = frozenset(
        {"employee_no", "full_name", "department", "designation", "email", "phone"}
    )

    def people(self) -> Iterable[Any]:
        return Faculty.objects.filter(school=self.school).select_related("user", "department")

    def own_values(self, cells: Cells) -> dict[str, Any]:
        return {
            "department": self.departments.read(cells, "department", self.make_department),
            "designation": cells.text("designation", 80),
        }

    def refuse_changes(self) -> None:
        """Whatever a row says of a member of the faculty can be."""

    def write(
        self,
        operation: entries.Operation,
        *,
        now: datetime,
        progress: Callable[[str], None],
    ) -> None:
        self.departments.save(self.report, operation)
        new, changed = self.write_people(Faculty, progress)
        self.tell(operation, new, changed)
