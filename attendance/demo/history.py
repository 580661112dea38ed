"""Weeks of attendance that look like a college: most come, some late, some fall ill, a few hardly ever come.

Everything is decided by hashes of the seed and of what students and classes are called, so that the same seed on
the same day gives the same campus. One statement, whatever the size; figures are computed once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from academics.models import Cohort, Enrollment, Student
from academics.services import memberships
from academics.services.bulk import MANY, planned_for
from accounts.models import School
from attendance.demo.campus import Campus
from attendance.demo.identifiers import uuid_of
from attendance.enums import SessionStatus
from attendance.models import Session
from attendance.services import generation, holiday_import, statistics

# Out of a hundred classes a student comes to `comes`: 58 to 97 by nature, less on Saturdays, at the last period and
# as the term goes on. Whoever is ill is away for up to three days of a week, half of them with a certificate.
_HOLD = f"""
WITH teacher AS (
    SELECT DISTINCT ON (sf.session_id) sf.session_id, f.user_id
      FROM attendance_session s
      JOIN attendance_session_faculty sf ON sf.session_id = s.id
      JOIN academics_faculty f ON f.id = sf.faculty_id
     WHERE s.school_id = %(school)s AND s.status = 'scheduled' AND s.held_on < %(until)s AND s.ends_at < %(now)s
     ORDER BY sf.session_id, f.id
), rolled AS (
    SELECT s.id, t.user_id, roll, roll NOT BETWEEN 1 AND 3 AS taught
      FROM attendance_session s
      JOIN teacher t ON t.session_id = s.id
      LEFT JOIN academics_room r ON r.id = s.room_id
     CROSS JOIN LATERAL (
           SELECT abs(hashtextextended(concat_ws('/', s.starts_at, r.code), %(seed)s)) %% 120 AS roll) rolls
), held AS (
    UPDATE attendance_session s
       SET status = CASE WHEN roll IN (1, 2) THEN 'unconfirmed' WHEN roll = 3 THEN 'cancelled'
                         WHEN s.held_on < %(locked)s THEN 'locked' ELSE 'closed' END,
           status_reason = CASE WHEN roll = 3 THEN 'The lecturer was ill.' ELSE '' END,
           opened_at = CASE WHEN roll <> 3 THEN s.starts_at - interval '5 minutes' END,
           opened_by_human_at = CASE WHEN taught THEN s.starts_at + make_interval(secs => (roll %% 7) * 20) END,
           qr_started_at = CASE WHEN roll <> 3 THEN s.starts_at - interval '5 minutes' END,
           closed_at = CASE WHEN roll <> 3 THEN s.ends_at END,
           closed_by_id = CASE WHEN taught THEN user_id END,
           locked_at = CASE WHEN taught AND s.held_on < %(locked)s THEN s.ends_at + interval '8 days' END
      FROM rolled
     WHERE rolled.id = s.id
    RETURNING s.id, s.held_on, s.starts_at, s.ends_at, s.status, s.closed_by_id,
              extract(isodow FROM s.held_on)::int AS weekday, date_trunc('week', s.held_on) AS week,
              extract(epoch FROM s.starts_at)::bigint::text AS moment,
              CASE WHEN extract(isodow FROM s.held_on) = 6 THEN 5 ELSE 0 END
              + CASE WHEN extract(hour FROM s.starts_at AT TIME ZONE %(zone)s) >= 15 THEN 3 ELSE 0 END
              + 0.4 * ((s.held_on - %(first)s) / 7) AS dull
), roster AS (
    SELECT h.*, e.section_id, st.id AS student_id, st.current_snapshot_id, st.enrollment_no,
           concat(st.enrollment_no, '/', c.code, '/', h.moment) AS who_and_when,
           97 - 39 * power((abs(hashtextextended(st.enrollment_no, %(seed)s)) %% 1000) / 1000.0::float8, 2.6)
              - h.dull AS comes
      FROM held h
      JOIN attendance_session_sections ss ON ss.session_id = h.id
      JOIN academics_section sec ON sec.id = ss.section_id
      JOIN academics_course c ON c.id = sec.course_id
      JOIN academics_enrollment e ON e.section_id = ss.section_id AND e.joined_on <= h.held_on
           AND (e.left_on IS NULL OR e.left_on > h.held_on)
      JOIN academics_student st ON st.id = e.student_id
     WHERE h.status IN ('closed', 'locked')
), marked AS (
    SELECT r.*, d.roll,
           CASE WHEN d.ill %% 45 = 0 AND r.weekday BETWEEN 1 + d.ill / 45 %% 4 AND 3 + d.ill / 45 %% 4
                THEN CASE WHEN d.ill %% 2 = 0 THEN 'excused' ELSE 'absent' END
                WHEN d.roll %% 100 < r.comes - 6 THEN 'present'
                WHEN d.roll %% 100 < r.comes THEN 'late' ELSE 'absent' END AS mark
      FROM roster r
     CROSS JOIN LATERAL (
           SELECT abs(hashtextextended(r.who_and_when, %(seed)s)) AS roll,
                  abs(hashtextextended(concat(r.enrollment_no, '/', r.week), %(seed)s)) AS ill) d
)
INSERT INTO attendance_record (id, held_on, session_id, school_id, section_id, student_id, snapshot_id, status,
                               source, marked_at, marked_by_id)
SELECT {uuid_of("m.starts_at", "m.who_and_when")}, m.held_on, m.id, %(school)s,
       m.section_id, m.student_id, m.current_snapshot_id, m.mark,
       CASE WHEN m.mark = 'absent' THEN 'system' WHEN m.mark = 'excused' OR m.roll %% 17 = 0 THEN 'manual'
            ELSE 'qr' END,
       CASE m.mark WHEN 'absent' THEN m.ends_at
                   WHEN 'excused' THEN m.ends_at - interval '5 minutes'
                   WHEN 'late' THEN m.starts_at + make_interval(secs => 400 + (m.roll %% 800)::int)
                   ELSE m.starts_at + make_interval(secs => (m.roll %% 280)::int) END,
       CASE WHEN m.mark = 'excused' OR (m.mark <> 'absent' AND m.roll %% 17 = 0) THEN m.closed_by_id END
  FROM marked m
 ORDER BY m.starts_at, m.id
    ON CONFLICT DO NOTHING
"""

_GIVE_UP = """
DELETE FROM attendance_session_occupancy o USING attendance_session s
 WHERE s.id = o.session_id AND s.school_id = %(school)s AND s.status = 'cancelled'
"""


def plan(campus: Campus, *, ahead_days: int, now: datetime) -> int:
    """Public holidays, and the sessions from the term's start to `ahead_days` from now. Returns the sessions made."""
    for year in sorted({campus.term.starts_on.year, campus.term.ends_on.year}):
        holiday_import.import_public(school=campus.school, year=year, by=None, now=now)
    return generation.generate(
        school=campus.school,
        start=campus.term.starts_on,
        end=campus.today + timedelta(days=ahead_days),
        by=None,
        now=now,
    ).created


def live(campus: Campus, *, seed: int, now: datetime) -> int:
    """Hold every class that is over; on the way some students arrive late in the term and some move. Records made."""
    _arrive_late(campus)
    middle = campus.term.starts_on + (campus.today - campus.term.starts_on) / 2
    made = hold(campus.school, first=campus.term.starts_on, until=middle, seed=seed, now=now)
    for student, cohort in movers(campus):
        memberships.transfer(student=student, cohort=cohort, on=middle, by=None, now=now)
    tomorrow = campus.today + timedelta(days=1)
    made += hold(campus.school, first=campus.term.starts_on, until=tomorrow, seed=seed, now=now)
    _count(campus.school, now=now)
    return made


@transaction.atomic
def hold(school: School, *, first: date, until: date, seed: int, now: datetime) -> int:
    """Hold the scheduled classes before `until` that are over by now, without the figures; the records made."""
    parameters: dict[str, Any] = {
        "school": school.pk,
        "zone": school.timezone,
        "seed": seed,
        "now": now,
        "first": first,
        "until": until,
        "locked": school.local_date(now) - timedelta(days=7),
    }
    with planned_for(MANY), connection.cursor() as cursor:
        cursor.execute(_HOLD, parameters)
        made = int(cursor.rowcount)
        cursor.execute(_GIVE_UP, parameters)
    return made


def catch_up(school: School, *, first: date, seed: int, now: datetime) -> int:
    """Hold the classes of days on which the demo was not running; the records made."""
    today = school.local_date(now)
    missed = Session.objects.filter(school=school, status=SessionStatus.SCHEDULED, held_on__lt=today)
    if not missed.exists():
        return 0
    made = hold(school, first=first, until=today, seed=seed, now=now)
    _count(school, now=now)
    return made


@transaction.atomic
def _count(school: School, *, now: datetime) -> None:
    with planned_for(MANY):
        statistics.rebuild(school=school, now=now)


def _arrive_late(campus: Campus) -> None:
    """One student in a hundred joins in the third week: earlier classes do not count for them."""
    third_week = campus.term.starts_on + timedelta(weeks=2)
    if third_week < campus.today:
        rows = Enrollment.objects.filter(student__in=late_comers(campus), section__term=campus.term)
        rows.update(joined_on=third_week)


def late_comers(campus: Campus) -> list[Student]:
    return campus.students[50::97]


def movers(campus: Campus) -> Iterator[tuple[Student, Cohort]]:
    """One student in two hundred moves to another cohort of the department; whoever came late stays."""
    stay = {student.pk for student in late_comers(campus)}
    for student in campus.students[75::211]:
        if student.pk in stay:
            continue
        others = [
            cohort
            for cohort in campus.cohorts
            if cohort.department_id == student.department_id and cohort.pk != student.cohort_id
        ]
        if others:
            yield student, others[len(campus.students) % len(others)]
