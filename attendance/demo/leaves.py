"""Leave in the demo: what excused the students who were ill, and what waits for somebody to decide."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from django.db import connection, transaction

from academics.models import Student
from accounts.models import User
from attendance.demo.campus import Campus
from attendance.enums import LeaveKind, LeaveStatus
from attendance.models import LeaveApplication

_REASONS = {
    LeaveKind.MEDICAL: ("Viral fever", "Dental treatment", "Sprained ankle", "Food poisoning", "Migraine"),
    LeaveKind.CASUAL: ("My sister's wedding", "A family function at home", "Travelling to my village"),
    LeaveKind.ON_DUTY: ("Inter-college hackathon", "NSS camp", "University kabaddi team"),
}
_WAITING = (LeaveKind.CASUAL, LeaveKind.ON_DUTY, LeaveKind.MEDICAL)

# Whoever is ill is away for some days of one week: those days are one leave.
_ILL = """
SELECT r.student_id, min(r.held_on), max(r.held_on) FROM attendance_record r
 WHERE r.school_id = %s AND r.status = 'excused' AND r.leave_id IS NULL
 GROUP BY r.student_id, date_trunc('week', r.held_on)
 ORDER BY 2, 1
"""

_NAME_IT = """
UPDATE attendance_record r SET leave_id = l.id FROM attendance_leave_application l
 WHERE l.school_id = %s AND l.status = 'approved' AND r.student_id = l.student_id AND r.school_id = l.school_id
   AND r.held_on BETWEEN l.from_date AND l.to_date AND r.status = 'excused' AND r.leave_id IS NULL
"""


@transaction.atomic
def ask(campus: Campus, *, now: datetime) -> int:
    """The applications behind the excused marks, and some for the coming week; returns how many there are."""
    students = {student.pk: student for student in campus.students}
    reviewer = User.objects.filter(school=campus.school, role="admin").order_by("pk").first()
    with connection.cursor() as cursor:
        cursor.execute(_ILL, [campus.school.pk])
        ill = cursor.fetchall()
    made = [
        _leave(campus, students[student], LeaveKind.MEDICAL, first, last, number=number, reviewer=reviewer)
        for number, (student, first, last) in enumerate(ill)
        if student in students
    ]
    made += _waiting(campus, now=now)
    LeaveApplication.objects.bulk_create(made, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute(_NAME_IT, [campus.school.pk])
    return len(made)


def _waiting(campus: Campus, *, now: datetime) -> Iterator[LeaveApplication]:
    """One student in sixty asks for days of the coming week; the first of them is the one who signs in."""
    for number, student in enumerate(campus.students[::60]):
        first = campus.today + timedelta(days=2 + number % 4)
        leave = _leave(
            campus, student, _WAITING[number % 3], first, first + timedelta(days=number % 3), number=number
        )
        leave.applied_at = min(leave.applied_at, now - timedelta(hours=1 + number % 20))
        yield leave


def _leave(
    campus: Campus,
    student: Student,
    kind: LeaveKind,
    first: date,
    last: date,
    *,
    number: int,
    reviewer: User | None = None,
) -> LeaveApplication:
    """An application; approved on its first day if somebody reviews it."""
    morning = datetime.combine(first, time(7, 30), campus.school.tz)
    reasons = _REASONS[kind]
    leave = LeaveApplication(
        school=campus.school,
        student=student,
        kind=kind,
        from_date=first,
        to_date=last,
        reason=reasons[number % len(reasons)],
        applied_at=morning,
        applied_by_id=student.user_id,
    )
    if reviewer is not None:
        leave.status = LeaveStatus.APPROVED
        leave.reviewer = reviewer
        leave.reviewed_at = morning + timedelta(hours=3)
    return leave
