"""A school for measurements: as many students and records as wanted, made by the database itself.

Nothing here looks like life. Sizes are what counts: cohorts of sixty, five courses each, past classes spread
evenly over the days of the running term, and (nearly) the wished number of records, evenly over the students.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from academics.models import Section, Student
from academics.services import memberships, terms
from academics.services.bulk import planned_for
from academics.services.snapshots import refresh_snapshots
from accounts.models import School
from attendance.demo.catalogue import COHORT_SIZE
from attendance.demo.identifiers import uuid_of
from attendance.models import Session
from attendance.services import statistics
from attendance.services.schools import create_school

CODE = "bench"
COURSES = 5
#: Days of the term that lie behind; later ones are for the measurements themselves.
DAYS = 120
#: Records per transaction: their foreign keys are checked at its end, from memory.
CHUNK = 250_000

_PEOPLE = (
    """INSERT INTO academics_course (school_id, code, title, credits)
       SELECT %(school)s, 'B' || n, 'Bench course ' || n, 4 FROM generate_series(1, %(courses)s) n""",
    """INSERT INTO academics_cohort (school_id, code)
       SELECT %(school)s, 'BC' || n FROM generate_series(1, %(cohorts)s) n""",
    """INSERT INTO accounts_user (username, full_name, email, role, school_id, language, is_active, date_joined,
                                  password, is_superuser)
       SELECT 'x' || n || '@bench', 'Bench Student ' || n, '', 'student', %(school)s, '', true, %(now)s,
              %(password)s, false FROM generate_series(1, %(students)s) n
       UNION ALL
       SELECT 'xf' || n || '@bench', 'Bench Lecturer ' || n, '', 'faculty', %(school)s, '', true, %(now)s,
              %(password)s, false FROM generate_series(1, %(cohorts)s) n""",
    """INSERT INTO academics_faculty (user_id, school_id, employee_no, designation)
       SELECT id, %(school)s, upper(split_part(username, '@', 1)), '' FROM accounts_user
        WHERE school_id = %(school)s AND role = 'faculty'""",
    """WITH cohort AS (SELECT id, substr(code, 3)::int AS n FROM academics_cohort WHERE school_id = %(school)s),
            person AS (SELECT id, substr(split_part(username, '@', 1), 2)::int AS n
                         FROM accounts_user WHERE school_id = %(school)s AND role = 'student')
       INSERT INTO academics_student (user_id, school_id, enrollment_no, cohort_id, study_year)
       SELECT p.id, %(school)s, 'X' || p.n, c.id, 2
         FROM person p JOIN cohort c ON c.n = 1 + (p.n - 1) / %(cohort_size)s""",
    """WITH lecturer AS (SELECT id, substr(employee_no, 3)::int AS n
                           FROM academics_faculty WHERE school_id = %(school)s)
       INSERT INTO academics_section (id, school_id, term_id, course_id, cohort_id, name, faculty_id)
       SELECT gen_random_uuid(), %(school)s, %(term)s, c.id, h.id, '', l.id
         FROM academics_cohort h
         JOIN lecturer l ON l.n = substr(h.code, 3)::int
        CROSS JOIN academics_course c WHERE h.school_id = %(school)s AND c.school_id = %(school)s""",
    """INSERT INTO academics_section_teachers (section_id, faculty_id)
       SELECT id, faculty_id FROM academics_section WHERE school_id = %(school)s""",
)

_SESSIONS = f"""
INSERT INTO attendance_session (id, school_id, term_id, held_on, starts_at, ends_at, topic, status, capture_modes,
                                opened_at, opened_by_human_at, closed_at, locked_at, status_reason, qr_generation)
SELECT {uuid_of("at", "sec.id::text || at")}, %(school)s, %(term)s, (at AT TIME ZONE 'UTC')::date, at,
       at + interval '50 minutes', sec.id::text, 'locked', ARRAY['qr', 'manual'], at, at,
       at + interval '50 minutes', at + interval '8 days', '', 1
  FROM academics_section sec
  JOIN academics_course c ON c.id = sec.course_id
 CROSS JOIN LATERAL (
       SELECT ((%(first)s::date + ((n * %(days)s) / %(per_section)s)::int) + time '04:00'
               + make_interval(hours => substr(c.code, 2)::int)) AT TIME ZONE 'UTC' AS at
         FROM generate_series(0, %(per_section)s - 1) n) held
 WHERE sec.school_id = %(school)s
"""
_SESSION_LINKS = (
    """INSERT INTO attendance_session_sections (session_id, section_id)
       SELECT id, topic::uuid FROM attendance_session WHERE school_id = %(school)s""",
    """INSERT INTO attendance_session_faculty (session_id, faculty_id)
       SELECT s.id, sec.faculty_id FROM attendance_session s JOIN academics_section sec ON sec.id = s.topic::uuid
        WHERE s.school_id = %(school)s""",
    "UPDATE attendance_session SET topic = '' WHERE school_id = %(school)s",
)
_RECORDS = f"""
INSERT INTO attendance_record (id, held_on, session_id, school_id, section_id, student_id, snapshot_id, status,
                               source, marked_at)
SELECT {uuid_of("s.starts_at", "e.student_id::text || s.id")}, s.held_on, s.id, s.school_id,
       e.section_id, e.student_id, st.current_snapshot_id,
       CASE WHEN roll < 80 THEN 'present' WHEN roll < 86 THEN 'late' WHEN roll < 97 THEN 'absent' ELSE 'excused' END,
       CASE WHEN roll < 86 THEN 'qr' ELSE 'system' END, s.starts_at + make_interval(secs => roll)
  FROM attendance_session s
  JOIN attendance_session_sections ss ON ss.session_id = s.id
  JOIN academics_enrollment e ON e.section_id = ss.section_id
  JOIN academics_student st ON st.id = e.student_id
 CROSS JOIN LATERAL (SELECT abs(hashtextextended(e.student_id::text || s.id::text, %(seed)s) %% 100) AS roll) r
 WHERE s.school_id = %(school)s AND s.held_on BETWEEN %(start)s AND %(end)s
 ORDER BY s.starts_at, s.id
"""


@dataclass(frozen=True, slots=True)
class Bench:
    """What was made: numbers of rows."""

    school: School
    students: int
    sessions: int
    records: int


def build(
    *,
    records: int,
    students: int,
    seed: int,
    password: str,
    progress: Callable[[str], None],
    now: datetime,
) -> Bench:
    """A school with at least `records` records of `students` students; there must be none of its code yet.

    In several transactions: until the last of them the school is inactive. Raises ValueError for more than
    `most_records`.
    """
    if records > most_records(students):
        raise ValueError("a section has one class a day")
    school = create_school(
        name="Bench University", code=CODE, timezone="UTC", country="IN", is_active=False, by=None, now=now
    )
    today = school.local_date(now)
    first = today - timedelta(days=DAYS)
    term = terms.save_term(
        school=school, name="Bench", starts_on=first, ends_on=today + timedelta(days=60), by=None, now=now
    )
    parameters: dict[str, Any] = {
        "school": school.pk,
        "term": term.pk,
        "students": students,
        "cohorts": -(-students // COHORT_SIZE),
        "cohort_size": COHORT_SIZE,
        "courses": COURSES,
        "days": DAYS,
        "per_section": max(1, -(-records // (students * COURSES))),
        "first": first,
        "password": password,
        "seed": seed,
        "now": now,
    }
    progress(f"{students:,} students")
    _people(school, parameters, now)
    progress("classes")
    with transaction.atomic(), planned_for(students):
        _run(*[_SESSIONS, *_SESSION_LINKS], parameters=parameters)
    made = 0
    for start, end in _spans(first, today, records):
        made += _run(_RECORDS, parameters={**parameters, "start": start, "end": end})
        progress(f"{made:,} of about {records:,} records")
    progress("figures")
    with transaction.atomic(), planned_for(students):
        statistics.rebuild(school=school, now=now)
        School.objects.filter(pk=school.pk).update(is_active=True)
    return Bench(school, students, Session.objects.filter(school=school).count(), made)


def most_records(students: int) -> int:
    """With one class a day of each course."""
    return students * COURSES * DAYS


@transaction.atomic
def _people(school: School, parameters: dict[str, Any], now: datetime) -> None:
    with planned_for(parameters["students"]):
        _run(*_PEOPLE, parameters=parameters)
        ids = list(Student.objects.filter(school=school).values_list("pk", flat=True))
        refresh_snapshots(student_ids=ids, now=now)
        memberships.enroll_cohorts(sections=list(Section.objects.filter(school=school)), by=None, now=now)


@transaction.atomic
def _run(*statements: str, parameters: dict[str, Any]) -> int:
    """Run them in one transaction; the number of rows of the last one."""
    with planned_for(parameters["students"]), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _spans(first: date, today: date, records: int) -> list[tuple[date, date]]:
    """The days behind in spans of about `CHUNK` records."""
    parts = max(1, -(-records // CHUNK))
    step = max(1, -(-DAYS // parts))
    starts = [first + timedelta(days=offset) for offset in range(0, DAYS, step)]
    return [(start, min(start + timedelta(days=step - 1), today)) for start in starts]
