"""What readers tell: kept as it was told, matched with students and classes, and turned into marks.

Nothing that a reader tells is dropped, and nothing counts twice: a reading is the same when reader, time on the
reader's clock, person and direction are. What finds no student or class waits and is looked at again, when a number is
assigned and every minute (`rematch`). Readings of one school are taken one upload after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.models import School
from attendance.enums import DeviceKind, Direction, ReadingReason, ReadingState, SessionStatus, Source
from attendance.iclock import BadLine, Reading
from attendance.models import BiometricDevice, DeviceEvent
from attendance.services import reading_marks
from attendance.services.cards import card_index
from audit.services.entries import operation
from core import locks
from core.ids import uuid7

#: What found nobody for so long is looked at again only when a number is assigned.
RETRY_FOR = timedelta(days=30)
#: Who goes out a little after the end has left this class, not the next one.
OUT_AFTER_MINUTES = 30
#: How ATTLOG lines say that a card was held to the reader.
_BY_CARD = 4
_SHOWN = 200
#: A class that crosses midnight is over by noon; one that begins at midnight opens two hours before at the earliest.
_LAST_NIGHT_ENDS, _NEXT_DAY_OPENS = 12, 22
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Matched:
    """How many readings found their class, and how many marks changed by them."""

    matched: int = 0
    marks: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an upload: lines received, of these new, rejected (new ones too), matched, and marks changed."""

    received: int
    new: int
    rejected: int
    matched: int
    marks: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A reading that waits, and what there is for it now."""

    event_id: UUID
    student_id: int | None
    by_card: bool
    session_id: UUID | None
    session_status: str | None
    reason: str
    state: str = ReadingState.UNMATCHED.value


_KEEP = """
INSERT INTO attendance_device_event (id, school_id, device_id, pin, card_index, device_at, at, direction, verify,
                                     source, received_at, state, reason, line)
SELECT i.id, %(school)s, %(device)s, i.pin, i.card, i.device_at, i.device_at - make_interval(secs => %(offset)s),
       i.direction, i.verify, i.source, %(now)s, i.state, i.reason, i.line
  FROM unnest(%(ids)s::uuid[], %(pins)s::text[], %(cards)s::text[], %(times)s::timestamptz[],
              %(directions)s::text[], %(verifies)s::smallint[], %(sources)s::text[], %(states)s::text[],
              %(reasons)s::text[], %(lines)s::text[])
       AS i (id, pin, card, device_at, direction, verify, source, state, reason, line)
 ORDER BY i.device_at, i.pin, i.card, i.direction, i.line
ON CONFLICT DO NOTHING
RETURNING id, state
"""

WAITING = """
SELECT e.id, e.at, e.direction, e.card_index <> '', e.reason,
       CASE WHEN e.card_index <> '' THEN t.student_id ELSE p.student_id END
  FROM attendance_device_event e
  LEFT JOIN attendance_device_pin p ON p.device_id = e.device_id AND p.pin = e.pin
  LEFT JOIN attendance_biometric_template t ON t.school_id = e.school_id AND t.card_index = e.card_index
 WHERE e.school_id = %(school)s AND e.state = 'unmatched' AND {which}
"""

# Of two classes that fit, the one whose beginning, for who leaves whose end, is nearest. The room plays no part:
# readers hang at doors as well. The readings come as arrays, whose lengths the planner knows, and students find their
# sections first: of a table just written to the planner thinks that it is empty, and goes through it for each reading.
_FIT = """
WITH classes AS MATERIALIZED (
    SELECT s.id, s.held_on, s.status, s.starts_at, s.ends_at, ss.section_id,
           s.starts_at - make_interval(mins => c.open_before_minutes) AS since,
           s.ends_at + make_interval(mins => c.close_after_minutes) AS until,
           s.ends_at + make_interval(mins => greatest(c.close_after_minutes, %(out_after)s)) AS out_until
      FROM attendance_session s
      JOIN attendance_configuration c ON c.school_id = s.school_id
      JOIN attendance_session_sections ss ON ss.session_id = s.id
     WHERE s.school_id = %(school)s AND s.held_on = ANY (%(held)s::date[]) AND s.status = ANY (%(known)s::text[])
), placed AS MATERIALIZED (
    SELECT w.*, en.section_id
      FROM unnest(%(ids)s::uuid[], %(times)s::timestamptz[], %(directions)s::text[], %(students)s::bigint[],
                  %(days)s::date[]) AS w (id, at, direction, student_id, held_on)
      JOIN academics_enrollment en ON en.student_id = w.student_id AND en.joined_on <= w.held_on
           AND (en.left_on IS NULL OR en.left_on > w.held_on)
)
SELECT DISTINCT ON (p.id) p.id, c.id, c.status
  FROM placed p
  JOIN classes c ON c.section_id = p.section_id AND c.held_on = p.held_on AND p.at >= c.since
       AND p.at <= CASE p.direction WHEN 'out' THEN c.out_until ELSE c.until END
 ORDER BY p.id, abs(extract(epoch FROM p.at - CASE p.direction WHEN 'out' THEN c.ends_at ELSE c.starts_at END)), c.id
"""

_SETTLE = """
UPDATE attendance_device_event e
   SET student_id = i.student_id, session_id = i.session_id, state = i.state, reason = i.reason
  FROM unnest(%(ids)s::uuid[], %(students)s::bigint[], %(sessions)s::uuid[], %(states)s::text[], %(reasons)s::text[])
       AS i (id, student_id, session_id, state, reason)
 WHERE e.id = i.id
"""

#: A class in one of these may be the one somebody came to.
_KNOWN = [
    status.value for status in SessionStatus if status not in {SessionStatus.CANCELLED, SessionStatus.VOID}
]


@transaction.atomic
def take(
    *, device: BiometricDevice, readings: Sequence[Reading], bad: Sequence[BadLine] = (), now: datetime
) -> Taken:
    """Keep what a reader tells and mark whom it recognised. Harmless to repeat, in any order and in parts.

    A kind of reading that the school does not use is kept and ignored. Raises DatabaseBusy.
    """
    _one_at_a_time(device.school_id)
    kept = _keep(device, readings, bad, now=now)
    waiting = [ident for ident, state in kept if state == ReadingState.UNMATCHED]
    outcome = _match(device.school, "e.id = ANY (%(ids)s::uuid[])", {"ids": waiting}, now=now)
    rejected = sum(state == ReadingState.REJECTED for _ident, state in kept)
    taken = Taken(len(readings) + len(bad), len(kept), rejected, outcome.matched, outcome.marks)
    if kept:
        with operation(by=None, at=now) as op:
            op.record(
                "reading.take",
                device,
                school_id=device.school_id,
                after={
                    "count": taken.new,
                    "rejected": rejected,
                    "matched": taken.matched,
                    "marks": taken.marks,
                },
            )
    return taken


@transaction.atomic
def rematch(*, school: School, device: BiometricDevice | None = None, now: datetime) -> Matched:
    """Look again at readings that found no student or no open class: of one reader all, else the recent ones."""
    _one_at_a_time(school.pk)
    if device is not None:
        outcome = _match(school, "e.device_id = %(device)s", {"device": device.pk}, now=now)
    else:
        outcome = _match(school, "e.at >= %(since)s", {"since": now - RETRY_FOR}, now=now)
    if outcome.matched:
        with operation(by=None, at=now) as op:
            op.record(
                "reading.rematch",
                school_id=school.pk,
                object_type="school",
                object_id=school.pk,
                after={"count": outcome.matched, "marks": outcome.marks},
            )
    return outcome


def waiting_schools() -> list[School]:
    """Schools with readings that wait."""
    waiting = DeviceEvent.objects.filter(state=ReadingState.UNMATCHED).values("school")
    return list(School.objects.filter(is_active=True, pk__in=waiting).order_by("pk"))


def _one_at_a_time(school_id: int) -> None:
    """A mark is made of all readings of a student: two readers that tell of the same one must see each other's."""
    locks.lock("readings", school_id)


def _keep(
    device: BiometricDevice, readings: Sequence[Reading], bad: Sequence[BadLine], *, now: datetime
) -> list[tuple[UUID, str]]:
    """(id, state) of those that were not there yet."""
    rules = device.school.attendance_configuration
    off = {
        Source.BIOMETRIC.value: "" if rules.biometric_enabled else ReadingReason.BIOMETRIC_OFF.value,
        Source.RFID.value: "" if rules.rfid_enabled else ReadingReason.RFID_OFF.value,
    }
    rows: list[tuple[Any, ...]] = []
    for reading in readings:
        source = _source(device, reading)
        rows.append(
            (
                uuid7(),
                reading.pin,
                card_index(reading.card) if reading.card else "",
                reading.at.astimezone(UTC),
                reading.direction.value,
                reading.verify,
                source,
                ReadingState.IGNORED.value if off[source] else ReadingState.UNMATCHED.value,
                off[source],
                "",
            )
        )
    own = _source(device, None)
    for line in bad:
        shown = line.line.replace("\0", "\N{REPLACEMENT CHARACTER}")[:_SHOWN]
        rejected = ReadingState.REJECTED.value
        rows.append(
            (uuid7(), "", "", None, Direction.IN.value, None, own, rejected, line.reason.value, shown)
        )
    if not rows:
        return []
    names = (
        "ids",
        "pins",
        "cards",
        "times",
        "directions",
        "verifies",
        "sources",
        "states",
        "reasons",
        "lines",
    )
    columns: dict[str, Any] = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                **columns,
                "school": device.school_id,
                "device": device.pk,
                "offset": device.clock_offset,
                "now": now,
            },
        )
        return cursor.fetchall()


def _source(device: BiometricDevice, reading: Reading | None) -> str:
    """What the person was recognised by: many a reader of fingers reads cards as well."""
    told_card = reading is not None and (reading.card != "" or reading.verify == _BY_CARD)
    if told_card or device.kind == DeviceKind.RFID:
        return Source.RFID.value
    return Source.BIOMETRIC.value


def _match(school: School, which: str, known: dict[str, Any], *, now: datetime) -> Matched:
    found = _look_up(school, which, known)
    usable = {one.session_id: one.session_status for one in found if one.session_id is not None}
    states = reading_marks.hold(
        [ident for ident, status in usable.items() if status in reading_marks.OPEN_TO_READINGS],
        counted=SessionStatus.CLOSED in usable.values(),
    )
    settled = [_settled(one, states) for one in found]
    changed = [
        new
        for old, new in zip(found, settled, strict=True)
        if (new.state, new.reason) != (ReadingState.UNMATCHED, old.reason)
    ]
    _write(changed)
    pairs = {
        (one.session_id, one.student_id)
        for one in changed
        if one.state == ReadingState.MATCHED and one.session_id is not None and one.student_id is not None
    }
    matched = sum(one.state == ReadingState.MATCHED for one in changed)
    return Matched(matched, reading_marks.apply(pairs, now=now))


def _look_up(school: School, which: str, known: dict[str, Any]) -> list[_Found]:
    with connection.cursor() as cursor:
        cursor.execute(WAITING.format(which=which), {**known, "school": school.pk})
        waiting = cursor.fetchall()
        fitting = _fitting(
            school, [(row[0], row[1], row[2], row[5]) for row in waiting if row[5] is not None]
        )
    return [
        _Found(ident, student_id, by_card, session_id, status, reason)
        for ident, _at, _direction, by_card, reason, student_id in waiting
        for session_id, status in (fitting.get(ident, (None, None)),)
    ]


def _fitting(
    school: School, waiting: Sequence[tuple[UUID, datetime, str, int]]
) -> dict[UUID, tuple[UUID, str]]:
    """(class, its state) of each reading that has one."""
    rows = [(*row, day) for row in waiting for day in _days(school, row[1])]
    if not rows:
        return {}
    ids, times, directions, students, days = map(list, zip(*rows, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            _FIT,
            {
                "school": school.pk,
                "known": _KNOWN,
                "out_after": OUT_AFTER_MINUTES,
                "held": sorted(set(days)),
                "ids": ids,
                "times": times,
                "directions": directions,
                "students": students,
                "days": days,
            },
        )
        return {ident: (session, status) for ident, session, status in cursor.fetchall()}


def _days(school: School, at: datetime) -> list[date]:
    """The local days on which a class may have begun that somebody comes to, or leaves, at that time."""
    local = school.local(at)
    day = local.date()
    if local.hour < _LAST_NIGHT_ENDS:
        return [day - _DAY, day]
    return [day, day + _DAY] if local.hour >= _NEXT_DAY_OPENS else [day]


def _settled(one: _Found, states: dict[UUID, str]) -> _Found:
    """What becomes of it, by the class as it is held now."""
    if one.student_id is None:
        unknown = ReadingReason.UNKNOWN_CARD if one.by_card else ReadingReason.UNKNOWN_PIN
        return replace(one, session_id=None, reason=unknown.value)
    if one.session_id is None:
        return replace(one, reason=ReadingReason.NO_SESSION.value)
    status = states.get(one.session_id, one.session_status)
    if status in reading_marks.OPEN_TO_READINGS:
        return replace(one, state=ReadingState.MATCHED.value, reason="")
    if status == SessionStatus.LOCKED:
        return replace(one, state=ReadingState.IGNORED.value, reason=ReadingReason.LOCKED.value)
    # Planned, or cancelled a moment ago: the next look finds what became of it.
    return replace(one, session_id=None, reason=ReadingReason.NOT_OPEN.value)


def _write(settled: Collection[_Found]) -> None:
    if not settled:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE,
            {
                "ids": [one.event_id for one in settled],
                "students": [one.student_id for one in settled],
                "sessions": [one.session_id for one in settled],
                "states": [one.state for one in settled],
                "reasons": [one.reason for one in settled],
            },
        )
