"""What somebody should look at: computed from marks and refused scans of the classes that a person runs.

One statement reads the scans of the chosen classes once, class by class through the indexes of records, so that the
size of the table does not matter. Nothing here accuses anybody: each case says what was seen and what to do about it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from academics.models import Student
from accounts.models import School, User
from attendance.enums import AnomalyKind, SessionStatus
from attendance.models import AnomalyDismissal, Session
from attendance.selectors.days import ClassView, describe
from attendance.selectors.sessions import with_details
from core.errors import Invalid

#: So many late scans of one class within a minute, or so many students after its end, are a burst.
LATE_BURST, AFTER_CLOSE = 5, 3
#: A phone that knows its place to so many metres only hardly knows it.
INACCURATE_M = 100
#: Nobody is asked about less than this, nor about what a fast train could have done (metres, metres per second).
FAR_M, FAST_M_S = 500, 42
#: Somebody who is asked for more days than this reads no list (days).
LONGEST, USUAL = 31, 7

_SEEN = """
WITH scans AS MATERIALIZED (
    SELECT s.id AS session, r.student_id, r.status, r.source, r.marked_at AS at, r.device_key, r.location
      FROM unnest(%(sessions)s::uuid[], %(days)s::date[]) AS s (id, held_on)
     CROSS JOIN LATERAL (
           SELECT r.student_id, r.status, r.source, r.marked_at, r.device_key, r.location
             FROM attendance_record r
            WHERE r.session_id = s.id AND r.held_on = s.held_on
              AND (r.source = 'qr' OR r.device_key IS NOT NULL) OFFSET 0) r
), refused AS MATERIALIZED (
    SELECT f.session_id AS session, f.student_id, f.code, f.at, f.location
      FROM attendance_refused_scan f WHERE f.session_id = ANY (%(sessions)s::uuid[])
), late AS (
    SELECT session, student_id, at,
           count(*) OVER (PARTITION BY session ORDER BY at
                          RANGE BETWEEN CURRENT ROW AND '60 seconds' FOLLOWING) AS following
      FROM scans WHERE source = 'qr' AND status = 'late'
), crowds AS (
    SELECT session, student_id, at,
           max(following) OVER (PARTITION BY session ORDER BY at
                                RANGE BETWEEN '60 seconds' PRECEDING AND CURRENT ROW) AS crowd
      FROM late
), places AS (
    SELECT p.session, p.student_id, p.at,
           (p.location ->> 'latitude')::float8 AS latitude, (p.location ->> 'longitude')::float8 AS longitude,
           least(coalesce((p.location ->> 'accuracy')::float8, 0), 1000) AS accuracy
      -- A mark by hand, or of a reader, keeps the place of the scan that it replaced, but not its time.
      FROM (SELECT session, student_id, at, location FROM scans WHERE source = 'qr'
             UNION ALL SELECT session, student_id, at, location FROM refused) p
     WHERE p.location ->> 'latitude' IS NOT NULL AND p.location ->> 'longitude' IS NOT NULL
), hops AS (
    SELECT p.*, lag(session) OVER w AS before, lag(at) OVER w AS left_at, lag(latitude) OVER w AS from_latitude,
           lag(longitude) OVER w AS from_longitude, lag(accuracy) OVER w AS from_accuracy
      FROM places p WINDOW w AS (PARTITION BY student_id ORDER BY at, session)
), travelled AS (
    SELECT h.*, extract(epoch FROM at - left_at) AS seconds,
           2 * 6371008.8 * asin(least(1, sqrt(power(sin(radians(latitude - from_latitude) / 2), 2)
               + cos(radians(latitude)) * cos(radians(from_latitude))
                 * power(sin(radians(longitude - from_longitude) / 2), 2)))) AS metres
      FROM hops h WHERE before IS NOT NULL
)
SELECT 'shared_device' AS kind, device_key AS subject, (array_agg(session ORDER BY at DESC, session))[1] AS session,
       max(at) AS at, array_agg(DISTINCT student_id) AS students,
       jsonb_build_object('classes', count(DISTINCT session)) AS figures
  FROM scans WHERE device_key IS NOT NULL GROUP BY device_key HAVING count(DISTINCT student_id) > 1
UNION ALL
SELECT 'late_burst', session::text, session, max(at), array_agg(DISTINCT student_id),
       jsonb_build_object('first', min(at), 'last', max(at))
  FROM crowds WHERE crowd >= %(late_burst)s GROUP BY session
UNION ALL
SELECT 'edge', session::text, session, max(at), array_agg(DISTINCT student_id),
       jsonb_build_object('metres', max((location ->> 'distance')::float8),
                          'radius', max((location ->> 'radius')::float8))
  FROM scans WHERE (location ->> 'distance')::float8 > (location ->> 'radius')::float8 GROUP BY session
UNION ALL
SELECT 'inaccurate', session::text, session, max(at), array_agg(DISTINCT student_id),
       jsonb_build_object('metres', max((location ->> 'accuracy')::float8))
  FROM scans WHERE (location ->> 'accuracy')::float8 > %(inaccurate)s GROUP BY session
UNION ALL
SELECT 'outside', session::text, session, max(at), array_agg(DISTINCT student_id),
       jsonb_build_object('metres', max((location ->> 'distance')::float8),
                          'radius', max((location ->> 'radius')::float8))
  FROM refused WHERE code = 'outside_geofence' GROUP BY session
UNION ALL
SELECT 'device_refused', session::text, session, max(at), array_agg(DISTINCT student_id), '{}'
  FROM refused WHERE code = 'device_already_used' GROUP BY session
UNION ALL
SELECT 'after_close', session::text, session, max(at), array_agg(DISTINCT student_id),
       jsonb_build_object('first', min(at), 'last', max(at))
  FROM refused WHERE code = 'session_not_open' GROUP BY session HAVING count(*) >= %(after_close)s
UNION ALL
SELECT 'impossible_distance', student_id || ':' || before || ':' || session, session, at, ARRAY[student_id],
       jsonb_build_object('metres', round(metres), 'seconds', round(seconds))
  FROM travelled
 WHERE metres - accuracy - from_accuracy > %(far)s
   AND metres - accuracy - from_accuracy > %(fast)s * greatest(seconds, 1)
"""

_WORST_FIRST = {kind.value: place for place, kind in enumerate(AnomalyKind)}
#: Nobody can have been captured in others.
_WITH_SCANS = [SessionStatus.OPEN, SessionStatus.CLOSED, SessionStatus.LOCKED, SessionStatus.VOID]


@dataclass(frozen=True, slots=True)
class Involved:
    """A student in a case."""

    pk: int
    enrollment_no: str
    name: str


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One case: what, about which device, class or student (`subject`), when, in which class and who is in it.

    `figures` holds what was measured: metres, seconds, the first and last instant (ISO 8601), classes. `dismissal`
    is who has found it fine, of everybody who is in it.
    """

    kind: str
    subject: str
    session_id: UUID
    at: datetime
    student_ids: tuple[int, ...]
    figures: dict[str, Any]
    dismissal: AnomalyDismissal | None = None
    session: ClassView | None = None
    students: tuple[Involved, ...] = field(default=())

    @property
    def label(self) -> str:
        return str(AnomalyKind(self.kind).label)


def window(first: date | None, last: date | None, *, today: date) -> tuple[date, date]:
    """The days to look through: the last week unless told otherwise. Raises Invalid (`until`)."""
    last = last or max(today, first or today)
    first = first or last - timedelta(days=USUAL - 1)
    if last < first:
        raise Invalid(attr="until", detail=_("The last day lies before the first."))
    if (last - first).days >= LONGEST:
        raise Invalid(attr="until", detail=_("At most {n} days at a time.").format(n=LONGEST))
    return first, last


def classes_of(
    *,
    user: User,
    school: School,
    first: date | None = None,
    last: date | None = None,
    section: UUID | None = None,
    session: UUID | None = None,
    today: date,
) -> QuerySet[Session]:
    """The classes whose cases this person looks into: those that they run, in these days, or the one that is named.

    Raises Invalid for days that make no sense.
    """
    mine = Session.objects.run_by(user).filter(school=school, status__in=_WITH_SCANS)
    if session is not None:
        return mine.filter(pk=session)
    mine = mine.filter(held_on__range=window(first, last, today=today))
    return mine if section is None else mine.filter(sections=section)


def one(sessions: QuerySet[Session], *, school: School, kind: str, subject: str) -> Anomaly | None:
    """The case of that kind and subject, dismissed or not."""
    found = find(sessions, school=school, kinds=[kind], dismissed=None)
    return next((anomaly for anomaly in found if anomaly.subject == subject), None)


def find(
    sessions: QuerySet[Session],
    *,
    school: School,
    kinds: Collection[str] = (),
    dismissed: bool | None = False,
) -> list[Anomaly]:
    """Cases in these classes of a school, the worst kind first, then the latest.

    `dismissed`: only open ones, only those that somebody found fine, or (None) all. Without names: see `with_names`.
    Three queries.
    """
    chosen = list(sessions.order_by().values_list("pk", "held_on").distinct())
    return _find(chosen, school=school, kinds=kinds, dismissed=dismissed) if chosen else []


def waiting_in(session: Session) -> int:
    """How many cases of this class wait for somebody to look. A query, and one more where there are any."""
    return len(_find([(session.pk, session.held_on)], school=session.school, kinds=(), dismissed=False))


def _find(
    chosen: Sequence[tuple[UUID, date]], *, school: School, kinds: Collection[str], dismissed: bool | None
) -> list[Anomaly]:
    with connection.cursor() as cursor:
        cursor.execute(
            _SEEN,
            {
                "sessions": [pk for pk, _day in chosen],
                "days": [day for _pk, day in chosen],
                "late_burst": LATE_BURST,
                "after_close": AFTER_CLOSE,
                "inaccurate": INACCURATE_M,
                "far": FAR_M,
                "fast": FAST_M_S,
            },
        )
        rows = cursor.fetchall()
    if not rows:
        return []
    fine = _dismissals(school)
    found = [
        Anomaly(kind, subject, session, at, tuple(sorted(students)), _as_dict(figures))
        for kind, subject, session, at, students, figures in rows
        if not kinds or kind in kinds
    ]
    settled = [replace(one, dismissal=_covering(fine, one)) for one in found]
    return sorted(
        (one for one in settled if dismissed is None or (one.dismissal is not None) == dismissed),
        key=lambda one: (_WORST_FIRST[one.kind], -one.at.timestamp(), one.subject),
    )


def with_names(found: Sequence[Anomaly]) -> list[Anomaly]:
    """The same cases with their classes and students in words. Four queries, whatever the number."""
    if not found:
        return []
    classes = {
        session.pk: describe(session)
        for session in with_details(Session.objects.filter(pk__in={one.session_id for one in found}))
    }
    people = Student.objects.select_related("user").in_bulk({pk for one in found for pk in one.student_ids})
    return [
        replace(
            one,
            session=classes[one.session_id],
            students=tuple(
                sorted(
                    (
                        Involved(pk, people[pk].enrollment_no, people[pk].user.full_name)
                        for pk in one.student_ids
                        if pk in people
                    ),
                    key=lambda student: student.enrollment_no,
                )
            ),
        )
        for one in found
    ]


def _as_dict(figures: Any) -> dict[str, Any]:
    """JSON comes back from a cursor of Django's as text."""
    return orjson.loads(figures) if isinstance(figures, str) else figures


def _dismissals(school: School) -> dict[tuple[str, str], AnomalyDismissal]:
    standing = AnomalyDismissal.objects.filter(school=school, undone_at=None).select_related("dismissed_by")
    return {(one.kind, one.subject): one for one in standing}


def _covering(fine: dict[tuple[str, str], AnomalyDismissal], anomaly: Anomaly) -> AnomalyDismissal | None:
    """The dismissal that speaks of everybody who is in it."""
    one = fine.get((anomaly.kind, anomaly.subject))
    return one if one is not None and set(anomaly.student_ids) <= set(one.students) else None


def counts(found: Iterable[Anomaly]) -> dict[str, int]:
    """How many there are of each kind, the worst first."""
    number: dict[str, int] = defaultdict(int)
    for one in found:
        number[one.kind] += 1
    return {kind: number[kind] for kind in _WORST_FIRST if kind in number}
