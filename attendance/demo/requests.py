"""Corrections and condonation in the demo, in every state that they can be in; and what some agreed to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

from django.db import connection, transaction

from academics.models import Department, Student
from accounts.consent_texts import current
from accounts.enums import ConsentPurpose, Role
from accounts.models import Consent, User
from attendance.demo.campus import Campus
from attendance.enums import CondonationStatus, CorrectionStatus, Status
from attendance.models import CondonationRequest, CorrectionRequest
from attendance.services import templates

#: What students say of a mark that became `present`, became `late`, or stayed what it was.
_WRONG = (
    "I sat in the last row and was missed.",
    "My phone's battery was empty, so I could not scan. My bench mates saw me.",
    "I was in the laboratory with the instructor from the beginning.",
    "I went to the board right at the start.",
)
_REFUSED = ("The head count of that hour says otherwise.", "You left after ten minutes.")
_ILL = (
    "Two weeks in hospital with dengue; the discharge summary is with the office.",
    "I represented the university at the South Zone athletics meet.",
    "My father had an operation, and I was needed at home.",
)

# Marks of the last days, those of the demo's own student and lecturer first: absences that may be said to be wrong,
# and marks by hand that may be the answer to such a request. `own` marks a class in the lecturer's charge.
_MARKS = """
SELECT r.session_id, r.student_id, r.status, r.marked_by_id, s.ends_at,
       EXISTS (SELECT 1 FROM attendance_session_faculty sf JOIN academics_faculty f ON f.id = sf.faculty_id
                JOIN accounts_user u ON u.id = f.user_id
               WHERE sf.session_id = s.id AND u.username = %(lecturer)s) AS own
  FROM attendance_record r
  JOIN attendance_session s ON s.id = r.session_id AND s.held_on = r.held_on
  JOIN academics_student st ON st.id = r.student_id
 WHERE r.school_id = %(school)s AND r.held_on > %(since)s AND s.status IN ('closed', 'locked')
   AND ((r.status = 'absent' AND r.source = 'system')
        OR (r.status IN ('present', 'late') AND r.source = 'manual' AND r.marked_by_id IS NOT NULL))
 ORDER BY own DESC, s.starts_at DESC, st.enrollment_no
"""

_CONDONABLE = """
SELECT t.student_id, t.course_id, f.percentage
  FROM attendance_statistics t
  JOIN attendance_configuration c ON c.school_id = t.school_id
  JOIN academics_student st ON st.id = t.student_id
  JOIN academics_course co ON co.id = t.course_id
 CROSS JOIN LATERAL attendance_figures(t.present, t.late, t.absent, t.excused, c.late_weight,
       c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) f
 WHERE t.school_id = %(school)s AND t.term_id = %(term)s AND f.band = 'condonable'
 ORDER BY st.enrollment_no, co.code
"""


@transaction.atomic
def ask(campus: Campus, *, now: datetime) -> int:
    """Requests in every state, and consents; returns how many requests there are."""
    corrections = list(_corrections(campus, now))
    CorrectionRequest.objects.bulk_create(corrections)
    condonations = list(_condonations(campus, now))
    CondonationRequest.objects.bulk_create(condonations)
    _agree(campus, now)
    return len(corrections) + len(condonations)


def _spread(rows: list[tuple[Any, ...]], most: int) -> list[tuple[Any, ...]]:
    """At most so many, from all over the list."""
    return rows[:: max(1, -(-len(rows) // most))]


def _rows(sql: str, campus: Campus, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"school": campus.school.pk, **parameters})
        return cursor.fetchall()


def _corrections(campus: Campus, now: datetime) -> Iterator[CorrectionRequest]:
    """A few of the lecturer's own classes and of the student who signs in, and some from all over the school."""
    students = {student.pk: student for student in campus.students}
    office = User.objects.filter(school=campus.school, role=Role.ADMIN).order_by("pk").first()
    marks = _rows(
        _MARKS,
        campus,
        lecturer=campus.plan.logins.get("faculty", ""),
        since=campus.today - timedelta(days=14),
    )
    me = campus.students[0].pk
    chosen = [row for row in marks if row[1] == me][:4]
    chosen += [row for row in marks if row[5] and row[1] != me][:24:4]
    chosen += _spread([row for row in marks if not row[5] and row[1] != me], 18)
    for number, (session, student, status, marked_by, ends_at, _own) in enumerate(chosen):
        asked = CorrectionRequest(
            school=campus.school,
            session_id=session,
            student=students[student],
            reason=_WRONG[number % len(_WRONG)],
            requested_at=min(ends_at + timedelta(hours=3 + number % 9), now),
            requested_by_id=students[student].user_id,
        )
        if status != Status.ABSENT:
            # Somebody set it by hand, because of this.
            asked.old_status, asked.requested_status = Status.ABSENT, status
            asked.status, asked.reviewer_id = CorrectionStatus.APPROVED, marked_by
        else:
            asked.old_status, asked.requested_status = (
                Status.ABSENT,
                (Status.PRESENT, Status.LATE)[number % 2],
            )
            if number % 6 == 5:
                asked.status, asked.reviewer = CorrectionStatus.REJECTED, office
                asked.remarks = _REFUSED[number % len(_REFUSED)]
            elif number % 11 == 10:
                asked.status = CorrectionStatus.CANCELLED
        if asked.reviewer_id:
            asked.reviewed_at = min(asked.requested_at + timedelta(hours=16), now)
        yield asked


def _condonations(campus: Campus, now: datetime) -> Iterator[CondonationRequest]:
    """One of each student, in every state; where nobody heads a department it waits for the office."""
    students = {student.pk: student for student in campus.students}
    office = User.objects.filter(school=campus.school, role=Role.ADMIN).order_by("pk").first()
    heads = dict(
        Department.objects.filter(school=campus.school, head__isnull=False).values_list("pk", "head__user")
    )
    of_student: dict[int, tuple[Any, ...]] = {}
    for row in _rows(_CONDONABLE, campus, term=campus.term.pk):
        of_student.setdefault(row[0], row)
    headed = [row for row in of_student.values() if students[row[0]].department_id in heads]
    others = [row for row in of_student.values() if students[row[0]].department_id not in heads]
    chosen = [*_spread(headed, 15), *_spread(others, 10)]
    for number, (student_id, course, percentage) in enumerate(chosen):
        student = students[student_id]
        yield _condonation(
            campus,
            student,
            number,
            head=heads.get(student.department_id or 0),
            office=office,
            now=now,
            course_id=course,
            percentage=percentage,
        )


def _condonation(
    campus: Campus,
    student: Student,
    number: int,
    *,
    head: int | None,
    office: User | None,
    now: datetime,
    **values: Any,
) -> CondonationRequest:
    morning = datetime.combine(campus.today - timedelta(days=6 - number % 5), time(8, 15), campus.school.tz)
    asked = CondonationRequest(
        school=campus.school,
        student=student,
        term=campus.term,
        reason=_ILL[number % len(_ILL)],
        fee_reference=f"SBI-{4711 + 37 * number}" if number % 3 else "",
        requested_at=morning,
        requested_by_id=student.user_id,
        **values,
    )
    state = number % 5
    if head and state in {1, 2, 3}:
        asked.status = CondonationStatus.RECOMMENDED
        asked.recommended_by_id, asked.recommended_at = head, morning + timedelta(hours=5)
        asked.remarks = asked.recommendation = "Has shown me the papers."
    if office and state in {2, 3}:
        refused = state == 3
        asked.status = CondonationStatus.REJECTED if refused else CondonationStatus.APPROVED
        asked.reviewer, asked.reviewed_at = office, min(morning + timedelta(hours=26), now)
        asked.remarks = "The fee has not been paid." if refused else asked.remarks
    return asked


def _agree(campus: Campus, now: datetime) -> None:
    """Every third student agrees to be in the directory; the one who signs in to more, and to a fingerprint."""
    me = campus.students[0]
    purposes = {ConsentPurpose.DIRECTORY: campus.students[::3], ConsentPurpose.BIOMETRIC: [me]}
    given = [
        Consent(
            user_id=student.user_id,
            purpose=purpose,
            text_version=current(purpose).version,
            granted_at=now - timedelta(days=40),
        )
        for purpose, some in purposes.items()
        for student in some
    ]
    given.append(
        Consent(
            user_id=me.user_id,
            purpose=ConsentPurpose.MESSAGING,
            text_version=current(ConsentPurpose.MESSAGING).version,
            granted_at=now - timedelta(days=38),
            withdrawn_at=now - timedelta(days=12),
        )
    )
    Consent.objects.bulk_create(given)
    office = User.objects.filter(school=campus.school, role=Role.ADMIN).order_by("pk").first()
    if office is not None:
        # Such as a reader of fingers sends: bytes that mean something to it alone.
        templates.enrol(
            student=me,
            kind="fingerprint",
            template="TVNJAQAAAAAA",
            position=1,
            by=office,
            now=now - timedelta(days=39),
        )
