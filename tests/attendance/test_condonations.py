"""Who lies between floor and threshold asks; the head of department recommends, the office decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from academics.models import Department
from accounts.models import User
from attendance import errors
from attendance.enums import CondonationStatus
from attendance.models import AttendanceConfiguration, AttendanceStatistics, CondonationRequest
from attendance.selectors.condonations import standings
from attendance.selectors.figures import course_figures
from attendance.services import condonations
from audit.models import AuditEntry
from core.db import refusal_of
from core.errors import CrossSchool, DomainError, InvalidTransition, ReasonRequired
from tests.attendance.evidence import NOTE, kept_files
from tests.colleges import College, make_college
from tests.factories import CondonationFactory, FacultyFactory, TermFactory, UserFactory
from tests.races import queue_up

pytestmark = pytest.mark.django_db

Apply = Callable[..., CondonationRequest]


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def college() -> College:
    return make_college()


def keep(college: College, *, present: int, absent: int, late: int = 0) -> None:
    """Figures of the first student in the course."""
    AttendanceStatistics.objects.create(
        student=college.students[0], course=college.section.course, term=college.section.term,
        school=college.school, held=present + absent + late, present=present, absent=absent, late=late,
        updated_at=college.session.ends_at,
    )  # fmt: skip


@pytest.fixture
def apply(college: College, now: datetime) -> Apply:
    def apply(**changes: Any) -> CondonationRequest:
        student = college.students[0]
        values: dict[str, Any] = {
            "student": student,
            "course": college.section.course,
            "term": college.section.term,
            "reason": "Two weeks in hospital",
            "fee_reference": "SBI-4711",
            "by": student.user,
            "now": now,
        }
        return condonations.apply(**(values | changes))

    return apply


@pytest.fixture
def asked(college: College, apply: Apply) -> CondonationRequest:
    """By a student with 14 of 20 classes."""
    keep(college, present=14, absent=6)
    return apply()


def entries(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action))


# -- applying -------------------------------------------------------------------------------------------------------


def test_an_application_keeps_the_percentage_of_its_day(college: College, asked: CondonationRequest) -> None:
    asked.refresh_from_db()
    assert (asked.status, asked.percentage, asked.fee_reference, asked.reason) == (
        CondonationStatus.PENDING,
        Decimal("70.00"),
        "SBI-4711",
        "Two weeks in hospital",
    )
    (entry,) = entries("condonation.apply")
    assert entry.after == {
        "student": college.number(0),
        "course": college.section.course.code,
        "term": college.section.term_id,
        "percentage": "70.00",
        "fee_reference": "SBI-4711",
        "file": "",
    }


@pytest.mark.parametrize(
    ("present", "absent", "percentage", "may"),
    [
        (13, 7, "65.00", True),
        (649, 351, "64.90", False),
        # 64.996 % and 74.996 % are shown as 65 and 75; what is shown does not decide.
        (16249, 8751, "65.00", False),
        (18749, 6251, "75.00", True),
        (15, 5, "75.00", False),
    ],
)
def test_the_unrounded_percentage_decides_who_may(
    college: College, apply: Apply, present: int, absent: int, percentage: str, may: bool
) -> None:
    keep(college, present=present, absent=absent)
    if may:
        assert apply().percentage == Decimal(percentage)
        return

    with pytest.raises(errors.NotCondonable) as refused:
        apply()

    assert refused.value.code == "not_condonable"
    assert refused.value.meta is not None
    assert refused.value.meta["percentage"] == Decimal(percentage)
    assert (refused.value.meta["floor"], refused.value.meta["threshold"]) == (65, 75)


def test_the_schools_own_rules_decide(college: College, apply: Apply) -> None:
    keep(college, present=10, late=6, absent=4)
    rules = AttendanceConfiguration.objects.filter(school=college.school)
    with pytest.raises(errors.NotCondonable):
        apply()

    rules.update(late_weight=Decimal("0.5"))

    assert apply().percentage == Decimal("65.00")


def test_without_a_class_held_there_is_nothing_to_condone(college: College, apply: Apply) -> None:
    with pytest.raises(errors.NotCondonable) as refused:
        apply()

    assert refused.value.meta == {"percentage": None, "band": None, "floor": 65, "threshold": 75}


def test_a_course_or_term_of_another_school_is_refused(college: College, apply: Apply) -> None:
    keep(college, present=14, absent=6)
    other = make_college()
    for wrong in ({"course": other.section.course}, {"term": other.section.term}):
        with pytest.raises(CrossSchool):
            apply(**wrong)


def test_another_term_has_figures_of_its_own(college: College, apply: Apply) -> None:
    keep(college, present=14, absent=6)
    before = TermFactory(school=college.school, name="2025-26", starts_on="2025-08-01", ends_on="2026-04-30")

    with pytest.raises(errors.NotCondonable):
        apply(term=before)


def test_applying_needs_a_reason(apply: Apply) -> None:
    with pytest.raises(ReasonRequired):
        apply(reason="  ")


def test_one_applies_once_in_a_course_and_term(asked: CondonationRequest, apply: Apply) -> None:
    with pytest.raises(errors.CondonationExists):
        apply()

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        CondonationFactory(
            school=asked.school, student=asked.student, course=asked.course, term=asked.term, section=None
        )
    told = refusal_of(refused.value)
    assert told is not None
    assert (told.code, told.status) == ("condonation_exists", 409)


def test_after_a_refusal_one_may_apply_again(
    college: College, asked: CondonationRequest, apply: Apply, now: datetime
) -> None:
    condonations.reject(condonation=asked, by=college.admin, now=now)

    assert apply().status == CondonationStatus.PENDING


def test_a_file_goes_with_it(college: College, apply: Apply) -> None:
    keep(college, present=14, absent=6)

    condonation = apply(upload=NOTE)

    assert (condonation.file_name, len(kept_files())) == ("Doctor's note.pdf", 1)


# -- deciding -------------------------------------------------------------------------------------------------------


def test_the_head_recommends_and_the_office_approves_and_no_percentage_changes(
    college: College, asked: CondonationRequest, now: datetime
) -> None:
    figures = course_figures(students=[asked.student_id], course_id=asked.course_id, term_id=asked.term_id)

    condonations.recommend(condonation=asked, remarks="I know the case", by=college.head, now=now)
    approved = condonations.approve(condonation=asked, by=college.admin, now=now)

    assert (approved.status, approved.recommended_by, approved.recommended_at) == (
        CondonationStatus.APPROVED,
        college.head,
        now,
    )
    assert (approved.reviewer, approved.reviewed_at, approved.remarks) == (
        college.admin,
        now,
        "I know the case",
    )
    assert (
        course_figures(students=[asked.student_id], course_id=asked.course_id, term_id=asked.term_id)
        == figures
    )
    (recommended,), (decided,) = entries("condonation.recommend"), entries("condonation.approve")
    assert (recommended.reason, recommended.after) == ("I know the case", {"status": "recommended"})
    assert (decided.before, decided.after) == ({"status": "recommended"}, {"status": "approved"})


def test_the_offices_own_remarks_take_the_place_of_the_heads(
    college: College, asked: CondonationRequest, now: datetime
) -> None:
    condonations.recommend(condonation=asked, remarks="I know the case", by=college.head, now=now)
    approved = condonations.approve(condonation=asked, remarks="Fee is paid", by=college.admin, now=now)

    assert approved.remarks == "Fee is paid"


def test_the_office_waits_for_the_recommendation(
    college: College, asked: CondonationRequest, now: datetime
) -> None:
    with pytest.raises(errors.RecommendationMissing):
        condonations.approve(condonation=asked, by=college.admin, now=now)

    asked.refresh_from_db()
    assert asked.status == CondonationStatus.PENDING


def test_where_nobody_heads_the_department_the_office_decides_alone(
    college: College, asked: CondonationRequest, now: datetime
) -> None:
    Department.objects.filter(pk=college.department.pk).update(head=None)

    assert (
        condonations.approve(condonation=asked, by=college.admin, now=now).status
        == CondonationStatus.APPROVED
    )


def test_where_the_head_has_left_it_waits_for_the_office_which_decides_alone(
    college: College, asked: CondonationRequest, now: datetime
) -> None:
    def waiting() -> list[CondonationRequest]:
        return list(CondonationRequest.objects.waiting_for(college.admin))

    assert (waiting(), standings([asked])[asked.pk].has_head) == ([], True)
    User.objects.filter(pk=college.head.pk).update(is_active=False)
    assert (waiting(), standings([asked])[asked.pk].has_head) == ([asked], False)

    assert (
        condonations.approve(condonation=asked, by=college.admin, now=now).status
        == CondonationStatus.APPROVED
    )


def test_the_head_of_the_students_own_department_is_waited_for_as_well(
    college: College, asked: CondonationRequest, now: datetime
) -> None:
    Department.objects.filter(pk=college.department.pk).update(head=None)
    other = Department.objects.create(
        school=college.school, code="ECE", name="Electronics", head=FacultyFactory(school=college.school)
    )
    type(asked.student).objects.filter(pk=asked.student_id).update(department=other)

    with pytest.raises(errors.RecommendationMissing):
        condonations.approve(condonation=asked, by=college.admin, now=now)


@pytest.mark.parametrize("recommended", [False, True])
def test_the_office_may_refuse_either_way(
    college: College, asked: CondonationRequest, now: datetime, recommended: bool
) -> None:
    if recommended:
        condonations.recommend(condonation=asked, by=college.head, now=now)

    rejected = condonations.reject(condonation=asked, remarks="No note", by=college.admin, now=now)

    assert (rejected.status, rejected.reviewer, rejected.remarks) == (
        CondonationStatus.REJECTED,
        college.admin,
        "No note",
    )


def test_every_move_is_harmless_to_repeat(college: College, asked: CondonationRequest, now: datetime) -> None:
    for move, person in ((condonations.recommend, college.head), (condonations.approve, college.admin)):
        first = move(condonation=asked, remarks="yes", by=person, now=now)
        told = AuditEntry.objects.count()
        again = move(condonation=asked, remarks="again", by=UserFactory(school=college.school), now=now)
        assert (again.status, again.reviewer, again.recommended_by, again.remarks) == (
            first.status,
            first.reviewer,
            first.recommended_by,
            "yes",
        )
        assert AuditEntry.objects.count() == told


def test_a_student_takes_back_what_the_office_has_not_decided(
    college: College, asked: CondonationRequest, now: datetime
) -> None:
    condonations.recommend(condonation=asked, by=college.head, now=now)
    for _ in range(2):
        condonations.cancel(condonation=asked, by=asked.student.user, now=now)

    asked.refresh_from_db()
    assert (asked.status, asked.reviewer) == (CondonationStatus.CANCELLED, None)
    assert len(entries("condonation.cancel")) == 1


@pytest.mark.parametrize("end", [condonations.approve, condonations.reject, condonations.cancel])
@pytest.mark.parametrize(
    "move", [condonations.recommend, condonations.approve, condonations.reject, condonations.cancel]
)
def test_what_is_decided_stays_decided(
    college: College, asked: CondonationRequest, now: datetime, end: Any, move: Any
) -> None:
    condonations.recommend(condonation=asked, by=college.head, now=now)
    ended = end(condonation=asked, by=college.admin, now=now).status
    if move is end:
        assert move(condonation=asked, by=college.admin, now=now).status == ended
        return

    with pytest.raises(InvalidTransition):
        move(condonation=asked, by=college.admin, now=now)

    asked.refresh_from_db()
    assert asked.status == ended


@pytest.mark.parametrize("move", [condonations.recommend, condonations.approve, condonations.reject])
def test_nobody_has_a_say_in_what_they_asked_for(
    college: College, apply: Apply, now: datetime, move: Any
) -> None:
    keep(college, present=14, absent=6)
    mine = apply(by=college.admin)

    for person in (college.admin, mine.student.user):
        with pytest.raises(errors.OwnRequest):
            move(condonation=mine, by=person, now=now)


@pytest.mark.parametrize("role", ["reviewer", "recommended_by"])
def test_the_database_knows_nobody_with_a_say_in_what_they_asked_for(
    asked: CondonationRequest, role: str
) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        CondonationRequest.objects.filter(pk=asked.pk).update(**{role: asked.requested_by})

    told = refusal_of(refused.value)
    assert told is not None
    assert (told.code, told.status) == ("own_request", 403)


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_decide_once(college: College, asked: CondonationRequest, now: datetime) -> None:
    condonations.recommend(condonation=asked, by=college.head, now=now)
    reviewers: list[User] = [UserFactory(school=college.school) for _ in range(6)]

    def act(index: int) -> Any:
        decision = condonations.approve if index % 2 else condonations.reject
        return decision(condonation=asked, by=reviewers[index], now=now)

    # All have read that nobody has decided.
    results = queue_up(
        6,
        act,
        behind="SELECT 1 FROM attendance_condonation_request WHERE id = %s FOR UPDATE",
        values=[asked.pk],
    )

    decided = CondonationRequest.objects.get()
    told = [result.code if isinstance(result, DomainError) else result.status for result in results]
    assert sorted(told) == sorted([decided.status] * 3 + ["invalid_transition"] * 3)
    (entry,) = AuditEntry.objects.filter(action__in=["condonation.approve", "condonation.reject"])
    assert entry.actor_id == decided.reviewer_id
