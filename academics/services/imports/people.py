"""What the rosters of students and of faculty have in common: numbers, names, addresses, users."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import models
from django.utils.translation import gettext_lazy as _

from academics.models import Department
from academics.services import numbers
from academics.services.imports.cells import Cells
from academics.services.imports.places import Places
from academics.services.imports.reading import Row, Table
from academics.services.imports.report import Report
from accounts.enums import Role
from accounts.models import School, User
from audit.services import entries
from core import copying

#: Rows per statement: large enough that round trips do not count, small enough for memory.
BATCH = 2000


@dataclass(slots=True)
class Incoming:
    """A row read into values. `person` is whom it is about, if they exist; values of empty cells are left out."""

    line: int
    number: str
    user: dict[str, Any]
    own: dict[str, Any]
    cells: dict[str, str]
    person: Any = None
    good: bool = True
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


class Roster(ABC):
    """A roster of one kind of people, read from `table` against what the school knows."""

    kind: ClassVar[str]
    role: ClassVar[Role]
    number: ClassVar[str]
    required: ClassVar[tuple[str, ...]]
    columns: ClassVar[frozenset[str]]

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
        self.school = school
        self.joined_on = joined_on
        self.today = today
        self.table = table
        self.report = report
        self.departments = Places(Department, school, key="code", create_missing=create_missing)
        self.rows: list[Incoming] = []

    # -- reading ------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Read every row, find whom it is about, and see what would change. Writes nothing."""
        self.rows = [self._read(row) for row in self.table.rows]
        self._refuse_repeated("number", self.number, lambda row: row.number)
        people = {getattr(person, self.number): person for person in self.people()}
        for row in self.rows:
            row.person = people.get(row.number)
        self._refuse_taken_names()
        self._refuse_taken_addresses()
        for row in self.good():
            self._differ(row)
        self.refuse_changes()
        for row in self.good():
            self._use_places(row)
        self.report.created = sum(row.person is None for row in self.good())
        self.report.updated = sum(row.person is not None and bool(row.after) for row in self.good())
        self.report.unchanged = sum(row.person is not None and not row.after for row in self.good())

    @abstractmethod
    def people(self) -> Iterable[Any]:
        """Everybody of this kind in the school, with their users."""

    @abstractmethod
    def own_values(self, cells: Cells) -> dict[str, Any]:
        """Values of the row for the person's own table; None where the cell is empty."""

    @abstractmethod
    def refuse_changes(self) -> None:
        """Refuse rows whose changes cannot be; called when these are known."""

    def _read(self, row: Row) -> Incoming:
        cells = Cells(row, self.report)
        number = cells.number(self.number)
        user = {
            "full_name": cells.text("full_name", 150, required=True),
            "email": cells.email("email"),
            "phone": cells.phone("phone"),
        }
        own = self.own_values(cells)
        return Incoming(
            line=row.line,
            number=number,
            user={name: value for name, value in user.items() if value},
            own={name: value for name, value in own.items() if value not in (None, "")},
            cells=row.cells,
            good=cells.good,
        )

    def good(self) -> list[Incoming]:
        return [row for row in self.rows if row.good]

    def make_department(self, code: str) -> Department:
        return Department(school=self.school, code=code, name=code)

    def _use_places(self, row: Incoming) -> None:
        self.departments.use(row.own.get("department"))

    # -- refusals that take more than one row to see ---------------------------------------------------------

    def refuse(self, row: Incoming, column: str, reason: Any, *, code: str) -> None:
        row.good = False
        self.report.add(row.line, column, row.cells.get(column, ""), reason, code=code)

    def _refuse_repeated(self, what: str, column: str, of: Callable[[Incoming], str]) -> None:
        first: dict[str, int] = {}
        for row in self.rows:
            value = of(row)
            if value and value in first:
                reason = _("The same as in line %(line)s.") % {"line": first[value]}
                self.refuse(row, column, reason, code="duplicate")
            elif value:
                first[value] = row.line

    def _refuse_taken_names(self) -> None:
        """A user name that somebody else has already: an employee with the number of a student, for instance."""
        ending = f"@{self.school.code}".lower()
        taken = set(User.objects.filter(username__endswith=ending).values_list("username", flat=True))
        for row in self.good():
            if row.person is None and numbers.username_of(row.number, self.school) in taken:
                reason = _("Somebody else signs in with this number.")
                self.refuse(row, self.number, reason, code="username_taken")

    def _refuse_taken_addresses(self) -> None:
        """An address belongs to one person of a school, whatever the case of its letters."""
        self._refuse_repeated("email", "email", lambda row: row.user.get("email", "").lower())
        users = User.objects.filter(school=self.school).exclude(email="")
        owners = {email.lower(): pk for email, pk in users.values_list("email", "pk")}
        # Whoever gets another address in this file gives the old one up.
        for row in self.good():
            old = row.person.user.email.lower() if row.person is not None else ""
            if old and row.user.get("email", old).lower() != old:
                owners.pop(old, None)
        for row in self.good():
            owner = owners.get(row.user.get("email", "").lower())
            if owner is not None and (row.person is None or row.person.user_id != owner):
                reason = _("This address belongs to somebody else in the school.")
                self.refuse(row, "email", reason, code="email_taken")

    # -- writing ---------------------------------------------------------------------------------------------

    def _differ(self, row: Incoming) -> None:
        """Take the new values over into the known person, remembering what they change."""
        if row.person is None:
            return
        for obj, values in ((row.person.user, row.user), (row.person, row.own)):
            before, after = entries.difference(obj, values)
            for name in after:
                setattr(obj, name, values[name])
            row.before |= before
            row.after |= after

    @abstractmethod
    def write(
        self,
        operation: entries.Operation,
        *,
        now: datetime,
        progress: Callable[[str], None],
    ) -> None:
        """Write what `compare` found."""

    def write_people(
        self, model: type[models.Model], progress: Callable[[str], None]
    ) -> tuple[Sequence[Any], ...]:
        """Make users and people for new rows and write changed ones; (new, changed) rows, with their people."""
        new = [row for row in self.good() if row.person is None]
        changed = [row for row in self.good() if row.person is not None and row.after]
        progress(f"Writing {len(new):,} new and {len(changed):,} changed people")
        users = [self._new_user(row) for row in new]
        copying.insert(users)
        for row, user in zip(new, users, strict=True):
            row.person = model(user=user, school=self.school, **{self.number: row.number}, **row.own)
        copying.insert([row.person for row in new])
        overwrite([row.person.user for row in changed], _names(changed, "user"))
        overwrite([row.person for row in changed], _names(changed, "own"))
        return new, changed

    def _new_user(self, row: Incoming) -> User:
        return User(
            username=numbers.username_of(row.number, self.school),
            role=self.role,
            school=self.school,
            # Unusable, as make_password(None) makes one, without its slow choice of letters.
            password=UNUSABLE_PASSWORD_PREFIX + secrets.token_urlsafe(30),
            **row.user,
        )

    def tell(
        self, operation: entries.Operation, new: Sequence[Incoming], changed: Sequence[Incoming]
    ) -> None:
        """An audit entry per person made or changed."""
        thing = self.kind.removesuffix("s")
        for row in new:
            after = {self.number: row.number, "full_name": row.user["full_name"]}
            operation.record(f"{thing}.create", row.person, school_id=self.school.pk, after=after)
        for row in changed:
            # What a row made anew, such as its department, had no key when the row was compared.
            made = {name: row.own[name].pk for name in row.after if hasattr(row.own.get(name), "pk")}
            after = {**row.after, **made}
            if after:
                operation.record(
                    f"{thing}.update", row.person, school_id=self.school.pk, before=row.before, after=after
                )


def _names(rows: Sequence[Incoming], part: str) -> list[str]:
    """Fields of that part that changed in any of the rows."""
    return sorted({name for row in rows for name in row.after if name in getattr(row, part)})


def overwrite(objects: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Write some fields of many known rows: an upsert by key, many times faster than an UPDATE made of CASEs."""
    if objects and fields:
        manager: Any = type(objects[0])._default_manager
        manager.bulk_create(
            objects, batch_size=BATCH, update_conflicts=True, unique_fields=["id"], update_fields=list(fields)
        )
