"""Marks that a device made without network and uploads later: several classes at once, each mark with its own answer.

Nothing is dropped: each mark becomes a row (`SyncEntry`), also one that is refused or that changes nothing. Nothing
counts twice: a mark is known by the id that the device gave it, among those of the person who uploads, so sending an
upload again, whole or in part, changes nothing. Uploads of one person are taken one after the other; those of others
meet at the class and at the record, as marks made here and now do.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from academics.models import Student
from accounts.models import School, User
from attendance.enums import SessionStatus, Source, SyncCode, SyncOutcome
from attendance.models import AttendanceRecord, Session, SyncBatch, SyncConflict, SyncEntry
from attendance.services import mark_rows, reading_marks, statistics
from attendance.services.mark_rows import Capture, Overtaken, Place, Row
from attendance.services.offline_rules import Stand, Verdict, judge_all, refusal, refused, status_at
from audit.services.entries import Operation, operation
from core import live, locks
from core.db import DatabaseBusy


@dataclass(frozen=True, slots=True)
class Entry:
    """A mark as the device tells it. `student` is an enrollment number, `captured_at` by the device's clock.

    `status` None: of a machine's capture, that the class says whether it was in time; by hand, that there is no mark.
    """

    client_id: UUID
    session: UUID
    student: str
    status: str | None
    source: str
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """`client_now` is what the clock of the device said when it sent this."""

    batch_id: UUID
    device_id: str
    client_now: datetime
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an entry. Record and status are what stands now, where the person runs the class."""

    client_id: UUID
    outcome: str
    code: str
    record: UUID | None
    status: str | None
    conflict: UUID | None


@dataclass(slots=True)
class _Item:
    """An entry on its way. `before` is the row or entry that came under its id and says the same."""

    entry: Entry
    at: datetime
    before: SyncEntry | _Item | None = None
    session: Session | None = None
    runs: bool = False
    student_id: int | None = None
    verdict: Verdict | None = None
    conflict: UUID | None = None

    @property
    def decided(self) -> Verdict:
        if self.verdict is None:
            raise RuntimeError("an entry was left without an answer")
        return self.verdict


@transaction.atomic
def sync(*, school: School, upload: Upload, by: User, now: datetime) -> list[Result]:
    """Take an upload; an answer for each entry, in their order. Harmless to repeat, whole or in part.

    What cannot be taken is refused by itself, with a code (`SyncCode`); another school's class is one that does not
    exist. Raises DatabaseBusy.
    """
    locks.lock("offline", by.pk)
    offset = upload.client_now - now
    items = [_Item(entry, entry.captured_at - offset) for entry in upload.entries]
    _recognise(items, by)
    _find_classes(items, school, by)
    _find_students(items, school)
    fresh = [item for item in items if item.before is None]
    for item in fresh:
        item.verdict = item.verdict or _early(item, now=now)
    if fresh:
        with operation(by=by, at=now) as op:
            _mark(fresh, upload.device_id, by=by, now=now)
            marks = _marks(items)
            _keep(fresh, marks, upload, school, op, by=by, now=now)
    else:
        marks = _marks(items)
    return [_answer(item, marks) for item in items]


def _recognise(items: Sequence[_Item], by: User) -> None:
    """Find what came before, in earlier uploads and in this one. Another mark under a used id is refused."""
    known: dict[UUID, list[SyncEntry | _Item]] = defaultdict(list)
    rows = SyncEntry.objects.filter(by=by, client_id__in={item.entry.client_id for item in items})
    for row in rows.select_related("student", "conflict").order_by("id"):
        known[row.client_id].append(row)
    for item in items:
        same = known[item.entry.client_id]
        item.before = next((one for one in same if _says(one) == _says(item)), None)
        if item.before is None:
            if same:
                item.verdict = refused(SyncCode.REUSED)
            same.append(item)


def _says(one: SyncEntry | _Item) -> tuple[object, ...]:
    if isinstance(one, _Item):
        told = one.entry
        return told.session, told.student.upper(), told.status or "", told.source, told.captured_at
    number = one.student.enrollment_no if one.student else one.student_no
    return one.session_ref, number.upper(), one.status, one.source, one.told_at


def _find_classes(items: Iterable[_Item], school: School, by: User) -> None:
    """The classes of this school that are meant; those that the person runs are held until the transaction ends."""
    here = Session.objects.filter(school=school, pk__in={item.entry.session for item in items})
    states = dict(here.run_by(by).values_list("pk", "status"))
    reading_marks.hold(states, counted=SessionStatus.CLOSED in states.values())
    # Read when they are held: what was waited for is seen.
    found = {
        session.pk: session
        for session in here.select_related("school__attendance_configuration").order_by("pk")
    }
    for item in items:
        item.session = found.get(item.entry.session)
        item.runs = item.entry.session in states


def _find_students(items: Iterable[_Item], school: School) -> None:
    numbers = {item.entry.student.upper() for item in items}
    found = dict(
        Student.objects.filter(school=school, enrollment_no__in=numbers).values_list("enrollment_no", "pk")
    )
    for item in items:
        item.student_id = found.get(item.entry.student.upper())


def _early(item: _Item, *, now: datetime) -> Verdict | None:
    """A refusal that needs no look at the marks of the class."""
    if item.session is None:
        return refused(SyncCode.NOT_FOUND)
    if not item.runs:
        return refused(SyncCode.FORBIDDEN)
    code = refusal(item.session, source=item.entry.source, at=item.at, now=now)
    return refused(code) if code else None


def _mark(fresh: Sequence[_Item], device: str, *, by: User, now: datetime) -> None:
    """Judge what is left and write what changes: the same few statements for each class, whatever its size."""
    waiting: dict[UUID, list[_Item]] = defaultdict(list)
    classes: dict[UUID, Session] = {}
    for item in sorted(fresh, key=lambda item: item.at):
        if item.verdict is None and item.session is not None:
            classes[item.session.pk] = item.session
            waiting[item.session.pk].append(item)
    if not waiting:
        return
    for _try in range(mark_rows.TRIES):
        try:
            with transaction.atomic():
                _write(classes, waiting, device, by=by, now=now)
        except Overtaken:
            continue
        return
    raise DatabaseBusy


def _write(
    classes: dict[UUID, Session], waiting: dict[UUID, list[_Item]], device: str, *, by: User, now: datetime
) -> None:
    rows: dict[UUID, list[Row]] = {}
    counted: list[tuple[UUID, date, int]] = []
    # In the order in which the classes are held, records after them: whoever else does so waits, and none for ever.
    for ident, session in sorted(classes.items()):
        changes = _judge_class(session, waiting[ident], device)
        if changes:
            rows[ident] = changes
        if session.is_counted:
            students = [row.place.student_id for row in changes if row.place.student_id is not None]
            counted += [(ident, session.held_on, student) for student in students]
    statistics.take_marks(counted, now=now)
    for ident, changes in rows.items():
        mark_rows.write(classes[ident], changes, by=by, reason="", now=now)
    statistics.add_marks(counted, now=now)
    if rows:
        transaction.on_commit(lambda: live.announce(rows))


def _judge_class(session: Session, items: Sequence[_Item], device: str) -> list[Row]:
    """Give each entry of a class its verdict; what is to be written of its students."""
    by_student: dict[str, list[_Item]] = defaultdict(list)
    for item in items:
        by_student[item.entry.student.upper()].append(item)
    numbers = list(by_student)
    rows = [
        row
        for number, place in zip(numbers, mark_rows.look_up(session, numbers), strict=True)
        if (row := _judge_student(session, place, by_student[number], device)) is not None
    ]
    return sorted(rows, key=lambda row: row.place.student_id or 0)


def _judge_student(session: Session, place: Place, items: Sequence[_Item], device: str) -> Row | None:
    if place.student_id is None or place.section_id is None:
        for item in items:
            item.verdict = refused(SyncCode.NOT_ON_ROSTER)
        return None
    before = None
    if place.old_status and place.old_source and place.old_marked_at:
        before = Stand(place.old_status, place.old_source, place.old_marked_at)
    coming = [_stand(session, item) for item in items]
    verdicts, after = judge_all(before, coming, counted=session.is_counted)
    for item, verdict in zip(items, verdicts, strict=True):
        item.verdict = verdict
    if after is None or after is before or (after.status is None and place.old_id is None):
        return None
    return Row(place, after.status, capture=Capture(after.source, after.at, device))


def _stand(session: Session, item: _Item) -> Stand:
    """An entry as a mark. Whether a machine's capture was in time says the class, unless the device said it."""
    told = item.entry
    status = told.status
    if status is None and told.source != Source.MANUAL:
        status = status_at(session, item.at)
    return Stand(status, told.source, item.at)


Marks = dict[tuple[UUID, int], AttendanceRecord]


def _marks(items: Collection[_Item]) -> Marks:
    """What stands now, of those classes that the person runs: by class and student."""
    asked = [(item.session, item.student_id) for item in items if item.session is not None and item.runs]
    students = {student for _session, student in asked if student is not None}
    found = AttendanceRecord.objects.filter(
        session__in={session.pk for session, _student in asked},
        held_on__in={session.held_on for session, _student in asked},
        student__in=students,
    )
    return {(record.session_id, record.student_id): record for record in found}


def _keep(
    fresh: Sequence[_Item],
    marks: Marks,
    upload: Upload,
    school: School,
    op: Operation,
    *,
    by: User,
    now: datetime,
) -> None:
    """Write down what came and what became of it."""
    batch = SyncBatch.objects.create(
        school=school,
        by=by,
        batch_id=upload.batch_id,
        device_id=upload.device_id,
        client_now=upload.client_now,
        received_at=now,
    )
    rows = [_row(item, batch) for item in fresh]
    SyncEntry.objects.bulk_create(rows)
    conflicts = [
        _conflict(row, stands)
        for item, row in zip(fresh, rows, strict=True)
        if row.outcome == SyncOutcome.CONFLICT and (stands := _standing(item, marks)) is not None
    ]
    SyncConflict.objects.bulk_create(conflicts)
    raised = {conflict.entry_id: conflict.pk for conflict in conflicts}
    for item, row in zip(fresh, rows, strict=True):
        item.conflict = raised.get(row.pk)
    outcomes = Counter(row.outcome for row in rows)
    op.record(
        "sync.upload",
        batch,
        school_id=school.pk,
        after={"count": len(rows), **dict(sorted(outcomes.items()))},
    )
    for conflict in conflicts:
        op.record(
            "sync_conflict.raise", conflict, school_id=school.pk, after={"session": conflict.session_id}
        )


def _row(item: _Item, batch: SyncBatch) -> SyncEntry:
    told = item.entry
    return SyncEntry(
        school_id=batch.school_id,
        batch=batch,
        by_id=batch.by_id,
        client_id=told.client_id,
        session_ref=told.session,
        session=item.session,
        student_id=item.student_id,
        student_no="" if item.student_id is not None else told.student,
        status=told.status or "",
        source=told.source,
        told_at=told.captured_at,
        captured_at=item.at,
        received_at=batch.received_at,
        outcome=item.decided.outcome,
        code=item.decided.code,
    )


def _conflict(row: SyncEntry, stands: AttendanceRecord) -> SyncConflict:
    return SyncConflict(
        school_id=row.school_id,
        entry=row,
        session_id=stands.session_id,
        student_id=stands.student_id,
        existing_status=stands.status,
        existing_source=stands.source,
        existing_at=stands.marked_at,
        existing_by_id=stands.marked_by_id,
        existing_device=stands.metadata.get("device", ""),
        raised_at=row.received_at,
    )


def _standing(item: _Item, marks: Marks) -> AttendanceRecord | None:
    if item.session is None or item.student_id is None:
        return None
    return marks.get((item.session.pk, item.student_id))


def _answer(item: _Item, marks: Marks) -> Result:
    outcome, code, conflict = _became(item)
    record = _standing(item, marks)
    return Result(
        client_id=item.entry.client_id,
        outcome=outcome,
        code=code,
        record=record.pk if record else None,
        status=record.status if record else None,
        conflict=conflict,
    )


def _became(item: _Item) -> tuple[str, str, UUID | None]:
    """(outcome, code, conflict). What was taken before changes nothing now; a refusal and a conflict are told again."""
    if item.before is None:
        return item.decided.outcome.value, item.decided.code, item.conflict
    if isinstance(item.before, _Item):
        outcome, code, conflict = _became(item.before)
    else:
        raised = getattr(item.before, "conflict", None)
        outcome, code, conflict = item.before.outcome, item.before.code, raised.pk if raised else None
    if outcome in {SyncOutcome.REJECTED, SyncOutcome.CONFLICT}:
        return outcome, code, conflict
    return SyncOutcome.DUPLICATE.value, "", None
