"""Leave as people look at it: of which classes it may be, which it covers, and what deciding on it would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection
from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from academics.models import Section, Student
from attendance.enums import SessionStatus
from attendance.models import LeaveApplication, LeaveSession, Session
from attendance.selectors.days import ClassView, describe
from attendance.selectors.sessions import with_details

#: In these classes marks do not change, by leave or otherwise.
OUT_OF_REACH = [SessionStatus.CANCELLED.value, SessionStatus.VOID.value]

#: Whether a class (alias `s`) between two days is a student's own. Whoever has a record belongs to the class, also
#: if a transfer entered later took them off its roster.
THEIRS = """
    s.school_id = %(school)s AND s.held_on BETWEEN %(first)s AND %(last)s AND s.status <> ALL (%(gone)s::text[])
    AND (EXISTS (SELECT 1 FROM attendance_session_sections ss
                   JOIN academics_enrollment e ON e.section_id = ss.section_id AND e.student_id = %(student)s
                        AND e.joined_on <= s.held_on AND (e.left_on IS NULL OR e.left_on > s.held_on)
                  WHERE ss.session_id = s.id)
         OR EXISTS (SELECT 1 FROM attendance_record r
                     WHERE r.session_id = s.id AND r.held_on = s.held_on AND r.student_id = %(student)s))
"""

#: Whether a leave (alias `l`) is for a class, by the class's columns: of some classes only those, else every day of it.
COVERS = """
    l.from_date <= {held_on} AND l.to_date >= {held_on}
    AND (NOT l.partial OR EXISTS (SELECT 1 FROM attendance_leave_session ls
                                   WHERE ls.leave_id = l.id AND ls.session_id = {session}))
"""

# The same marks that `services.leave_marks` changes; the outer dates keep to the partitions of those years.
_EFFECTS = f"""
SELECT l.id, count(*) FILTER (WHERE r.status = 'absent' AND s.status <> 'locked'),
       count(*) FILTER (WHERE r.status = 'absent' AND s.status = 'locked'),
       count(*) FILTER (WHERE r.leave_id = l.id)
  FROM attendance_leave_application l
  JOIN attendance_record r ON r.student_id = l.student_id AND r.held_on BETWEEN %(first)s AND %(last)s
       AND (r.status = 'absent' OR r.leave_id = l.id) AND {COVERS.format(held_on="r.held_on", session="r.session_id")}
  JOIN attendance_session s ON s.id = r.session_id AND s.held_on = r.held_on AND s.status <> ALL (%(gone)s::text[])
 WHERE l.id = ANY (%(leaves)s::uuid[])
 GROUP BY l.id
"""


@dataclass(frozen=True, slots=True)
class LeaveEffect:
    """Marks of held classes: `absences` that approval would change, those that are `locked`, what the leave `made`."""

    absences: int = 0
    locked: int = 0
    made: int = 0


def classes_of(student: Student, day: date) -> set[UUID]:
    """The classes of a day to which the student belongs, by roster or by a mark."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.id FROM attendance_session s WHERE {THEIRS}",
            {
                "school": student.school_id,
                "student": student.pk,
                "first": day,
                "last": day,
                "gone": OUT_OF_REACH,
            },
        )
        return {ident for (ident,) in cursor.fetchall()}


def classes_to_choose(student: Student, day: date) -> list[ClassView]:
    """The same in words, in order of time: what leave for some classes of that day may be for."""
    found = with_details(Session.objects.filter(pk__in=classes_of(student, day)))
    return [describe(session) for session in found.order_by("starts_at", "id")]


def with_people(leaves: QuerySet[LeaveApplication]) -> QuerySet[LeaveApplication]:
    """Loads whom a leave is for and who decided along."""
    return leaves.select_related("school", "student__user", "student__cohort", "reviewer")


def load_classes(leaves: Sequence[LeaveApplication]) -> None:
    """Loads the classes of leaves for single classes: two queries whatever the number of rows."""
    prefetch_related_objects(
        leaves,
        Prefetch("classes", LeaveSession.objects.select_related("session").order_by("session__starts_at")),
        Prefetch("classes__session__sections", Section.objects.select_related("course").order_by("id")),
    )


def effects(leaves: Sequence[LeaveApplication]) -> dict[UUID, LeaveEffect]:
    """What deciding on each leave would change, in one query; nothing is there for those that change nothing."""
    if not leaves:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _EFFECTS,
            {
                "leaves": [leave.pk for leave in leaves],
                "first": min(leave.from_date for leave in leaves),
                "last": max(leave.to_date for leave in leaves),
                "gone": OUT_OF_REACH,
            },
        )
        return {ident: LeaveEffect(*counts) for ident, *counts in cursor.fetchall()}
