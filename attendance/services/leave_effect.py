"""What a leave does to a mark: one rule, for the closing of a class, for approval and for revoking.

Medical, casual and other leave excuses; whoever is on duty elsewhere counts as present.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from academics.models import Student
from attendance.models import Session
from attendance.selectors.leaves import COVERS

#: The status that a leave (alias `l`) gives.
STATUS = "CASE WHEN l.kind = 'on_duty' THEN 'present' ELSE 'excused' END"

#: The approved leave of a student for a class as a lateral row `leave (id, status)`, nulls without one.
LATERAL = f"""
    LEFT JOIN LATERAL (
        SELECT l.id, {STATUS} AS status FROM attendance_leave_application l
         WHERE l.student_id = {{student}} AND l.status = 'approved' AND {COVERS}
         ORDER BY l.id LIMIT 1) leave ON true
"""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a student is in a class by leave, and by which."""

    leave_id: UUID
    status: str


def leave_effect(*, student: Student, session: Session) -> Effect | None:
    """What an approved leave makes of a student in a class that has no better word on them; None without a leave."""
    joined = LATERAL.format(student="i.student", held_on="i.held_on", session="i.session")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT leave.id, leave.status"
            f" FROM (SELECT %s::bigint AS student, %s::date AS held_on, %s::uuid AS session) i {joined}",
            [student.pk, session.held_on, session.pk],
        )
        row = cursor.fetchone()
    return None if row is None or row[0] is None else Effect(*row)
