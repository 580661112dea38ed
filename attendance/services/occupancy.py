"""That nobody is in two places at once: what slots and sessions take, written down and looked up.

Exclusion constraints make clashes impossible whoever writes; the look-ups here give the friendly answer. Writers
take the school's advisory lock first: concurrent inserts into one exclusion constraint deadlock otherwise, and
between an extra class and a slot of which no session was made yet there is no constraint.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import prefetch_related_objects
from psycopg.types.range import Range

from accounts.models import School
from attendance.models import Session, SessionOccupancy, SlotOccupancy, TimetableSlot
from attendance.selectors.sessions import slots_with_details
from attendance.services import occurrences
from attendance.services.conflicts import Clash, refusal_of
from attendance.services.resources import Resources, adopt_batches
from core import locks
from core.db import sqlstate_of

_EXCLUSION_VIOLATION = "23P01"
#: How often somebody may write past the lock before this gives up.
_ATTEMPTS = 3


def lock_timetable(school_id: int) -> None:
    """One writer of a school's timetable at a time, until the transaction ends. Comes before any row's lock."""
    locks.lock("timetable", school_id)


# --- slots ---------------------------------------------------------------------------------------------------

_SLOT_CLASH = """
SELECT o.resource, o.slot_id FROM attendance_slot_occupancy o
 WHERE o.resource = ANY (%(resources)s) AND o.slot_id <> %(self)s
   AND week_minutes(o.weekday, o.starts, o.ends) && week_minutes(%(weekday)s, %(starts)s::time, %(ends)s::time)
   AND daterange(o.valid_from, o.valid_until, '[]') && daterange(%(valid_from)s, %(valid_until)s, '[]')
 ORDER BY o.resource, o.slot_id
"""


def occupy_slot(slot: TimetableSlot) -> None:
    """Write what the slot takes, in place of what it took. Raises FacultyConflict, RoomConflict, CohortConflict.

    The caller holds `lock_timetable`.
    """
    sections = list(slot.sections.all())
    adopt_batches(sections)
    teachers = slot.faculty.values_list("pk", flat=True)
    resources = Resources(slot.school_id).of(sections, teachers, slot.room_id)
    place = {name: getattr(slot, name) for name in ("weekday", "starts", "ends", "valid_from", "valid_until")}

    def write() -> None:
        SlotOccupancy.objects.filter(slot=slot).delete()
        SlotOccupancy.objects.bulk_create(
            SlotOccupancy(slot=slot, school_id=slot.school_id, resource=resource, **place)
            for resource in resources
        )

    for _attempt in _until_free(write):
        clashes = _clashes_of_slot(slot, resources)
        if clashes:
            raise refusal_of(clashes)


def _clashes_of_slot(slot: TimetableSlot, resources: Sequence[str]) -> list[Clash]:
    with connection.cursor() as cursor:
        cursor.execute(
            _SLOT_CLASH,
            {
                "resources": list(resources),
                "self": slot.pk,
                "weekday": slot.weekday,
                "starts": slot.starts.isoformat(),
                "ends": slot.ends.isoformat(),
                "valid_from": slot.valid_from,
                "valid_until": slot.valid_until,
            },
        )
        return [Clash(resource, "slot", ident) for resource, ident in cursor.fetchall()]


# --- sessions ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """A session and what it would take."""

    session: Session
    resources: list[str]


def place_session(session: Session) -> None:
    """Write what the session takes, in place of what it took.

    Raises FacultyConflict, RoomConflict, CohortConflict, also for a slot of that day of which no session was made
    yet. The caller holds `lock_timetable`.
    """
    clashes = place_sessions([session]).get(session.pk)
    if clashes:
        raise refusal_of(clashes)


def place_sessions(sessions: Sequence[Session], *, beside_slots: bool = True) -> dict[UUID, list[Clash]]:
    """`place_session` for many of one school; what stands in the way of those that could not be placed, by id.

    Whose place is taken takes nothing; of two that want the same the first gets it. With `beside_slots` off, slots
    of which no session was made yet do not count.
    """
    if not sessions:
        return {}
    prefetch_related_objects(list(sessions), "sections__course", "sections__cohort", "faculty", "school")
    adopt_batches([section for session in sessions for section in session.sections.all()])
    names = Resources(sessions[0].school_id)
    wanted = [Wanted(session, names.of_session(session)) for session in sessions]
    clashes: dict[UUID, list[Clash]] = {}

    def write() -> None:
        SessionOccupancy.objects.filter(session__in=sessions).delete()
        write_sessions([item for item in wanted if item.session.pk not in clashes])

    for _attempt in _until_free(write):
        clashes = _clashes_of(wanted, beside_slots=beside_slots)
    return clashes


def free_faculty(session: Session, candidates: Collection[int]) -> set[int]:
    """Who of these faculty (ids) has nothing else at the time of the class, by the sessions and by the timetable.

    A look without the lock: who takes one of them meanwhile is refused by `place_session`.
    """
    names = {f"faculty:{pk}": pk for pk in candidates}
    wanted = [Wanted(session, list(names))]
    busy = {clash.resource for _session, clash in (*_with_sessions(wanted), *_with_slots(wanted))}
    return {pk for name, pk in names.items() if name not in busy}


def write_sessions(wanted: Sequence[Wanted]) -> None:
    """Write the rows of sessions whose places are known to be free."""
    SessionOccupancy.objects.bulk_create(
        (
            SessionOccupancy(
                session_id=item.session.pk,
                school_id=item.session.school_id,
                resource=resource,
                during=Range(item.session.starts_at, item.session.ends_at),
            )
            for item in wanted
            for resource in item.resources
        ),
        batch_size=2000,
    )


def _until_free(write: Callable[[], None]) -> Iterator[int]:
    """Look (the loop's body), then write; look again where somebody wrote past the lock in between."""
    for attempt in range(_ATTEMPTS):
        yield attempt
        try:
            with transaction.atomic():
                write()
        except IntegrityError as error:
            if sqlstate_of(error) != _EXCLUSION_VIOLATION or attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _clashes_of(wanted: Sequence[Wanted], *, beside_slots: bool) -> dict[UUID, list[Clash]]:
    found: dict[UUID, list[Clash]] = defaultdict(list)
    for session, clash in _with_sessions(wanted):
        found[session].append(clash)
    for session, clash in _with_slots(wanted) if beside_slots else ():
        found[session].append(clash)
    for session, clash in _among_themselves([item for item in wanted if item.session.pk not in found]):
        found[session].append(clash)
    return dict(found)


_SESSION_CLASH = """
SELECT w.session, o.resource, o.session_id
  FROM unnest(%(sessions)s::uuid[], %(resources)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
       AS w (session, resource, starts_at, ends_at)
  JOIN attendance_session_occupancy o
       ON o.resource = w.resource AND o.during && tstzrange(w.starts_at, w.ends_at)
 WHERE o.session_id <> ALL (%(own)s::uuid[])
 ORDER BY o.resource, lower(o.during), o.session_id
"""


def _with_sessions(wanted: Sequence[Wanted]) -> Iterator[tuple[UUID, Clash]]:
    rows = [(item.session, resource) for item in wanted for resource in item.resources]
    with connection.cursor() as cursor:
        cursor.execute(
            _SESSION_CLASH,
            {
                "sessions": [session.pk for session, _resource in rows],
                "resources": [resource for _session, resource in rows],
                "starts": [session.starts_at for session, _resource in rows],
                "ends": [session.ends_at for session, _resource in rows],
                "own": [item.session.pk for item in wanted],
            },
        )
        for ident, resource, other in cursor.fetchall():
            yield ident, Clash(resource, "session", other)


def _with_slots(wanted: Sequence[Wanted]) -> Iterator[tuple[UUID, Clash]]:
    """What the timetable says of these days and no session was made of yet."""
    school = wanted[0].session.school
    # A class of the evening before may reach into the first day.
    first = min(school.local_date(item.session.starts_at) for item in wanted) - timedelta(days=1)
    last = max(school.local_date(item.session.ends_at) for item in wanted)
    rows = SlotOccupancy.objects.filter(
        resource__in={resource for item in wanted for resource in item.resources},
        weekday__in={
            (first + timedelta(days=n)).isoweekday() for n in range(min(7, (last - first).days + 1))
        },
        valid_from__lte=last,
        valid_until__gte=first,
    )
    slots_of: dict[str, list[UUID]] = defaultdict(list)
    weekdays: dict[UUID, int] = {}
    for resource, slot, weekday in rows.order_by("resource", "slot_id").values_list(
        "resource", "slot_id", "weekday"
    ):
        slots_of[resource].append(slot)
        weekdays[slot] = weekday
    due = _without_session(school, weekdays, first, last)
    for item in wanted:
        session = item.session
        for resource in item.resources:
            for slot in slots_of.get(resource, ()):
                meets = (
                    begin < session.ends_at and session.starts_at < end for begin, end in due.get(slot, ())
                )
                if slot != session.slot_id and any(meets):
                    yield session.pk, Clash(resource, "slot", slot)


def _without_session(
    school: School, weekdays: Mapping[UUID, int], first: date, last: date
) -> dict[UUID, list[tuple[datetime, datetime]]]:
    """By slot, the instants of its classes in these days that take place and have no session yet."""
    if not weekdays:
        return {}
    made = set(
        Session.objects.filter(slot__in=weekdays, held_on__range=(first, last)).values_list("slot", "held_on")
    )
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    # Most classes are planned a fortnight ahead: then nothing is left to be worked out.
    open_slots = [
        slot
        for slot, weekday in weekdays.items()
        if any(day.isoweekday() == weekday and (slot, day) not in made for day in span)
    ]
    if not open_slots:
        return {}
    slots = list(slots_with_details(TimetableSlot.objects.filter(pk__in=open_slots)))
    off = occurrences.DaysOff(school, slots, first, last)
    return {
        slot.pk: [
            occurrences.instants(day, slot.starts, slot.ends, school.tz)
            for day in occurrences.dates_of(slot, first, last)
            if (slot.pk, day) not in made and not off.reason(slot, day)
        ]
        for slot in slots
    }


def _among_themselves(wanted: Sequence[Wanted]) -> Iterator[tuple[UUID, Clash]]:
    taken: dict[str, list[Session]] = defaultdict(list)
    for item in wanted:
        session = item.session
        clashes = [
            Clash(resource, "session", other.pk)
            for resource in item.resources
            for other in taken[resource]
            if other.starts_at < session.ends_at and session.starts_at < other.ends_at
        ]
        for clash in clashes:
            yield session.pk, clash
        if not clashes:
            for resource in item.resources:
                taken[resource].append(session)
