"""Figures per student, course and term, kept in the transaction of whatever changes a counted record.

They are kept by difference: before a change the old contribution of the touched records is taken out, after it
the new one is put in. A difference commutes, so two classes of one course that close at the same moment cannot
lose each other's numbers; recomputing from a snapshot could. `check` recomputes everything and compares.

Rows are always touched in the order of their student, so that two transactions wait instead of deadlocking.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from accounts.models import School
from attendance.models import Session

_FIGURES = """(attendance_figures({present}, {late}, {absent}, {excused}, c.late_weight,
    c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent)).percentage"""

# What the records of one session contribute, one row per (student, course).
_APPLY = f"""
WITH part AS (
    SELECT r.student_id, sec.course_id, s.term_id, s.school_id,
           count(*) FILTER (WHERE r.status = 'present') AS present,
           count(*) FILTER (WHERE r.status = 'late') AS late,
           count(*) FILTER (WHERE r.status = 'absent') AS absent,
           count(*) FILTER (WHERE r.status = 'excused') AS excused
      FROM attendance_record r
      JOIN attendance_session s ON s.id = r.session_id
      JOIN academics_section sec ON sec.id = r.section_id
     WHERE r.session_id = %(session)s AND r.held_on = %(held_on)s
       AND (%(students)s::bigint[] IS NULL OR r.student_id = ANY (%(students)s::bigint[]))
     GROUP BY 1, 2, 3, 4
     ORDER BY 1, 2
)
INSERT INTO attendance_statistics AS t
       (student_id, course_id, term_id, school_id, held, present, late, absent, excused, percentage, updated_at)
SELECT p.student_id, p.course_id, p.term_id, p.school_id, present + late + absent + excused,
       present, late, absent, excused,
       {_FIGURES.format(present="present", late="late", absent="absent", excused="excused")}, %(now)s
  FROM part p JOIN attendance_configuration c ON c.school_id = p.school_id
ON CONFLICT (student_id, term_id, course_id) DO UPDATE SET
       held = t.held + excluded.held, present = t.present + excluded.present, late = t.late + excluded.late,
       absent = t.absent + excluded.absent, excused = t.excused + excluded.excused,
       percentage = (SELECT {
    _FIGURES.format(
        present="t.present + excluded.present",
        late="t.late + excluded.late",
        absent="t.absent + excluded.absent",
        excused="t.excused + excluded.excused",
    )
} FROM attendance_configuration c WHERE c.school_id = t.school_id),
       updated_at = excluded.updated_at
"""

_TAKE = f"""
WITH part AS (
    SELECT r.student_id, sec.course_id, s.term_id,
           count(*) FILTER (WHERE r.status = 'present') AS present,
           count(*) FILTER (WHERE r.status = 'late') AS late,
           count(*) FILTER (WHERE r.status = 'absent') AS absent,
           count(*) FILTER (WHERE r.status = 'excused') AS excused
      FROM attendance_record r
      JOIN attendance_session s ON s.id = r.session_id
      JOIN academics_section sec ON sec.id = r.section_id
     WHERE r.session_id = %(session)s AND r.held_on = %(held_on)s
       AND (%(students)s::bigint[] IS NULL OR r.student_id = ANY (%(students)s::bigint[]))
     GROUP BY 1, 2, 3
), held AS MATERIALIZED (
    SELECT t.id, t.school_id, p.present, p.late, p.absent, p.excused
      FROM attendance_statistics t
      JOIN part p ON p.student_id = t.student_id AND p.course_id = t.course_id AND p.term_id = t.term_id
     ORDER BY t.student_id, t.course_id FOR NO KEY UPDATE OF t
)
UPDATE attendance_statistics t SET
       held = t.held - (h.present + h.late + h.absent + h.excused), present = t.present - h.present,
       late = t.late - h.late, absent = t.absent - h.absent, excused = t.excused - h.excused,
       percentage = {
    _FIGURES.format(
        present="t.present - h.present",
        late="t.late - h.late",
        absent="t.absent - h.absent",
        excused="t.excused - h.excused",
    )
}, updated_at = %(now)s
  FROM held h JOIN attendance_configuration c ON c.school_id = h.school_id
 WHERE t.id = h.id
"""


def add(session: Session, *, now: datetime, students: Collection[int] | None = None) -> None:
    """Count the session's records in; all of them, or those of some students (ids)."""
    _run(_APPLY, session, now, students)


def take(session: Session, *, now: datetime, students: Collection[int] | None = None) -> None:
    """Take the session's records out of the figures, before they change or stop counting."""
    _run(_TAKE, session, now, students)


def _run(sql: str, session: Session, now: datetime, students: Collection[int] | None) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("figures change only in the transaction of the records they are made of")
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "session": session.pk,
                "held_on": session.held_on,
                "students": None if students is None else sorted(students),
                "now": now,
            },
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One kept row that disagrees with the records; counts are (held, present, late, absent, excused)."""

    student_id: int
    course_id: int
    term_id: int
    kept: tuple[int, int, int, int, int] | None
    counted: tuple[int, int, int, int, int] | None


# Everything from records; terms of which a year was retired are left alone, their records are gone on purpose.
_RECOMPUTED = """
    SELECT r.student_id, sec.course_id, s.term_id, s.school_id,
           count(*) AS held,
           count(*) FILTER (WHERE r.status = 'present') AS present,
           count(*) FILTER (WHERE r.status = 'late') AS late,
           count(*) FILTER (WHERE r.status = 'absent') AS absent,
           count(*) FILTER (WHERE r.status = 'excused') AS excused
      FROM attendance_record r
      JOIN attendance_session s ON s.id = r.session_id AND s.held_on = r.held_on
                               AND s.status IN ('closed', 'locked')
      JOIN academics_section sec ON sec.id = r.section_id
     WHERE (%(school)s::bigint IS NULL OR s.school_id = %(school)s)
     GROUP BY 1, 2, 3, 4
"""

_COMPARE = f"""
WITH counted AS ({_RECOMPUTED}),
kept AS (
    SELECT t.* FROM attendance_statistics t JOIN academics_term term ON term.id = t.term_id
     WHERE (%(school)s::bigint IS NULL OR t.school_id = %(school)s)
       AND extract(year FROM term.starts_on)::int >= %(oldest)s
)
SELECT coalesce(k.student_id, n.student_id), coalesce(k.course_id, n.course_id), coalesce(k.term_id, n.term_id),
       k.held, k.present, k.late, k.absent, k.excused,
       n.held, n.present, n.late, n.absent, n.excused
  FROM kept k
  FULL JOIN counted n ON n.student_id = k.student_id AND n.course_id = k.course_id AND n.term_id = k.term_id
 WHERE (coalesce(k.held, 0), coalesce(k.present, 0), coalesce(k.late, 0), coalesce(k.absent, 0),
        coalesce(k.excused, 0))
       IS DISTINCT FROM (coalesce(n.held, 0), coalesce(n.present, 0), coalesce(n.late, 0), coalesce(n.absent, 0),
        coalesce(n.excused, 0))
 ORDER BY 1, 2, 3
"""


def check(*, school: School | None = None) -> list[Difference]:
    """Every kept figure that differs from a recomputation over all records."""
    from attendance.models import AttendanceRecord
    from core import partitions

    oldest = min(partitions.years(AttendanceRecord), default=0)
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE, {"school": school.pk if school else None, "oldest": oldest})
        return [
            Difference(
                row[0],
                row[1],
                row[2],
                None if row[3] is None else row[3:8],
                None if row[8] is None else row[8:13],
            )
            for row in cursor.fetchall()
        ]


@transaction.atomic
def rebuild(*, school: School | None = None, now: datetime) -> int:
    """Compute all figures anew from records; returns the number of rows written. Used for repair and bulk loads."""
    parameters = {"school": school.pk if school else None, "now": now}
    with connection.cursor() as cursor:
        # Writers wait: a difference applied to rows that are being replaced would be lost.
        cursor.execute("LOCK TABLE attendance_statistics IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(
            "DELETE FROM attendance_statistics WHERE (%(school)s::bigint IS NULL OR school_id = %(school)s)",
            parameters,
        )
        cursor.execute(
            f"""INSERT INTO attendance_statistics
                (student_id, course_id, term_id, school_id, held, present, late, absent, excused,
                 percentage, updated_at)
            SELECT n.student_id, n.course_id, n.term_id, n.school_id, held, present, late, absent, excused,
                   {_FIGURES.format(present="present", late="late", absent="absent", excused="excused")}, %(now)s
              FROM ({_RECOMPUTED}) n JOIN attendance_configuration c ON c.school_id = n.school_id""",
            parameters,
        )
        return int(cursor.rowcount)


def refresh_percentages(*, school: School, now: datetime) -> int:
    """Recompute the kept percentages after a rule of the school changed; counts stay. Returns the rows changed."""
    with connection.cursor() as cursor:
        # A class that closes meanwhile still counts by the old rule: it ends first, or waits for the new one.
        cursor.execute("LOCK TABLE attendance_statistics IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(
            f"""UPDATE attendance_statistics t SET percentage = n.percentage, updated_at = %(now)s
                  FROM (SELECT t.id, {
                _FIGURES.format(present="t.present", late="t.late", absent="t.absent", excused="t.excused")
            } AS percentage
                          FROM attendance_statistics t JOIN attendance_configuration c ON c.school_id = t.school_id
                         WHERE t.school_id = %(school)s) n
                 WHERE n.id = t.id AND n.percentage IS DISTINCT FROM t.percentage""",
            {"school": school.pk, "now": now},
        )
        return int(cursor.rowcount)
