"""Whether somebody holds a class, asked by the id of their token: one statement, no rows of people.

The same as `policies.can_run_session` for its faculty and its substitute, of whom nothing but a token is known. Others
who may (heads, the office) are asked the plain way.
"""

from __future__ import annotations

from uuid import UUID

from core.db import prepared

# Joins to a class `s` its teacher with this user's id, who may be signed in (`accounts.backends`).
TEACHER = """
      JOIN accounts_user u ON u.id = {user}::bigint AND u.is_active AND u.role = 'faculty' AND u.school_id = s.school_id
      JOIN accounts_school school ON school.id = s.school_id AND school.is_active
      JOIN academics_faculty f ON f.user_id = u.id
           AND (s.substitute_id = f.id OR EXISTS (SELECT 1 FROM attendance_session_faculty sf
                                                   WHERE sf.session_id = s.id AND sf.faculty_id = f.id))
"""
_HOLDS = f"""
SELECT s.school_id FROM attendance_session s {TEACHER.format(user="%(user)s")} WHERE s.id = %(session)s
"""


def holds(*, user_id: int, session_id: UUID) -> bool:
    """Whether this user is faculty or substitute of the class, and may be signed in."""
    with prepared() as cursor:
        cursor.execute(_HOLDS, {"user": user_id, "session": session_id})
        return cursor.fetchone() is not None
