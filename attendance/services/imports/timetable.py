"""A timetable from a CSV file: one weekly class a line.

A line is the slot of its sections at that weekday and start, if there is one: importing a file again changes
nothing, importing a changed one changes those slots (and re-plans what lies ahead of them). Slots that the file
does not name stay. All or nothing, unless the bad lines are to be skipped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from academics.models import Section
from academics.services import memberships
from academics.services.bulk import planned_for
from academics.services.imports import reading
from academics.services.imports.report import Report
from academics.services.imports.roster import silent
from accounts.models import School, User
from attendance.models import SlotOccupancy, TimetableSlot
from attendance.services import occupancy, timetable
from attendance.services.imports import clashes, slots
from attendance.services.imports.lines import COLUMNS, REQUIRED, Line, Reader
from attendance.services.resources import Resources, adopt_batches
from audit.services import entries


def import_timetable(
    *,
    school: School,
    data: bytes,
    create_missing: bool = False,
    skip_bad: bool = False,
    dry_run: bool = False,
    progress: Callable[[str], None] = silent,
    by: User | None,
    now: datetime,
) -> Report:
    """Bring the weekly classes of a CSV file into a school's timetable.

    Sections (cohort × course × the term that has `valid_from`) are made as needed, and their cohorts' students
    enrolled from the term's start. `create_missing` makes rooms, courses and cohorts; faculty and terms are never
    invented. Clashes, within the file or with the timetable, are problems that name both sides.
    """
    report = Report(kind="timetable", dry_run=dry_run, skip_bad=skip_bad)
    progress("Reading the file")
    table = reading.read(data, report)
    if not _has_columns(table, report):
        return report
    reader = Reader(school, report, create_missing=create_missing)
    with transaction.atomic():
        occupancy.lock_timetable(school.pk)
        with planned_for(len(table.rows)):
            progress(f"Checking {len(table.rows):,} lines")
            lines = [line for row in table.rows if (line := reader.read(row)) is not None]
            _compare(lines, school, report)
            if report.acceptable:
                with entries.operation(by=by, at=now) as operation:
                    good = [line for line in lines if line.good]
                    progress(f"Writing {report.created:,} new and {report.updated:,} changed classes")
                    _write(good, reader, report, operation, by=by, now=now)
                    _tell(operation, report, school, data)
                report.imported = not dry_run
        if dry_run:
            transaction.set_rollback(True)
    return report


def _has_columns(table: reading.Table, report: Report) -> bool:
    if not table.columns:
        return False
    reason: str | Promise
    if "full_name" in table.columns:
        reason = _("This is a roster: use import_roster.")
    elif missing := [name for name in REQUIRED if name not in table.columns]:
        reason = _("These columns are missing: %(columns)s.") % {"columns": ", ".join(missing)}
    else:
        ignored = [name for name in table.columns if name and name not in COLUMNS]
        if ignored:
            report.notes.append(
                _("Columns that are not used: %(columns)s.") % {"columns": ", ".join(ignored)}
            )
        return True
    report.add(1, "", "", reason, code="columns")
    return False


def _compare(lines: list[Line], school: School, report: Report) -> None:
    """Find which slots exist already, then refuse what clashes. Writes nothing."""
    slots.match(lines, school)
    adopt_batches([Section(cohort=cohort) for line in lines for cohort in line.cohorts if cohort.pk])
    resources = Resources(school.pk)
    clashes.within_file(lines, resources, report)
    new = [line for line in lines if line.good and slots.differs(line)]
    clashes.with_timetable(new, school, resources, report)
    good = [line for line in lines if line.good]
    report.created = sum(line.slot is None for line in good)
    report.unchanged = sum(line.slot is not None and not slots.differs(line) for line in good)
    report.updated = len(good) - report.created - report.unchanged


def _write(
    lines: list[Line],
    reader: Reader,
    report: Report,
    operation: entries.Operation,
    *,
    by: User | None,
    now: datetime,
) -> None:
    reader.make_missing(lines, operation)
    made = slots.make_sections(lines, reader.school, operation)
    if made:
        report.made["section"] = [f"{section.course.code} {section.group}" for section in made]
    changed = [line for line in lines if line.slot is not None and slots.differs(line)]
    # Two slots may swap their rooms: all of them give up what they have before any takes anew.
    SlotOccupancy.objects.filter(slot__in=[line.slot for line in changed if line.slot]).delete()
    for line in changed:
        _change(line, reader.school, by=by, now=now)
    new = [line for line in lines if line.slot is None]
    slots.make_slots(new, reader.school, Resources(reader.school.pk), operation)
    slots.add_teachers(lines)
    report.enrolled = memberships.enroll_cohorts(sections=made, by=by, now=now)


def _change(line: Line, school: School, *, by: User | None, now: datetime) -> TimetableSlot:
    return timetable.save_slot(
        school=school,
        slot=line.slot,
        sections=line.sections,
        faculty=line.faculty,
        room=line.room,
        weekday=line.weekday,
        starts=line.starts,
        ends=line.ends,
        valid_from=line.valid_from,
        valid_until=line.valid_until,
        by=by,
        now=now,
    )


def _tell(operation: entries.Operation, report: Report, school: School, data: bytes) -> None:
    if report.created or report.updated:
        made: list[Section] | list[str] = report.made.get("section", [])
        operation.record(
            "timetable.import",
            school,
            school_id=school.pk,
            after={
                "created": report.created,
                "updated": report.updated,
                "skipped": report.bad_rows,
                "sections": len(made),
                "enrolled": report.enrolled,
                "sha256": hashlib.sha256(data).hexdigest(),
            },
        )
