"""Historic marks from a CSV file: one student in one class a line.

A class that the timetable made and nobody held here is held by the import; one that does not exist is made, without
faculty or room, which the file does not know. Whoever the file does not name in a class has no mark in it: nobody is
absent because a line is missing. What was marked here already is never overwritten. All or nothing, unless the bad
lines are to be skipped; importing a file again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from academics.services.bulk import planned_for
from academics.services.imports import reading
from academics.services.imports.report import Report
from academics.services.imports.roster import silent
from accounts.models import School, User
from attendance.enums import SessionStatus, Source
from attendance.models import AttendanceRecord, Session
from attendance.services import configuration, occupancy, statistics
from attendance.services.conflicts import refusal_of
from attendance.services.imports.marks import COLUMNS, REQUIRED, HeldClass, Line, Reader, classes_of
from audit.services import entries
from core import copying, partitions

#: From so many classes on the figures are computed anew instead of one class after another.
_MANY_CLASSES = 200

#: What a class may be that takes marks from a file, and what it is then.
_TO_BE_HELD = {SessionStatus.SCHEDULED, SessionStatus.UNCONFIRMED}


def import_attendance(
    *,
    school: School,
    data: bytes,
    skip_bad: bool = False,
    dry_run: bool = False,
    progress: Callable[[str], None] = silent,
    by: User | None,
    now: datetime,
) -> Report:
    """Bring the marks of a CSV file into a school's history.

    `created` counts marks, ``made["class"]`` names the classes that did not exist. Figures follow in the same
    transaction.
    """
    report = Report(kind="attendance", dry_run=dry_run, skip_bad=skip_bad)
    progress("Reading the file")
    table = reading.read(data, report)
    if not _has_columns(table, report):
        return report
    configuration.ensure(school)
    reader = Reader(school, table.rows, report, today=school.local_date(now))
    progress(f"Checking {len(table.rows):,} lines")
    lines = [line for row in table.rows if (line := reader.read(row)) is not None]
    # In a transaction of its own: attaching a partition locks the tables it refers to until the commit.
    partitions.ensure({line.held_on.year for line in lines})
    with transaction.atomic():
        occupancy.lock_timetable(school.pk)
        with planned_for(len(lines)):
            held = classes_of(lines, report)
            _find(school, held)
            _judge(held, report)
            _place(school, held, report)
            if report.acceptable:
                with entries.operation(by=by, at=now) as operation:
                    progress(f"Writing {report.created:,} marks")
                    _write(school, held, digest=hashlib.sha256(data).hexdigest(), by=by, now=now)
                    _tell(operation, report, school, data)
                report.imported = not dry_run
        if dry_run or not report.acceptable:
            transaction.set_rollback(True)
    return report


def _has_columns(table: reading.Table, report: Report) -> bool:
    if not table.columns:
        return False
    reason: str | Promise
    if missing := [name for name in REQUIRED if name not in table.columns]:
        reason = _("These columns are missing: %(columns)s.") % {"columns": ", ".join(missing)}
        report.add(1, "", "", reason, code="columns")
        return False
    ignored = [name for name in table.columns if name and name not in COLUMNS]
    if ignored:
        report.notes.append(_("Columns that are not used: %(columns)s.") % {"columns": ", ".join(ignored)})
    return True


def _find(school: School, held: list[HeldClass]) -> None:
    """The sessions that exist, locked: none of them opens, closes or changes meanwhile."""
    wanted = {(item.section.pk, item.starts_at): item for item in held}
    starts = {item.starts_at for item in held}
    sections = Session.sections.through.objects.filter(
        section__in={item.section.pk for item in held}, session__school=school, session__starts_at__in=starts
    ).values_list("session", "section")
    by_session: dict[UUID, list[UUID]] = {}
    for session, section in sections:
        by_session.setdefault(session, []).append(section)
    locked = Session.objects.select_for_update(of=("self",)).filter(pk__in=by_session).order_by("pk")
    for session in locked:
        for section in by_session[session.pk]:
            item = wanted.get((section, session.starts_at))
            # One that was cancelled may stand beside one that took its place.
            if item is not None and (item.session is None or item.session.status == SessionStatus.CANCELLED):
                item.session = session


def _judge(held: list[HeldClass], report: Report) -> None:
    """Refuse what must not change, and count what is new."""
    existing = {item.session.pk: item for item in held if item.session is not None}
    marks = {
        (session, student): status
        for session, student, status in AttendanceRecord.objects.filter(
            session__in=existing, held_on__in={item.held_on for item in held}
        ).values_list("session", "student", "status")
    }
    for item in held:
        session = item.session
        if session is not None and session.status not in {*_TO_BE_HELD, *SessionStatus.counted()}:
            _refuse(item.good, report, "session_not_markable", session)
        for line in item.good:
            old = marks.get((session.pk, line.student.pk)) if session is not None else None
            if old is None:
                report.created += 1
            elif old == line.status:
                report.unchanged += 1
                line.good = False
            else:
                reason = _("The student is marked “%(old)s” here already. Correct it there.") % {"old": old}
                _bad(line, report, "status", reason, "already_marked")


def _refuse(lines: Iterable[Line], report: Report, code: str, session: Session) -> None:
    reason = _("The class of that time is %(state)s here.") % {"state": session.get_status_display()}
    for line in lines:
        _bad(line, report, "start", reason, code)


def _bad(line: Line, report: Report, column: str, reason: str | Promise, code: str) -> None:
    line.good = False
    report.add(line.row.line, column, line.row.get(column), reason, code=code)


def _place(school: School, held: list[HeldClass], report: Report) -> None:
    """Make the sessions that do not exist; whose cohort was elsewhere at that time is refused."""
    known = {
        item.session.pk: item.session
        for item in held
        if item.session is not None and item.session.status in _TO_BE_HELD and item.good
    }
    for planned in known.values():
        _hold(planned)
    Session.objects.bulk_update(known.values(), ["status", "closed_at"], batch_size=1000)
    for item in held:
        # Of a lecture for several sections each of them says so.
        item.begins_to_count = item.session is not None and item.session.pk in known
    new = {session.pk: (item, session) for item in held if (session := _new(school, item))}
    Session.objects.bulk_create([session for _item, session in new.values()], batch_size=1000)
    through = Session.sections.through
    through.objects.bulk_create(
        [through(session=session, section=item.section) for item, session in new.values()], batch_size=1000
    )
    clashes = occupancy.place_sessions([session for _item, session in new.values()], beside_slots=False)
    for ident, found in clashes.items():
        item, _session = new.pop(ident)
        reason = str(refusal_of(found))
        report.created -= len(item.good)
        for line in item.good:
            _bad(line, report, "start", reason, "clash")
    through.objects.filter(session__in=clashes).delete()
    Session.objects.filter(pk__in=clashes).delete()
    for item, session in new.values():
        item.session, item.begins_to_count = session, True
    if new:
        report.made["class"] = [item.name for item, _session in new.values()]


def _new(school: School, item: HeldClass) -> Session | None:
    """The session of a class that has none, not saved; None for one that has, or of which no line is good."""
    if item.session is not None or not item.good:
        return None
    session = Session(
        school=school,
        term=item.section.term,
        held_on=item.held_on,
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        capture_modes=[Source.MANUAL.value],
    )
    _hold(session)
    return session


def _hold(session: Session) -> None:
    """It is over; the scheduler locks it when its time for corrections is."""
    session.status, session.closed_at = SessionStatus.CLOSED, session.ends_at


def _write(school: School, held: list[HeldClass], *, digest: str, by: User | None, now: datetime) -> None:
    touched = [(item.session, item) for item in held if item.session is not None and item.good]
    copying.insert(
        [
            AttendanceRecord(
                session=session,
                school=school,
                held_on=session.held_on,
                section=line.section,
                student=line.student,
                snapshot_id=line.student.current_snapshot_id,  # type: ignore[misc] # every student has one
                status=line.status,
                source=Source.MANUAL,
                marked_at=session.starts_at,
                marked_by=by,
                remarks=line.remarks,
                metadata={"import": digest[:16]},
            )
            for session, item in touched
            for line in item.good
        ]
    )
    _count(school, touched, now=now)


def _count(school: School, touched: list[tuple[Session, HeldClass]], *, now: datetime) -> None:
    """Figures by difference, as everywhere; for very many classes all of them anew."""
    if len(touched) > _MANY_CLASSES:
        statistics.rebuild(school=school, now=now)
        return
    begun: set[UUID] = set()
    for session, item in touched:
        if not item.begins_to_count:
            statistics.add(session, now=now, students=[line.student.pk for line in item.good])
        elif session.pk not in begun:
            # With whatever was marked in it before; a lecture for several sections once.
            begun.add(session.pk)
            statistics.add(session, now=now)


def _tell(operation: entries.Operation, report: Report, school: School, data: bytes) -> None:
    if report.created:
        operation.record(
            "attendance.import",
            school,
            school_id=school.pk,
            after={
                "created": report.created,
                "classes": len(report.made.get("class", [])),
                "skipped": report.bad_rows,
                "sha256": hashlib.sha256(data).hexdigest(),
            },
        )
