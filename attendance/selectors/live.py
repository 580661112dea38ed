"""What a class screen shows while a class is open: how many are here, who came last.

Plain SQL: the live process asks this for hundreds of classes whenever something happens in them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from core.db import prepared

#: How many arrivals a class screen is told.
RECENT = 12


@dataclass(frozen=True, slots=True)
class Counts:
    """Students of a class by what they are; together they are the roster."""

    present: int = 0
    late: int = 0
    absent: int = 0
    excused: int = 0
    unmarked: int = 0

    @property
    def total(self) -> int:
        return self.present + self.late + self.absent + self.excused + self.unmarked

    def as_json(self) -> dict[str, int]:
        return {
            "present": self.present,
            "late": self.late,
            "absent": self.absent,
            "excused": self.excused,
            "unmarked": self.unmarked,
        }


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who was marked present or late: `student` is the enrollment number, `marked_at` the school's time."""

    student: str
    name: str
    status: str
    marked_at: datetime


@dataclass(frozen=True, slots=True)
class LiveState:
    """A class at this moment; `recent` are the latest arrivals, newest first, at most `RECENT`."""

    status: str
    counts: Counts
    recent: list[Arrival]

    def as_json(self) -> dict[str, Any]:
        """``{status, counts, total, recent: [{student, name, status, marked_at}]}``, the same for API and stream."""
        return {
            "status": self.status,
            "counts": self.counts.as_json(),
            "total": self.counts.total,
            "recent": [
                {
                    "student": arrival.student,
                    "name": arrival.name,
                    "status": arrival.status,
                    "marked_at": arrival.marked_at.isoformat(),
                }
                for arrival in self.recent
            ],
        }


# A record of somebody who is no longer on the roster still counts: the numbers must add up.
_COUNTS = """
WITH asked AS MATERIALIZED (
    SELECT s.id, s.held_on, s.status, school.timezone
      FROM attendance_session s JOIN accounts_school school ON school.id = s.school_id
     WHERE s.id = ANY (%(sessions)s)
), roster AS (
    SELECT DISTINCT a.id, e.student_id
      FROM asked a
      JOIN attendance_session_sections ss ON ss.session_id = a.id
      JOIN academics_enrollment e ON e.section_id = ss.section_id
           AND e.joined_on <= a.held_on AND (e.left_on IS NULL OR e.left_on > a.held_on)
), marks AS (
    SELECT a.id, r.student_id, r.status
      FROM asked a JOIN attendance_record r ON r.session_id = a.id AND r.held_on = a.held_on
), members AS (
    SELECT id, marks.status FROM roster FULL JOIN marks USING (id, student_id)
), counted AS (
    SELECT id, count(*) FILTER (WHERE status = 'present') AS present,
           count(*) FILTER (WHERE status = 'late') AS late, count(*) FILTER (WHERE status = 'absent') AS absent,
           count(*) FILTER (WHERE status = 'excused') AS excused, count(*) FILTER (WHERE status IS NULL) AS unmarked
      FROM members GROUP BY id
)
SELECT a.id, a.held_on, a.status, a.timezone, coalesce(c.present, 0), coalesce(c.late, 0), coalesce(c.absent, 0),
       coalesce(c.excused, 0), coalesce(c.unmarked, 0)
  FROM asked a LEFT JOIN counted c ON c.id = a.id
"""

_RECENT = """
SELECT asked.id, snap.enrollment_no, snap.name, r.status, r.marked_at
  FROM unnest(%(sessions)s::uuid[], %(days)s::date[]) AS asked (id, held_on),
       LATERAL (SELECT id, status, marked_at, snapshot_id FROM attendance_record
                 WHERE session_id = asked.id AND held_on = asked.held_on AND status IN ('present', 'late')
                 ORDER BY marked_at DESC, id DESC LIMIT %(limit)s) r
  JOIN attendance_student_snapshot snap ON snap.id = r.snapshot_id
 ORDER BY asked.id, r.marked_at DESC, r.id DESC
"""


def counts_of(session_ids: Collection[UUID]) -> dict[UUID, Counts]:
    """Counts of many classes, by session id; ids that do not exist are left out. One query."""
    if not session_ids:
        return {}
    return {ident: Counts(*counts) for ident, _day, _status, _zone, *counts in _counted(session_ids)}


def live_state(session_id: UUID) -> LiveState | None:
    """The class at this moment, None if there is no such class. Two queries."""
    return live_states([session_id]).get(session_id)


def live_states(session_ids: Collection[UUID]) -> dict[UUID, LiveState]:
    """Many classes at this moment, by session id; ids that do not exist are left out. Two queries for any number."""
    if not session_ids:
        return {}
    counted = _counted(session_ids)
    zones = {ident: ZoneInfo(timezone) for ident, _day, _status, timezone, *_counts in counted}
    recent: dict[UUID, list[Arrival]] = {ident: [] for ident in zones}
    with connection.cursor() as cursor:
        cursor.execute(
            _RECENT,
            {"sessions": list(zones), "days": [day for _id, day, *_rest in counted], "limit": RECENT},
        )
        for ident, student, name, mark, marked_at in cursor.fetchall():
            recent[ident].append(Arrival(student, name, mark, marked_at.astimezone(zones[ident])))
    return {
        ident: LiveState(status, Counts(*counts), recent[ident])
        for ident, _day, status, _zone, *counts in counted
    }


def _counted(session_ids: Collection[UUID]) -> list[tuple[Any, ...]]:
    with prepared() as cursor:
        cursor.execute(_COUNTS, {"sessions": list(session_ids)})
        return cursor.fetchall()
