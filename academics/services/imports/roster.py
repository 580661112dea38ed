"""Rosters: students and faculty from a table, told apart by their columns.

Two passes. The first reads every row and compares it with what is known; the second writes what is new or changed,
a handful of statements whatever the number of rows. A preview (`dry_run`) is the real import, rolled back, so it
can promise nothing that the import does not keep. Importing the same file again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from academics.services import memberships
from academics.services.bulk import planned_for
from academics.services.imports import reading
from academics.services.imports.faculty import FacultyRoster
from academics.services.imports.people import Roster
from academics.services.imports.report import Report
from academics.services.imports.students import StudentRoster
from accounts.models import School, User
from audit.services import entries


def silent(stage: str) -> None:
    """Nobody wants to hear how far it got."""


def import_roster(
    *,
    school: School,
    data: bytes,
    create_missing: bool = False,
    skip_bad: bool = False,
    dry_run: bool = False,
    joined_on: date | None = None,
    progress: Callable[[str], None] = silent,
    by: User | None,
    now: datetime,
) -> Report:
    """Bring a file of students or faculty into a school.

    Bad rows are in the report, each with line, column, value and reason; while there are any nothing is imported,
    unless `skip_bad` takes the good ones. `create_missing` makes the departments, programmes and cohorts that good
    rows name. New students join the sections of their cohort on `joined_on`, else at each term's start; those whose
    cohort changed are transferred on `joined_on`, else today.
    """
    report = Report(kind="roster", dry_run=dry_run, skip_bad=skip_bad)
    progress("Reading the file")
    table = reading.read(data, report)
    kind = _kind_of(table, report)
    if kind is None:
        return report
    roster = kind(
        school,
        table,
        report,
        create_missing=create_missing,
        joined_on=joined_on,
        today=school.local_date(now),
    )
    with transaction.atomic():
        with planned_for(len(table.rows)):
            # From here to the end nobody else takes a number or an address, or changes who sits where.
            memberships.lock(school.pk)
            progress(f"Checking {len(table.rows):,} rows")
            roster.compare()
            if report.acceptable:
                with entries.operation(by=by, at=now) as operation:
                    roster.write(operation, now=now, progress=progress)
                    _tell(operation, report, school, data)
                report.imported = not dry_run
        if dry_run:
            transaction.set_rollback(True)
    return report


def _kind_of(table: reading.Table, report: Report) -> type[Roster] | None:
    """What the columns say; None, with a problem in the report, when they are not those of a roster."""
    if not table.columns:
        return None
    columns = set(table.columns)
    reason: str | Promise
    kinds: list[type[Roster]] = [kind for kind in (StudentRoster, FacultyRoster) if kind.number in columns]
    if {"course_code", "weekday"} <= columns:
        reason = _("This is a timetable: use import_timetable.")
    elif len(kinds) != 1:
        reason = _("A file of students has the column enrollment_no, one of faculty employee_no.")
    elif missing := [name for name in kinds[0].required if name not in columns]:
        reason = _("These columns are missing: %(columns)s.") % {"columns": ", ".join(missing)}
    else:
        report.kind = kinds[0].kind
        ignored = [name for name in table.columns if name and name not in kinds[0].columns]
        if ignored:
            report.notes.append(
                _("Columns that are not used: %(columns)s.") % {"columns": ", ".join(ignored)}
            )
        return kinds[0]
    report.add(1, "", "", reason, code="columns")
    return None


def _tell(operation: entries.Operation, report: Report, school: School, data: bytes) -> None:
    if report.created or report.updated:
        counts = {
            "created": report.created,
            "updated": report.updated,
            "skipped": report.bad_rows,
            "enrolled": report.enrolled,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        operation.record(f"{report.kind}.import", school, school_id=school.pk, after=counts)
