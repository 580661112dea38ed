"""A large college, made set-based: 50,000 students, their classes, and as many past records as wanted.

Everything that a scan touches can be computed from a number, so that load generators need no look-up: student
`i` is user ``FIRST_USER + i`` and sits in cohort ``i // CLASS_SIZE``; wave `w` of open classes holds one session
per cohort, number ``FIRST_OPEN_SESSION + w * COHORTS + cohort``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from core.ids import UUID7_SQL

STUDENTS = 50_000
CLASS_SIZE = 60
COHORTS = -(-STUDENTS // CLASS_SIZE)
COURSES = 5
SCHOOL = 1
#: Cohorts that are as large as a class can be; the last one is smaller.
FULL_COHORTS = STUDENTS // CLASS_SIZE
#: People of the school office, who may watch every class.
OFFICE_USERS = range(1, 21)
#: One teacher a cohort, who holds all its classes.
FIRST_TEACHER = 100
FIRST_USER = 1_000
#: Sessions of past waves are numbered from 0, those of open ones from here.
FIRST_OPEN_SESSION = 1_000_000
#: Neighbours in a run sit in different classes, as when all classes of a campus begin at nine.
STRIDE = 7_919


@dataclass(frozen=True, slots=True)
class Pair:
    """One student in one open session."""

    student: int
    session: int

    @property
    def user_id(self) -> int:
        return FIRST_USER + self.student

    @property
    def session_id(self) -> UUID:
        return session_id(self.session)


def session_id(number: int) -> UUID:
    """The id of a session by its number; the same as ``bench.session_id`` in the database."""
    return UUID(f"018f0000-0000-7000-8000-{number:012x}")


def session_of(wave: int, cohort: int) -> int:
    """The number of the class of a cohort in a wave of open (or planned) classes."""
    return FIRST_OPEN_SESSION + wave * COHORTS + cohort


def pair(number: int) -> Pair:
    """The `number`-th scan: all students once, each in their own class, then all again in the next wave."""
    wave, position = divmod(number, STUDENTS)
    student = position * STRIDE % STUDENTS
    return Pair(student, session_of(wave, student // CLASS_SIZE))


def fill(connection: psycopg.Connection[Any], *, rows: int) -> None:
    """Put the college and `rows` past records into a migrated, empty database.

    Needs an autocommitting superuser: foreign keys are not checked row by row while loading (they hold by
    construction).
    """
    connection.execute("SET session_replication_role = replica")
    for statement in (*_FUNCTIONS, *_COLLEGE):
        connection.execute(statement)
    for wave in range(-(-rows // STUDENTS)):
        _add_sessions(connection, first=wave * COHORTS, course=wave % COURSES, days_ago=wave + 1)
        connection.execute(
            _PAST_RECORDS, {"first": wave * COHORTS, "students": min(STUDENTS, rows - wave * STUDENTS)}
        )
    connection.execute("RESET session_replication_role")
    connection.execute("VACUUM (ANALYZE)")


def open_waves(connection: psycopg.Connection[Any], *, first: int, count: int, planned: bool = False) -> None:
    """Open one session per cohort, `count` times over; each wave has room for `STUDENTS` scans.

    `planned` ones are about to begin: somebody has to open them.
    """
    for wave in range(first, first + count):
        _add_sessions(
            connection, first=session_of(wave, 0), course=wave % COURSES, days_ago=0, planned=planned
        )


def _add_sessions(
    connection: psycopg.Connection[Any], *, first: int, course: int, days_ago: int, planned: bool = False
) -> None:
    """One session per cohort, `days_ago` days before today; open if that is today, else closed."""
    connection.execute(_SESSIONS, {"first": first, "days_ago": days_ago})
    connection.execute(_SESSION_SECTIONS, {"first": first, "course": course})
    connection.execute(_SESSION_TEACHERS, {"first": first})
    if planned:
        connection.execute(_PLANNED, {"first": first})


_FUNCTIONS = (
    "CREATE SCHEMA bench",
    "GRANT USAGE ON SCHEMA bench TO PUBLIC",
    """CREATE FUNCTION bench.session_id(number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN ('018f0000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid""",
    f"""CREATE FUNCTION bench.section_id(cohort bigint, course bigint) RETURNS uuid
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN ('018e0000-0000-7000-8000-' || lpad(to_hex(cohort * {COURSES} + course), 12, '0'))::uuid""",
    # Time-ordered, as the application makes them (RFC 9562): milliseconds in the first 48 bits, then version 7.
    """CREATE FUNCTION bench.uuid7(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE
        RETURN """
    + UUID7_SQL.format(at="at"),
)

_COLLEGE = (
    f"""INSERT INTO accounts_school (id, name, code, timezone, country, subdivision, default_language, is_active)
        VALUES ({SCHOOL}, 'Benchmark College', 'BENCH', 'Asia/Kolkata', 'IN', '', 'en', true)""",
    # The defaults of the model, except that a series of codes lives for a whole day of measuring.
    f"""INSERT INTO attendance_configuration (version, grace_period_minutes, min_duration_for_present_minutes,
            attendance_threshold_percent, condonation_floor_percent, offline_sync_max_delta_minutes,
            attendance_data_retention_years, auto_open_sessions, open_before_minutes, auto_close_sessions,
            close_after_minutes, qr_token_expiry_minutes, qr_rotation_seconds, max_correction_days,
            biometric_enabled, rfid_enabled, gps_verification, geofence_radius_m, one_device_per_student,
            auto_mark_absent, send_attendance_notifications, late_weight, excused_counts_as, school_id)
        VALUES (1, 5, 10, 75, 65, 120, 7, true, 5, true, 0, 720, 15, 7, false, false, false, 100, true, true,
            true, 1.0, 'exclude', {SCHOOL})""",
    f"""INSERT INTO accounts_user (id, password, is_superuser, username, full_name, email, role, language,
            is_active, date_joined, school_id)
        SELECT {FIRST_USER} + i, '!', false, 'b' || i || '@bench', 'Student ' || i, '', 'student', '', true, now(),
               {SCHOOL} FROM generate_series(0, {STUDENTS - 1}) i""",
    f"""INSERT INTO accounts_user (id, password, is_superuser, username, full_name, email, role, language,
            is_active, date_joined, school_id)
        SELECT i, '!', false, 'office' || i || '@bench', 'Office', '', 'admin', '', true, now(), {SCHOOL}
          FROM generate_series({OFFICE_USERS.start}, {OFFICE_USERS.stop - 1}) i""",
    f"""INSERT INTO accounts_user (id, password, is_superuser, username, full_name, email, role, language,
            is_active, date_joined, school_id)
        SELECT {FIRST_TEACHER} + c, '!', false, 'f' || c || '@bench', 'Teacher ' || c, '', 'faculty', '', true, now(),
               {SCHOOL} FROM generate_series(0, {COHORTS - 1}) c""",
    f"""INSERT INTO academics_faculty (id, user_id, school_id, employee_no, designation)
        SELECT c + 1, {FIRST_TEACHER} + c, {SCHOOL}, 'F' || c, '' FROM generate_series(0, {COHORTS - 1}) c""",
    f"""INSERT INTO academics_term (id, name, starts_on, ends_on, school_id)
        VALUES (1, 'Benchmark', current_date - 250, current_date + 100, {SCHOOL})""",
    f"""INSERT INTO academics_course (id, code, title, credits, school_id)
        SELECT k, 'C' || k, 'Course ' || k, 3, {SCHOOL} FROM generate_series(1, {COURSES}) k""",
    f"""INSERT INTO academics_cohort (id, code, school_id)
        SELECT c, 'COH-' || c, {SCHOOL} FROM generate_series(0, {COHORTS - 1}) c""",
    f"""INSERT INTO academics_section (id, name, cohort_id, course_id, school_id, term_id)
        SELECT bench.section_id(c, k), '', c, k + 1, {SCHOOL}, 1
          FROM generate_series(0, {COHORTS - 1}) c, generate_series(0, {COURSES - 1}) k""",
    f"""INSERT INTO academics_section_teachers (section_id, faculty_id)
        SELECT bench.section_id(c, k), c + 1
          FROM generate_series(0, {COHORTS - 1}) c, generate_series(0, {COURSES - 1}) k""",
    f"""INSERT INTO academics_student (id, enrollment_no, cohort_id, school_id, user_id, current_snapshot_id)
        SELECT i + 1, 'B' || i, i / {CLASS_SIZE}, {SCHOOL}, {FIRST_USER} + i, i + 1
          FROM generate_series(0, {STUDENTS - 1}) i""",
    f"""INSERT INTO attendance_student_snapshot (id, name, enrollment_no, department_code, cohort_code, digest,
            created_at, student_id)
        SELECT i + 1, 'Student ' || i, 'B' || i, '', 'COH-' || i / {CLASS_SIZE}, md5(i::text), now(), i + 1
          FROM generate_series(0, {STUDENTS - 1}) i""",
    f"""INSERT INTO academics_enrollment (joined_on, section_id, student_id)
        SELECT current_date - 250, bench.section_id(i / {CLASS_SIZE}, k), i + 1
          FROM generate_series(0, {STUDENTS - 1}) i, generate_series(0, {COURSES - 1}) k""",
)

_SESSIONS = f"""
INSERT INTO attendance_session (id, held_on, starts_at, ends_at, topic, status, capture_modes, opened_at,
    opened_by_human_at, closed_at, status_reason, qr_generation, qr_started_at, school_id, term_id)
SELECT bench.session_id(%(first)s + c), (now() AT TIME ZONE 'Asia/Kolkata')::date - %(days_ago)s, starts_at,
       starts_at + interval '12 hours', '', CASE WHEN %(days_ago)s = 0 THEN 'open' ELSE 'closed' END, '{{qr,manual}}',
       starts_at, starts_at, CASE WHEN %(days_ago)s > 0 THEN starts_at + interval '12 hours' END, '', 1, starts_at,
       {SCHOOL}, 1
  FROM generate_series(0, {COHORTS - 1}) c, (SELECT now() - make_interval(days => %(days_ago)s) AS starts_at) t
"""

_SESSION_SECTIONS = f"""
INSERT INTO attendance_session_sections (session_id, section_id)
SELECT bench.session_id(%(first)s + c), bench.section_id(c, %(course)s) FROM generate_series(0, {COHORTS - 1}) c
"""

_SESSION_TEACHERS = f"""
INSERT INTO attendance_session_faculty (session_id, faculty_id)
SELECT bench.session_id(%(first)s + c), c + 1 FROM generate_series(0, {COHORTS - 1}) c
"""

_PLANNED = f"""
UPDATE attendance_session SET status = 'scheduled', opened_at = NULL, opened_by_human_at = NULL, qr_started_at = NULL
 WHERE id BETWEEN bench.session_id(%(first)s) AND bench.session_id(%(first)s + {COHORTS - 1})
"""

# Every seventh is absent, every eleventh of the others late.
_PAST_RECORDS = f"""
INSERT INTO attendance_record (id, held_on, session_id, school_id, section_id, student_id, snapshot_id, status,
    source, marked_at)
SELECT bench.uuid7(s.starts_at + make_interval(secs => i / 100)), s.held_on, s.id, {SCHOOL}, ss.section_id, i + 1,
       i + 1, CASE WHEN (i + s.held_on - date '2000-01-01') %% 7 = 0 THEN 'absent'
                   WHEN i %% 11 = 0 THEN 'late' ELSE 'present' END, 'qr', s.starts_at
  FROM generate_series(0, %(students)s - 1) i
  JOIN attendance_session s ON s.id = bench.session_id(%(first)s + i / {CLASS_SIZE})
  JOIN attendance_session_sections ss ON ss.session_id = s.id
"""
