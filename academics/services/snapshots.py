"""Snapshots of students: content-addressed, made where the student changes, shared by every record that saw them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction

# What a student is right now, with the address of that content. The separator cannot stand in any of the values.
# unnest, not ANY: right after a large load the planner has no statistics, but it sees how long the array is.
_STATE = """
    SELECT s.id, u.full_name AS name, s.enrollment_no, coalesce(d.code, '') AS department_code,
           coalesce(c.code, '') AS cohort_code,
           encode(sha256(convert_to(concat_ws(E'\\x1f', u.full_name, s.enrollment_no, coalesce(d.code, ''),
                                              coalesce(c.code, '')), 'UTF8')), 'hex') AS digest
      FROM unnest(%(students)s::bigint[]) AS wanted (id)
      JOIN academics_student s ON s.id = wanted.id
      JOIN accounts_user u ON u.id = s.user_id
      LEFT JOIN academics_department d ON d.id = s.department_id
      LEFT JOIN academics_cohort c ON c.id = s.cohort_id
"""

_ADD = f"""
INSERT INTO attendance_student_snapshot
       (student_id, name, enrollment_no, department_code, cohort_code, digest, created_at)
SELECT id, name, enrollment_no, department_code, cohort_code, digest, %(now)s FROM ({_STATE}) AS state
ON CONFLICT (student_id, digest) DO NOTHING
"""

_POINT = f"""
UPDATE academics_student s SET current_snapshot_id = snap.id
  FROM ({_STATE}) AS state
  JOIN attendance_student_snapshot snap ON snap.student_id = state.id AND snap.digest = state.digest
 WHERE s.id = state.id AND s.current_snapshot_id IS DISTINCT FROM snap.id
"""


@transaction.atomic
def refresh_snapshots(*, student_ids: Collection[int], now: datetime) -> int:
    """Point each student at the snapshot of what they are now, making those that do not exist yet.

    Two statements whatever the number; returns how many students got another snapshot.
    """
    parameters: dict[str, Any] = {"students": sorted(set(student_ids)), "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_ADD, parameters)
        cursor.execute(_POINT, parameters)
        return int(cursor.rowcount)
