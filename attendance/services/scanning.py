"""Scans of the classroom code: one statement for any number of them.

This is the hot path. It steps around the ORM: session open and code current, student on the roster, device and
place as the school wants them, record and audit entry, all in one round trip, for one request (the plain API
action, a redeemed ticket) as for a whole batch (the scan gate). Rules are decided here and nowhere else.

A scan that is answered `recorded` is in the record when the session closes: the statement takes the session's
row FOR SHARE, closing takes it FOR UPDATE first and gathers the absentees in a later statement. Repeated scans
find their record before any lock and write nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg
from django.db import connection, transaction
from psycopg.rows import tuple_row

from attendance import codes, errors
from attendance.models import ScanTicketUse
from core import live
from core.errors import DomainError
from core.ids import uuid7
from core.metrics import SCANS


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """One scan whose code was found genuine and fresh.

    `captured_at` is the moment that counts; `device_key` is None when the client named no device; `latitude`,
    `longitude` in degrees, `accuracy` in metres.
    """

    session_id: UUID
    school_id: int
    generation: int
    captured_at: datetime
    user_id: int
    device_key: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    accuracy: float | None = None
    ip: str | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ScanAnswer:
    """What became of a scan. `code` is ``recorded``, ``already_recorded`` or the code of a refusal.

    ``unknown_person`` (no active student of an active school) is a refusal for whoever asks here without having
    looked at the person before; the API has, and then it means not on the roster.
    """

    code: str
    session_id: UUID
    record_id: UUID | None = None
    status: str | None = None
    marked_at: datetime | None = None
    course: str | None = None
    #: What is to be kept of the place (JSON) once this scan takes the place of the system's record.
    location: str | None = None

    @property
    def ok(self) -> bool:
        return self.code in {"recorded", "already_recorded"}

    @property
    def http_status(self) -> int:
        if self.code == "recorded":
            return 201
        return 200 if self.ok else self.refusal().status

    def refusal(self) -> DomainError:
        """Why it was refused."""
        if self.code == "unknown_person":
            return errors.NotOnRoster()
        return REFUSALS.get(self.code, errors.SessionNotOpen)()

    def body(self) -> dict[str, Any]:
        """The answer of the API, for 200 and 201 alike."""
        return {
            "code": self.code,
            "record": str(self.record_id),
            "session": str(self.session_id),
            "status": self.status,
            "marked_at": self.marked_at.isoformat() if self.marked_at else None,
            "course": self.course,
        }


REFUSALS: dict[str, type[DomainError]] = {
    error.code: error
    for error in (
        errors.CodeInvalid,
        errors.CodeExpired,
        errors.SessionNotOpen,
        errors.NotOnRoster,
        errors.OutsideGeofence,
        errors.LocationRequired,
        errors.DeviceRequired,
        errors.DeviceAlreadyUsed,
    )
}

# Distance on a sphere of 6 371 008.8 m (mean Earth radius, IUGG) by the haversine formula.
_DISTANCE = """2 * 6371008.8 * asin(least(1, sqrt(
    power(sin(radians(i.latitude - room.latitude) / 2), 2)
    + cos(radians(i.latitude)) * cos(radians(room.latitude))
      * power(sin(radians(i.longitude - room.longitude) / 2), 2))))"""

#: A phone knows its place as a circle; who may stand inside the fence is not sent away. So many metres of the circle's
#: radius count at most, or whoever claims to know nothing would be everywhere (decision 12).
MOST_ALLOWANCE_M = 50

_ALLOWANCE = f"least(greatest(coalesce(i.accuracy, 0), 0), {MOST_ALLOWANCE_M})"
_RADIUS = "coalesce(room.geofence_radius_m, c.geofence_radius_m)"

#: What is kept of the place, and by what it was judged; of `i`, `c` and `room`. Only where the school checks it.
LOCATION = f"""CASE WHEN c.gps_verification AND i.latitude IS NOT NULL THEN jsonb_build_object(
                'latitude', i.latitude, 'longitude', i.longitude, 'accuracy', i.accuracy)
                || CASE WHEN room.latitude IS NOT NULL AND i.longitude IS NOT NULL THEN jsonb_build_object(
                       'distance', round(({_DISTANCE})::numeric, 1), 'radius', {_RADIUS},
                       'allowance', round(({_ALLOWANCE})::numeric, 1)) ELSE '{{}}' END END"""

# $1 is one JSON array: an array per column would cost more to pass, on both sides, than the scans themselves. $2 is
# the time of the audit entries. What the caller knows already (id and time of a new record) does not come back.
# Records are looked up through the unique index of session and student (LATERAL … LIMIT 1 keeps the planner from
# walking through all that a student ever had), so that the size of the table does not matter.
SCAN_STATEMENT = f"""
WITH judged AS MATERIALIZED (
    SELECT i.ord, i.session, i.generation, i.captured_at, i.user_id, i.ip, i.request_id, i.record, i.entry,
           s.school_id, s.held_on, st.id AS student_id, st.current_snapshot_id AS snapshot_id,
           place.section_id, place.course,
           CASE WHEN c.one_device_per_student THEN i.device END AS device_key,
           {LOCATION} AS location,
           CASE WHEN i.captured_at <= greatest(s.starts_at, coalesce(s.opened_by_human_at, s.starts_at))
                     + make_interval(mins => c.grace_period_minutes)
                THEN 'present' ELSE 'late' END AS status,
           r.id AS old_id, r.status AS old_status, r.source AS old_source, r.marked_at AS old_marked_at,
           CASE WHEN st.id IS NULL THEN 'unknown_person'
                WHEN s.id IS NULL OR s.school_id <> i.school OR i.generation > s.qr_generation
                THEN 'qr_invalid'
                WHEN i.generation < s.qr_generation
                  OR i.captured_at >= s.qr_started_at + make_interval(mins => c.qr_token_expiry_minutes)
                THEN 'qr_expired'
                WHEN s.status <> 'open' THEN 'session_not_open'
                WHEN place.section_id IS NULL THEN 'not_on_roster'
                WHEN r.id IS NOT NULL AND r.source <> 'system' THEN 'already_recorded'
                WHEN c.one_device_per_student AND i.device IS NULL THEN 'device_required'
                WHEN c.one_device_per_student AND EXISTS (
                    SELECT 1 FROM attendance_record other
                     WHERE other.session_id = s.id AND other.held_on = s.held_on AND other.device_key = i.device
                       AND other.student_id <> st.id)
                THEN 'device_already_used'
                WHEN c.gps_verification AND room.latitude IS NOT NULL THEN
                     CASE WHEN i.latitude IS NULL OR i.longitude IS NULL THEN 'location_required'
                          WHEN {_DISTANCE} - {_ALLOWANCE} > {_RADIUS}
                          THEN 'outside_geofence' END
           END AS code
      FROM json_to_recordset($1::json) AS i (
            ord int, session uuid, school bigint, generation int, captured_at timestamptz, user_id bigint,
            device text, latitude float8, longitude float8, accuracy float8, ip inet, request_id text,
            record uuid, entry uuid)
      LEFT JOIN (academics_student st
                 JOIN accounts_user u ON u.id = st.user_id AND u.is_active AND u.role = 'student'
                 JOIN accounts_school home ON home.id = st.school_id AND home.is_active) ON st.user_id = i.user_id
      LEFT JOIN attendance_session s ON s.id = i.session
      LEFT JOIN attendance_configuration c ON c.school_id = s.school_id
      LEFT JOIN academics_room room ON room.id = s.room_id
      LEFT JOIN LATERAL (
            SELECT e.section_id, course.title AS course
              FROM attendance_session_sections ss
              JOIN academics_enrollment e ON e.section_id = ss.section_id AND e.student_id = st.id
                   AND e.joined_on <= s.held_on AND (e.left_on IS NULL OR e.left_on > s.held_on)
              JOIN academics_section sec ON sec.id = e.section_id
              JOIN academics_course course ON course.id = sec.course_id
             WHERE ss.session_id = s.id AND s.school_id = st.school_id ORDER BY e.section_id LIMIT 1) place ON true
      LEFT JOIN LATERAL (
            SELECT r.id, r.status, r.source, r.marked_at FROM attendance_record r
             WHERE r.session_id = s.id AND r.held_on = s.held_on AND r.student_id = st.id LIMIT 1) r ON true
), held AS MATERIALIZED (
    SELECT s.id, s.qr_generation, s.status FROM attendance_session s
     WHERE s.id IN (SELECT session FROM judged WHERE code IS NULL)
     ORDER BY s.id FOR SHARE
), made AS (
    INSERT INTO attendance_record (id, held_on, session_id, school_id, section_id, student_id, snapshot_id, status,
                                   source, marked_at, device_key, location)
    SELECT j.record, j.held_on, j.session, j.school_id, j.section_id, j.student_id, j.snapshot_id, j.status,
           'qr', j.captured_at, j.device_key, j.location
      FROM judged j JOIN held h ON h.id = j.session AND h.status = 'open' AND h.qr_generation = j.generation
     WHERE j.code IS NULL AND j.old_id IS NULL
     ORDER BY j.session, j.student_id
    ON CONFLICT DO NOTHING
    RETURNING id
), told AS (
    INSERT INTO attendance_audit_log (id, at, school_id, operation_id, actor_id, actor_kind, action, object_type,
                                      object_id, after, ip, request_id)
    SELECT j.entry, $2::timestamptz, j.school_id, j.entry, j.user_id, 'user', 'record.create', 'attendancerecord',
           j.record::text, jsonb_build_object('status', j.status, 'source', 'qr', 'session', j.session),
           j.ip, j.request_id
      FROM judged j JOIN made m ON m.id = j.record
)
SELECT j.ord,
       CASE WHEN j.code IS NOT NULL THEN j.code
            WHEN m.id IS NOT NULL THEN 'recorded'
            WHEN h.id IS NULL OR h.status <> 'open' THEN 'session_not_open'
            WHEN h.qr_generation <> j.generation THEN 'qr_expired'
            WHEN j.old_id IS NOT NULL THEN 'made_by_system'
            ELSE 'conflict' END,
       j.old_id, coalesce(j.old_status, j.status), j.old_marked_at, j.course,
       CASE WHEN j.code IS NULL AND j.old_id IS NOT NULL THEN j.location::text END
  FROM judged j
  LEFT JOIN made m ON m.id = j.record
  LEFT JOIN held h ON h.id = j.session
"""

# Longer than what psycopg remembers of texts; as bytes it is neither read for placeholders nor encoded each time.
_STATEMENT = SCAN_STATEMENT.encode()

# A record that the system made (absent at close, then reopened) gives way to a scan.
_REPLACE_SYSTEM = """
UPDATE attendance_record r
   SET status = CASE WHEN %(captured)s <= greatest(s.starts_at, coalesce(s.opened_by_human_at, s.starts_at))
                     + make_interval(mins => c.grace_period_minutes) THEN 'present' ELSE 'late' END,
       source = 'qr', marked_at = %(captured)s, leave_id = NULL, location = %(location)s::jsonb,
       device_key = CASE WHEN c.one_device_per_student THEN %(device)s END
  FROM attendance_session s JOIN attendance_configuration c ON c.school_id = s.school_id
 WHERE r.id = %(record)s AND r.held_on = s.held_on AND r.session_id = s.id AND s.id = %(session)s
   AND r.source = 'system'
RETURNING r.status, r.school_id
"""

#: Refusals that leave a trace: from elsewhere, with somebody else's phone, after the class.
TRACED = frozenset({"outside_geofence", "device_already_used", "session_not_open"})

# Whoever was too early is no case for anybody; a class is over once it is closed.
_TRACE = f"""
INSERT INTO attendance_refused_scan (id, school_id, session_id, student_id, code, at, device_key, location)
SELECT i.id, s.school_id, s.id, st.id, i.code, $2::timestamptz,
       CASE WHEN c.one_device_per_student THEN i.device END, {LOCATION}
  FROM json_to_recordset($1::json) AS i (id uuid, session uuid, user_id bigint, code text, device text,
                                         latitude float8, longitude float8, accuracy float8)
  JOIN academics_student st ON st.user_id = i.user_id
  JOIN attendance_session s ON s.id = i.session AND s.school_id = st.school_id
  JOIN attendance_configuration c ON c.school_id = s.school_id
  LEFT JOIN academics_room room ON room.id = s.room_id
 WHERE (i.code <> 'session_not_open' OR s.status IN ('closed', 'locked') AND s.closed_at <= $2::timestamptz)
   AND EXISTS (SELECT FROM attendance_session_sections ss
                 JOIN academics_enrollment e ON e.section_id = ss.section_id AND e.student_id = st.id
                      AND e.joined_on <= s.held_on AND (e.left_on IS NULL OR e.left_on > s.held_on)
                WHERE ss.session_id = s.id)
 ORDER BY s.id, st.id
ON CONFLICT DO NOTHING
"""

#: How often a scan that met another one in mid-flight is tried again before the database's word is final.
_TRIES = 4


def scan(requests: Sequence[ScanRequest], *, now: datetime) -> list[ScanAnswer]:
    """Record each scan or say why not; answers in the order of the requests. Commits before it returns.

    Inside a transaction of the caller nothing is committed yet, of course. After commit the class screens of
    the sessions that changed are told, soon.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        answers = run(connection.connection, requests, now=now)
    changed = {answer.session_id for answer in answers if answer.code == "recorded"}
    if changed:
        transaction.on_commit(lambda: live.announcer.tell(changed))
    return answers


def run(raw: psycopg.Connection[Any], requests: Sequence[ScanRequest], *, now: datetime) -> list[ScanAnswer]:
    """`scan` on a bare psycopg connection, without the announcement: what the gate calls."""
    answers = _once(raw, requests, now)
    for index, answer in enumerate(answers):
        tries = 0
        while answer.code in {"conflict", "made_by_system"} and tries < _TRIES:
            tries += 1
            if answer.code == "made_by_system":
                replaced = _replace_system(raw, requests[index], answer, now)
                answer = replaced or answer
            if answer.code != "recorded":
                (answer,) = _once(raw, [requests[index]], now)
        answers[index] = answer
    for code, count in Counter(answer.code for answer in answers).items():
        SCANS.labels(code).inc(count)
    refused = [
        (request, answer.code) for request, answer in zip(requests, answers, strict=True) if not answer.ok
    ]
    remember(raw, refused, now=now)
    return answers


def remember(
    raw: psycopg.Connection[Any], refused: Sequence[tuple[ScanRequest, str]], *, now: datetime
) -> None:
    """Keep a trace of refusals that somebody may want to look into: once per class, student and kind.

    Beside the statement of all scans, which those that are welcome need not pay for.
    """
    traces = [
        {
            "id": uuid7(),
            "session": request.session_id,
            "user_id": request.user_id,
            "code": code,
            "device": request.device_key,
            "latitude": request.latitude,
            "longitude": request.longitude,
            "accuracy": request.accuracy,
        }
        for request, code in refused
        if code in TRACED
    ]
    if traces:
        with psycopg.RawCursor(raw) as cursor:
            cursor.execute(_TRACE, (orjson.dumps(traces).decode(), now))


def _once(raw: psycopg.Connection[Any], requests: Sequence[ScanRequest], now: datetime) -> list[ScanAnswer]:
    """The one statement."""
    ids = [uuid7() for _ in requests]
    scans = [
        {
            "ord": index,
            "session": request.session_id,
            "school": request.school_id,
            "generation": request.generation,
            "captured_at": request.captured_at,
            "user_id": request.user_id,
            "device": request.device_key,
            "latitude": request.latitude,
            "longitude": request.longitude,
            "accuracy": request.accuracy,
            "ip": request.ip,
            "request_id": request.request_id,
            "record": ids[index],
            # One entry is all of its operation, so that one id serves both.
            "entry": uuid7(),
        }
        for index, request in enumerate(requests)
    ]
    with psycopg.RawCursor(raw, row_factory=tuple_row) as cursor:
        cursor.execute(_STATEMENT, (orjson.dumps(scans).decode(), now), prepare=True)
        rows = cursor.fetchall()
    answers: dict[int, ScanAnswer] = {}
    for index, code, old_id, status, old_marked_at, course, location in rows:
        request = requests[index]
        answers[index] = ScanAnswer(
            code,
            request.session_id,
            old_id or ids[index],
            status,
            old_marked_at or request.captured_at,
            course,
            location,
        )
    return [answers[index] for index in range(len(requests))]


def _replace_system(
    raw: psycopg.Connection[Any], request: ScanRequest, answer: ScanAnswer, now: datetime
) -> ScanAnswer | None:
    """Turn the system's record into this scan's; None when somebody else was faster."""
    with raw.transaction(), psycopg.Cursor(raw, row_factory=tuple_row) as cursor:
        cursor.execute("SELECT status FROM attendance_session WHERE id = %s FOR SHARE", [request.session_id])
        if cursor.fetchone() != ("open",):
            return None
        try:
            with raw.transaction():
                cursor.execute(
                    _REPLACE_SYSTEM,
                    {
                        "captured": request.captured_at,
                        "device": request.device_key,
                        "location": answer.location,
                        "record": answer.record_id,
                        "session": request.session_id,
                    },
                )
                row = cursor.fetchone()
        except psycopg.errors.UniqueViolation:
            # Another student was marked from this device meanwhile: the next try says so.
            return None
        if row is None:
            return None
        status, school_id = row
        cursor.execute(
            """INSERT INTO attendance_audit_log (id, at, school_id, operation_id, actor_id, actor_kind, action,
                   object_type, object_id, before, after, ip, request_id)
               VALUES (%s, %s, %s, %s, %s, 'user', 'record.update', 'attendancerecord', %s,
                   jsonb_build_object('status', %s::text, 'source', 'system'),
                   jsonb_build_object('status', %s::text, 'source', 'qr'), %s, %s)""",
            [
                uuid7(),
                now,
                school_id,
                uuid7(),
                request.user_id,
                str(answer.record_id),
                answer.status,
                status,
                request.ip,
                request.request_id,
            ],
        )
    return ScanAnswer(
        "recorded", request.session_id, answer.record_id, status, request.captured_at, answer.course
    )


def scan_one(request: ScanRequest, *, now: datetime) -> ScanAnswer:
    """One scan. Raises the refusal instead of returning it."""
    (answer,) = scan([request], now=now)
    if not answer.ok:
        raise answer.refusal()
    return answer


def redeem(
    ticket: codes.Ticket,
    *,
    user_id: int,
    latitude: float | None = None,
    longitude: float | None = None,
    accuracy: float | None = None,
    ip: str | None = None,
    request_id: str = "",
    now: datetime,
) -> ScanAnswer:
    """Turn a ticket into a mark, once; the moment that counts is when the code was opened.

    A refusal (say, for the place) leaves the ticket as it was, so that one may try again while it lives. Raises
    what `scan_one` raises, and CodeExpired for a ticket that somebody else used.
    """
    request = ScanRequest(
        session_id=ticket.session_id,
        school_id=ticket.school_id,
        generation=ticket.generation,
        captured_at=ticket.opened_at,
        user_id=user_id,
        device_key=codes.device_key(ticket.device, kind="browser"),
        latitude=latitude,
        longitude=longitude,
        accuracy=accuracy,
        ip=ip,
        request_id=request_id,
    )
    try:
        with transaction.atomic():
            use, fresh = ScanTicketUse.objects.get_or_create(
                nonce=ticket.nonce, defaults={"user_id": user_id, "used_at": now}
            )
            if not fresh and use.user_id != user_id:
                raise errors.CodeExpired
            return scan_one(request, now=now)
    except DomainError as refusal:
        # The trace went with the ticket's use: it is left again.
        with connection.wrap_database_errors:
            remember(connection.connection, [(request, refusal.code)], now=now)
        raise
