"""Readings as marks: who was there when, by everything that readers told of a student and a class.

A mark is always made of all readings of its student and class, never of the last one alone, so that it does not
matter in which order, how often and by which reader they come. Set-based, whatever their number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from academics.models import Student
from attendance.enums import SOURCE_RANK, Direction, ReadingState, SessionStatus, Status
from attendance.services import notices, statistics
from core import live
from core.ids import uuid7

#: Classes in which readings make marks; in a closed one they are a late upload.
OPEN_TO_READINGS = {SessionStatus.OPEN, SessionStatus.UNCONFIRMED, SessionStatus.CLOSED}


def _rank(column: str) -> str:
    whens = " ".join(f"WHEN '{source}' THEN {rank}" for source, rank in SOURCE_RANK.items())
    return f"(CASE {column} {whens} END)"


# The highest source decides, and of it the earliest reading. Whoever comes in after the last way out is still there.
# How long somebody stayed is counted from the first time they came, by whichever reader.
_JUDGED = f"""
WITH told AS MATERIALIZED (
    SELECT e.session_id, e.student_id,
           (array_agg(e.source ORDER BY {_rank("e.source")} DESC, e.at) FILTER (WHERE e.direction = %(coming)s))[1]
               AS source,
           (array_agg(e.at ORDER BY {_rank("e.source")} DESC, e.at) FILTER (WHERE e.direction = %(coming)s))[1]
               AS captured_at,
           (array_agg(e.device_id ORDER BY {_rank("e.source")} DESC, e.at)
               FILTER (WHERE e.direction = %(coming)s))[1] AS device_id,
           min(e.at) FILTER (WHERE e.direction = %(coming)s) AS first_in,
           max(e.at) FILTER (WHERE e.direction = %(coming)s) AS last_in,
           max(e.at) FILTER (WHERE e.direction = %(going)s) AS last_out
      FROM (SELECT DISTINCT * FROM unnest(%(sessions)s::uuid[], %(students)s::bigint[])
                AS t (session_id, student_id)) pair
      JOIN attendance_device_event e ON e.session_id = pair.session_id AND e.student_id = pair.student_id
           AND e.state = %(matched)s
     GROUP BY e.session_id, e.student_id
), placed AS (
    SELECT t.session_id, s.held_on, s.school_id, s.status AS session_status, t.student_id, t.source, t.device_id,
           coalesce(r.section_id, place.section_id) AS section_id, st.current_snapshot_id AS snapshot_id,
           least(t.captured_at, CASE WHEN r.source = t.source THEN r.marked_at END) AS marked_at,
           t.first_in, CASE WHEN t.last_out > t.last_in THEN t.last_out END AS left_at,
           greatest(s.starts_at, coalesce(s.opened_by_human_at, s.starts_at))
               + make_interval(mins => c.grace_period_minutes) AS on_time_until,
           make_interval(mins => c.min_duration_for_present_minutes) AS shortest,
           r.id AS old_id, r.status AS old_status, r.source AS old_source, r.marked_at AS old_marked_at,
           r.checked_out_at AS old_left_at
      FROM told t
      JOIN attendance_session s ON s.id = t.session_id
      JOIN attendance_configuration c ON c.school_id = s.school_id
      JOIN academics_student st ON st.id = t.student_id
      LEFT JOIN attendance_record r ON r.session_id = s.id AND r.held_on = s.held_on AND r.student_id = t.student_id
      LEFT JOIN LATERAL (
            SELECT e.section_id FROM attendance_session_sections ss
              JOIN academics_enrollment e ON e.section_id = ss.section_id AND e.student_id = t.student_id
                   AND e.joined_on <= s.held_on AND (e.left_on IS NULL OR e.left_on > s.held_on)
             WHERE ss.session_id = s.id ORDER BY e.section_id LIMIT 1) place ON true
     WHERE t.captured_at IS NOT NULL AND (r.id IS NULL OR {_rank("r.source")} <= {_rank("t.source")})
), judged AS (
    SELECT p.*, CASE WHEN p.left_at - p.first_in < p.shortest THEN 'absent'
                     WHEN p.marked_at <= p.on_time_until THEN 'present' ELSE 'late' END AS status
      FROM placed p
     WHERE p.section_id IS NOT NULL
)
SELECT session_id, held_on, school_id, session_status, student_id, section_id, snapshot_id, status, source, marked_at,
       left_at, device_id
  FROM judged
 WHERE old_id IS NULL OR (old_status, old_source, old_marked_at) <> (status, source, marked_at)
    OR old_left_at IS DISTINCT FROM left_at
 ORDER BY session_id, student_id
"""

# Who marks by hand or scans at the same moment is met here: what wins is decided on the row as it is.
_WRITE = f"""
INSERT INTO attendance_record AS r (id, held_on, session_id, school_id, section_id, student_id, snapshot_id, status,
                                    source, marked_at, checked_out_at, metadata)
SELECT i.id, i.held_on, i.session_id, i.school_id, i.section_id, i.student_id, i.snapshot_id, i.status, i.source,
       i.marked_at, i.left_at, jsonb_build_object('reader', i.device_id)
  FROM unnest(%(ids)s::uuid[], %(sessions)s::uuid[], %(days)s::date[], %(schools)s::bigint[], %(students)s::bigint[],
              %(sections)s::uuid[], %(snapshots)s::bigint[], %(statuses)s::text[], %(sources)s::text[],
              %(times)s::timestamptz[], %(lefts)s::timestamptz[], %(devices)s::uuid[])
       AS i (id, session_id, held_on, school_id, student_id, section_id, snapshot_id, status, source, marked_at,
             left_at, device_id)
 ORDER BY i.session_id, i.student_id
ON CONFLICT (session_id, student_id, held_on) DO UPDATE
   SET status = excluded.status, source = excluded.source, marked_at = excluded.marked_at,
       checked_out_at = excluded.checked_out_at, marked_by_id = NULL, leave_id = NULL, offline = false,
       metadata = (r.metadata - 'device') || excluded.metadata
 WHERE {_rank("r.source")} <= {_rank("excluded.source")}
"""


@dataclass(frozen=True, slots=True)
class _Outcome:
    session_id: UUID
    held_on: date
    school_id: int
    session_status: str
    student_id: int
    section_id: UUID
    snapshot_id: int
    status: str
    source: str
    marked_at: datetime
    left_at: datetime | None
    device_id: UUID


class _Counted(Exception):
    """One of the classes was closed since somebody looked."""


def hold(sessions: Collection[UUID], *, counted: bool) -> dict[UUID, str]:
    """The state of each class, which it keeps until the transaction ends; always in the order of their ids.

    Open classes are held together with the scans in them; where one is `counted` its figures will change, so all
    are held alone.
    """
    if not counted:
        try:
            with transaction.atomic():
                found = _states(sessions, "FOR SHARE")
                if SessionStatus.CLOSED in found.values():
                    raise _Counted
        except _Counted:
            return _states(sessions, "FOR UPDATE")
        return found
    return _states(sessions, "FOR UPDATE")


def _states(sessions: Collection[UUID], how: str) -> dict[UUID, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, status FROM attendance_session WHERE id = ANY (%s::uuid[]) ORDER BY id {how}",
            [sorted(sessions)],
        )
        return dict(cursor.fetchall())


def apply(pairs: Collection[tuple[UUID, int]], *, now: datetime) -> int:
    """Let the marks of these (session, student) say what their readings say; returns how many changed.

    The classes are held (`hold`). A mark by hand stays, and so does whatever ranks above a reading.
    """
    if not pairs:
        return 0
    outcomes = _judge(pairs)
    counted = [
        (found.session_id, found.held_on, found.student_id)
        for found in outcomes
        if found.session_status in SessionStatus.counted()
    ]
    statistics.take_marks(counted, now=now)
    changed = _write(outcomes)
    statistics.add_marks(counted, now=now)
    _take_back_absences(outcomes)
    told = sorted({found.session_id for found in outcomes})
    if told:
        transaction.on_commit(lambda: live.announce(told))
    return changed


def _take_back_absences(outcomes: list[_Outcome]) -> None:
    """Whoever was absent when the class closed and had come after all need not hear of it any more."""
    came: dict[tuple[int, UUID], list[int]] = defaultdict(list)
    for found in outcomes:
        if found.session_status in SessionStatus.counted() and found.status != Status.ABSENT:
            came[found.school_id, found.session_id].append(found.student_id)
    for (school_id, session_id), students in sorted(came.items()):
        notices.no_longer_absent(
            school_id, [session_id], Student.objects.filter(pk__in=students).values("user")
        )


def _judge(pairs: Collection[tuple[UUID, int]]) -> list[_Outcome]:
    known: dict[str, Any] = {
        "sessions": [session for session, _student in pairs],
        "students": [student for _session, student in pairs],
        "coming": Direction.IN.value,
        "going": Direction.OUT.value,
        "matched": ReadingState.MATCHED.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED, known)
        return [_Outcome(*row) for row in cursor.fetchall()]


def _write(outcomes: list[_Outcome]) -> int:
    if not outcomes:
        return 0
    columns: dict[str, list[Any]] = {
        "ids": [uuid7() for _found in outcomes],
        "sessions": [found.session_id for found in outcomes],
        "days": [found.held_on for found in outcomes],
        "schools": [found.school_id for found in outcomes],
        "students": [found.student_id for found in outcomes],
        "sections": [found.section_id for found in outcomes],
        "snapshots": [found.snapshot_id for found in outcomes],
        "statuses": [found.status for found in outcomes],
        "sources": [found.source for found in outcomes],
        "times": [found.marked_at for found in outcomes],
        "lefts": [found.left_at for found in outcomes],
        "devices": [found.device_id for found in outcomes],
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, columns)
        return int(cursor.rowcount)
