"""Figures per student, course and term, kept in the transaction of whatever changes a counted record.

They are kept by difference: before a change the old contribution of the touched records is taken out, after it
the new one is put in. A difference commutes, so two classes of one course that close at the same moment cannot
lose each other's numbers; recomputing from a snapshot could. `check` recomputes everything and compares.

Rows are always touched in the order of their student, so that two transactions wait instead of deadlocking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from accounts.models import School, User
from attendance.models import AttendanceRecord, Session
from audit.services.entries import operation
from core import partitions
from core.db import prepared

_FIGURES = """(SELECT f.percentage FROM attendance_figures({present}, {late}, {absent}, {excused}, c.late_weight,
    c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) f)"""

_OF_ONE_CLASS = """r.session_id = %(session)s AND r.held_on = %(held_on)s
       AND (%(students)s::bigint[] IS NULL OR r.student_id = ANY (%(students)s::bigint[]))"""
_OF_ONE_STUDENT = """r.student_id = %(student)s AND r.session_id = ANY (%(sessions)s::uuid[])
       AND r.held_on = ANY (%(days)s::date[])"""
_OF_THESE = """(r.session_id, r.held_on, r.student_id) IN (
       SELECT * FROM unnest(%(sessions)s::uuid[], %(days)s::date[], %(students)s::bigint[]))"""

# What the records in question contribute, one row per (student, course).
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
     WHERE {{which}}
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
     WHERE {{which}}
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


# Before marks of some students are taken and added: those who had no mark are not among the taken, and adding them
# after the others would lock them out of turn.
_HOLD = """
SELECT t.id FROM attendance_statistics t
 WHERE t.student_id = ANY (%(students)s::bigint[])
   AND t.term_id IN (SELECT s.term_id FROM attendance_session s WHERE s.id = ANY (%(sessions)s::uuid[]))
 ORDER BY t.student_id, t.course_id FOR NO KEY UPDATE
"""


def add(session: Session, *, now: datetime, students: Collection[int] | None = None) -> None:
    """Count the session's records in; all of them, or those of some students (ids)."""
    _run_class(_APPLY, session, now, students)


def take(session: Session, *, now: datetime, students: Collection[int] | None = None) -> None:
    """Take the session's records out of the figures, before they change or stop counting."""
    if students is not None:
        _run(_HOLD, {"students": sorted(students), "sessions": [session.pk]}, prepared())
    _run_class(_TAKE, session, now, students)


def add_student(student_id: int, classes: Mapping[UUID, date], *, now: datetime) -> None:
    """Count one student's records in several classes in; `classes` are ids of counted sessions with their days."""
    _run_student(_APPLY, student_id, classes, now)


def take_student(student_id: int, classes: Mapping[UUID, date], *, now: datetime) -> None:
    """Take one student's records in several classes out, before they change."""
    _run_student(_TAKE, student_id, classes, now)


def add_marks(marks: Collection[tuple[UUID, date, int]], *, now: datetime) -> None:
    """Count single records in, whatever their classes: (session, day, student) of each."""
    _run_marks(_APPLY, marks, now)


def take_marks(marks: Collection[tuple[UUID, date, int]], *, now: datetime) -> None:
    """Take single records out, before they change."""
    if marks:
        sessions, _days, students = map(list, zip(*marks, strict=True))
        _run(_HOLD, {"students": students, "sessions": sessions}, connection.cursor())
    _run_marks(_TAKE, marks, now)


def _run_marks(sql: str, marks: Collection[tuple[UUID, date, int]], now: datetime) -> None:
    if marks:
        sessions, days, students = map(list, zip(*marks, strict=True))
        known = {"sessions": sessions, "days": days, "students": students}
        # Planned each time: of how many marks it is about decides how they are best looked up.
        _run(sql.format(which=_OF_THESE), {**known, "now": now}, connection.cursor())


def _run_class(sql: str, session: Session, now: datetime, students: Collection[int] | None) -> None:
    _run(
        sql.format(which=_OF_ONE_CLASS),
        {
            "session": session.pk,
            "held_on": session.held_on,
            "students": None if students is None else sorted(students),
            "now": now,
        },
        prepared(),
    )


def _run_student(sql: str, student_id: int, classes: Mapping[UUID, date], now: datetime) -> None:
    if classes:
        known = {"student": student_id, "sessions": list(classes), "days": sorted(set(classes.values()))}
        _run(sql.format(which=_OF_ONE_STUDENT), {**known, "now": now}, prepared())


def _run(sql: str, parameters: dict[str, Any], cursor: CursorWrapper) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("figures change only in the transaction of the records they are made of")
    with cursor:
        cursor.execute(sql, parameters)


class Counts(NamedTuple):
    """The figures of one row; the percentage as it is shown, None when nothing counts."""

    held: int
    present: int
    late: int
    absent: int
    excused: int
    percentage: Decimal | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One kept row that disagrees with the records: a student (enrollment number), a course (code), a term (name).

    `kept` is None where a row is missing, `counted` where there is no record that it could come from.
    """

    school_id: int
    student: str
    course: str
    term: str
    kept: Counts | None
    counted: Counts | None


# Everything from records. Terms of which a year was retired are left alone: their records are gone on purpose.
# A year may be retired for one school and stay for the others: the evidence of retention says so.
_KNOWN_TERMS = """
    SELECT id FROM academics_term known
     WHERE extract(year FROM starts_on)::int >= %(oldest)s AND (%(school)s::bigint IS NULL OR school_id = %(school)s)
       AND NOT EXISTS (SELECT FROM audit_retention_run gone WHERE gone.table = 'attendance_record'
                          AND gone.school_id = known.school_id AND gone.year >= extract(year FROM known.starts_on))
"""
_RECOMPUTED = f"""
    SELECT n.*, {_FIGURES.format(present="n.present", late="n.late", absent="n.absent", excused="n.excused")}
      FROM (SELECT r.student_id, sec.course_id, s.term_id, s.school_id,
                   count(*) AS held,
                   count(*) FILTER (WHERE r.status = 'present') AS present,
                   count(*) FILTER (WHERE r.status = 'late') AS late,
                   count(*) FILTER (WHERE r.status = 'absent') AS absent,
                   count(*) FILTER (WHERE r.status = 'excused') AS excused
              FROM attendance_record r
              JOIN attendance_session s ON s.id = r.session_id AND s.held_on = r.held_on
                                       AND s.status IN ('closed', 'locked')
              JOIN academics_section sec ON sec.id = r.section_id
             WHERE s.term_id IN ({_KNOWN_TERMS})
             GROUP BY 1, 2, 3, 4) n
      JOIN attendance_configuration c ON c.school_id = n.school_id
"""

_COMPARE = f"""
WITH counted AS ({_RECOMPUTED}),
kept AS (SELECT * FROM attendance_statistics WHERE term_id IN ({_KNOWN_TERMS}))
SELECT coalesce(k.school_id, n.school_id), st.enrollment_no, course.code, term.name,
       k.held, k.present, k.late, k.absent, k.excused, k.percentage,
       n.held, n.present, n.late, n.absent, n.excused, n.percentage
  FROM kept k
  FULL JOIN counted n ON n.student_id = k.student_id AND n.course_id = k.course_id AND n.term_id = k.term_id
  JOIN academics_student st ON st.id = coalesce(k.student_id, n.student_id)
  JOIN academics_course course ON course.id = coalesce(k.course_id, n.course_id)
  JOIN academics_term term ON term.id = coalesce(k.term_id, n.term_id)
 WHERE (coalesce(k.held, 0), coalesce(k.present, 0), coalesce(k.late, 0), coalesce(k.absent, 0),
        coalesce(k.excused, 0), k.percentage)
       IS DISTINCT FROM (coalesce(n.held, 0), coalesce(n.present, 0), coalesce(n.late, 0), coalesce(n.absent, 0),
        coalesce(n.excused, 0), n.percentage)
 ORDER BY 1, 2, 3, 4
"""


def check(*, school: School | None = None) -> list[Difference]:
    """Every kept figure that differs from a recomputation over all records."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE, _known(school))
        return [
            Difference(school_id, student, course, term, _counts(figures[:6]), _counts(figures[6:]))
            for school_id, student, course, term, *figures in cursor.fetchall()
        ]


def _known(school: School | None) -> dict[str, Any]:
    return {
        "school": school.pk if school else None,
        "oldest": min(partitions.years(AttendanceRecord), default=0),
    }


def _counts(columns: Sequence[Any]) -> Counts | None:
    return None if columns[0] is None else Counts(*columns)


@transaction.atomic
def repair(*, school: School | None = None, by: User | None, now: datetime) -> list[Difference]:
    """Make the kept figures what the records say; the differences there were."""
    _hold_writers()
    found = check(school=school)
    if found:
        rebuild(school=school, now=now)
        with operation(by=by, at=now) as op:
            for school_id, count in sorted(Counter(item.school_id for item in found).items()):
                op.record(
                    "statistics.repair",
                    school_id=school_id,
                    object_type="school",
                    object_id=school_id,
                    after={"count": count},
                )
    return found


@transaction.atomic
def rebuild(*, school: School | None = None, now: datetime) -> int:
    """Compute all figures anew from records; returns the number of rows written. Used for repair and bulk loads."""
    parameters = {**_known(school), "now": now}
    _hold_writers()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM attendance_statistics WHERE term_id IN ({_KNOWN_TERMS})", parameters)
        cursor.execute(
            f"""INSERT INTO attendance_statistics
                (student_id, course_id, term_id, school_id, held, present, late, absent, excused,
                 percentage, updated_at)
            SELECT student_id, course_id, term_id, school_id, held, present, late, absent, excused, percentage,
                   %(now)s
              FROM ({_RECOMPUTED}) n""",
            parameters,
        )
        return int(cursor.rowcount)


def _hold_writers() -> None:
    """Writers wait: a difference applied to rows that are being replaced would be lost."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE attendance_statistics IN SHARE ROW EXCLUSIVE MODE")


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
