"""Whom a class concerns: its roster of that day, its faculty, its substitute; and who decides on what students ask."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q

from academics.models import Department, Section, Student
from accounts.enums import Role
from accounts.models import User
from attendance.enums import SessionStatus
from attendance.models import CondonationRequest, Session
from attendance.selectors.figures import rows_of

# Of a combined lecture everybody hears the name of the course in which they sit; faculty those of all.
_CONCERNED = """
WITH who AS (
    SELECT ss.session_id, st.user_id, course.title
      FROM attendance_session_sections ss
      JOIN attendance_session s ON s.id = ss.session_id
      JOIN academics_section sec ON sec.id = ss.section_id
      JOIN academics_course course ON course.id = sec.course_id
      JOIN academics_enrollment e ON e.section_id = sec.id
           AND e.joined_on <= s.held_on AND (e.left_on IS NULL OR e.left_on > s.held_on)
      JOIN academics_student st ON st.id = e.student_id
     WHERE ss.session_id = ANY (%(sessions)s)
    UNION
    SELECT taught.session_id, f.user_id, course.title
      FROM (SELECT session_id, faculty_id FROM attendance_session_faculty WHERE session_id = ANY (%(sessions)s)
            UNION
            SELECT id, substitute_id FROM attendance_session
             WHERE id = ANY (%(sessions)s) AND substitute_id IS NOT NULL) taught
      JOIN academics_faculty f ON f.id = taught.faculty_id
      JOIN attendance_session_sections ss ON ss.session_id = taught.session_id
      JOIN academics_section sec ON sec.id = ss.section_id
      JOIN academics_course course ON course.id = sec.course_id
), classes AS (
    SELECT who.user_id, s.id, s.starts_at, string_agg(DISTINCT who.title, ' / ') AS course
      FROM who JOIN attendance_session s ON s.id = who.session_id
     GROUP BY who.user_id, s.id, s.starts_at
)
SELECT user_id,
       jsonb_agg(jsonb_build_object('session', id, 'starts_at', starts_at, 'course', course) ORDER BY starts_at, id)
  FROM classes GROUP BY user_id ORDER BY user_id
"""

# Asked at every closing: the ORM would take longer to write it than PostgreSQL to answer.
_ABSENT = """
SELECT st.user_id, st.enrollment_no, course.code, course.title
  FROM attendance_record r
  JOIN academics_student st ON st.id = r.student_id
  JOIN academics_section sec ON sec.id = r.section_id
  JOIN academics_course course ON course.id = sec.course_id
 WHERE r.session_id = %(session)s AND r.held_on = %(held_on)s AND r.status = 'absent'
 ORDER BY st.user_id
"""


def concerned(sessions: Collection[UUID]) -> dict[int, list[dict[str, Any]]]:
    """User → their classes among these, in order: ``{session, starts_at, course}``. One query, however many."""
    # Django leaves JSON to its own fields.
    rows = rows_of(_CONCERNED, {"sessions": list(sessions)})
    return {user: json.loads(classes) for user, classes in rows}


def absentees(session: Session) -> list[tuple[int, str, str, str]]:
    """(user, enrollment number, code and title of the course) of whoever is absent from a class."""
    rows = rows_of(_ABSENT, {"session": session.pk, "held_on": session.held_on})
    return [(user, number, code, title) for user, number, code, title in rows]


def deciders_on_leave(student: Student, *, since: date, but: int) -> set[int]:
    """Who heads the student's department or has a section in charge in which they sit from then on; else the office.

    Nobody decides on what they asked for (`but`), and nobody who has left.
    """
    heads = Department.objects.filter(student=student, head__user__is_active=True)
    in_charge = Section.objects.filter(
        enrollments__student=student,
        enrollments__left_on__isnull=True,
        term__ends_on__gte=since,
        faculty__user__is_active=True,
    )
    found = {*heads.values_list("head__user", flat=True), *in_charge.values_list("faculty__user", flat=True)}
    return found - {but} or office_of(student.school_id)


def deciders_on_correction(session: Session, *, but: int) -> set[int]:
    """Whoever stands in front of the class, else the office; of one that is locked the office alone.

    Nobody decides on what they asked for (`but`), and nobody who has left.
    """
    if session.status == SessionStatus.LOCKED:
        return office_of(session.school_id)
    found = set(session.faculty.filter(user__is_active=True).values_list("user", flat=True))
    if session.substitute is not None and session.substitute.user.is_active:
        found.add(session.substitute.user_id)
    return found - {but} or office_of(session.school_id)


def heads_for(condonation: CondonationRequest) -> set[int]:
    """Who heads the department of the student or of the course; may be nobody."""
    departments = Q(pk=condonation.student.department_id) | Q(pk=condonation.course.department_id)
    heads = Department.objects.filter(departments, head__isnull=False)
    return set(heads.values_list("head__user", flat=True))


def office_of(school_id: int) -> set[int]:
    people = User.objects.filter(school=school_id, role=Role.ADMIN, is_active=True)
    return set(people.values_list("pk", flat=True))
