from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from academics.errors import DatesReversed, EnrollmentOverlap, JoinedLater, SameCohort
from academics.models import Enrollment
from academics.services import memberships, people
from audit.models import AuditEntry
from core.errors import CrossSchool
from tests.factories import (
    CohortFactory,
    EnrollmentFactory,
    SchoolFactory,
    SectionFactory,
    StudentFactory,
    TermFactory,
    UserFactory,
)
from tests.races import Background

pytestmark = pytest.mark.django_db

START = date(2026, 8, 3)  # of the term that the factories make
WEEK_4 = date(2026, 8, 24)
MID_TERM = date(2026, 11, 16)


@pytest.fixture
def school():
    return SchoolFactory()


@pytest.fixture
def cohorts(school):
    """A and B, each with a section."""
    first, second = CohortFactory.create_batch(2, school=school)
    SectionFactory(school=school, cohort=first)
    SectionFactory(school=school, cohort=second)
    return first, second


def newcomer(school, cohort, now, number="22CSE1", **values):
    return people.create_student(
        school=school, enrollment_no=number, full_name="N", cohort=cohort, by=None, now=now, **values
    )


def spans(student):
    return {
        (enrollment.section.cohort.code if enrollment.section.cohort else enrollment.section.name): (
            enrollment.joined_on,
            enrollment.left_on,
        )
        for enrollment in student.enrollments.select_related("section__cohort")
    }


def test_a_transfer_ends_one_membership_and_begins_the_other_on_the_same_day(school, cohorts, now):
    a, b = cohorts
    student = newcomer(school, a, now)

    moved = memberships.transfer(student=student, cohort=b, on=MID_TERM, by=None, now=now)

    assert spans(moved) == {a.code: (START, MID_TERM), b.code: (MID_TERM, None)}
    assert moved.cohort == b
    assert moved.current_snapshot.cohort_code == b.code


def test_on_the_day_of_the_transfer_only_the_new_roster_has_the_student(school, cohorts, now):
    a, b = cohorts
    student = newcomer(school, a, now)

    memberships.transfer(student=student, cohort=b, on=MID_TERM, by=None, now=now)

    on_day = Enrollment.objects.on(MID_TERM).get(student=student)
    day_before = Enrollment.objects.on(date(2026, 11, 15)).get(student=student)
    assert (day_before.section.cohort, on_day.section.cohort) == (a, b)


def test_electives_stay_and_what_was_over_is_not_touched(school, cohorts, now):
    a, b = cohorts
    student = newcomer(school, a, now)
    elective = SectionFactory(school=school, cohort=None, name="Robotics")
    EnrollmentFactory(student=student, section=elective)
    past = TermFactory(school=school, name="past", starts_on=date(2025, 8, 1), ends_on=date(2026, 4, 30))
    old = EnrollmentFactory(student=student, section=SectionFactory(school=school, term=past, cohort=a))

    memberships.transfer(student=student, cohort=b, on=MID_TERM, by=None, now=now)

    old.refresh_from_db()
    assert old.left_on is None
    assert spans(student)["Robotics"] == (START, None)


def test_between_batches_of_one_group_the_sections_of_the_group_stay(school, now):
    group = CohortFactory(school=school)
    first, second = CohortFactory.create_batch(2, school=school, parent=group)
    for cohort in (group, first, second):
        SectionFactory(school=school, cohort=cohort)
    student = newcomer(school, first, now)

    memberships.transfer(student=student, cohort=second, on=MID_TERM, by=None, now=now)

    assert spans(student) == {
        group.code: (START, None),
        first.code: (START, MID_TERM),
        second.code: (MID_TERM, None),
    }


def test_there_and_back_again_leaves_two_spells(school, cohorts, now):
    a, b = cohorts
    student = newcomer(school, a, now)

    memberships.transfer(student=student, cohort=b, on=WEEK_4, by=None, now=now)
    memberships.transfer(student=student, cohort=a, on=MID_TERM, by=None, now=now)

    spells = Enrollment.objects.filter(student=student, section__cohort=a).order_by("joined_on")
    assert [(spell.joined_on, spell.left_on) for spell in spells] == [(START, WEEK_4), (MID_TERM, None)]


def test_a_transfer_undone_on_its_own_day_leaves_no_gap(school, cohorts, now):
    a, b = cohorts
    student = newcomer(school, a, now)

    memberships.transfer(student=student, cohort=b, on=WEEK_4, by=None, now=now)
    memberships.transfer(student=student, cohort=a, on=WEEK_4, by=None, now=now)

    for day in (START, WEEK_4, MID_TERM):
        assert Enrollment.objects.on(day).get(student=student).section.cohort == a


def test_a_transfer_cannot_lie_before_the_last_one(school, cohorts, now):
    a, b = cohorts
    student = newcomer(school, a, now)
    memberships.transfer(student=student, cohort=b, on=MID_TERM, by=None, now=now)

    with pytest.raises(JoinedLater) as refusal:
        memberships.transfer(student=student, cohort=a, on=WEEK_4, by=None, now=now)

    assert refusal.value.code == "joined_later"
    assert "2026-11-16" in str(refusal.value)


def test_a_transfer_takes_sections_of_a_coming_term_along(school, cohorts, now):
    a, b = cohorts
    coming = TermFactory(school=school, name="coming", starts_on=date(2027, 7, 1), ends_on=date(2027, 12, 1))
    old, new = (
        SectionFactory(school=school, term=coming, cohort=a),
        SectionFactory(school=school, term=coming, cohort=b),
    )
    student = newcomer(school, a, now)

    memberships.transfer(student=student, cohort=b, on=MID_TERM, by=None, now=now)

    on_first_day = Enrollment.objects.on(coming.starts_on)
    assert not on_first_day.filter(student=student, section=old).exists()
    assert on_first_day.get(student=student, section=new).joined_on == coming.starts_on


def test_moving_to_where_one_is_already_is_refused(school, cohorts, now):
    student = newcomer(school, cohorts[0], now)

    with pytest.raises(SameCohort):
        memberships.transfer(student=student, cohort=cohorts[0], on=MID_TERM, by=None, now=now)
    with pytest.raises(CrossSchool):
        memberships.transfer(student=student, cohort=CohortFactory(), on=MID_TERM, by=None, now=now)


def test_the_trail_tells_a_transfer_in_one_entry(school, cohorts, now):
    a, b = cohorts
    student = newcomer(school, a, now)
    admin = UserFactory(school=school)

    memberships.transfer(student=student, cohort=b, on=MID_TERM, by=admin, now=now)

    entry = AuditEntry.objects.get(action="student.transfer")
    assert entry.actor_id == admin.pk
    assert entry.before == {"cohort": a.code}
    assert entry.after == {"cohort": b.code, "on": "2026-11-16", "sections_left": 1, "sections_joined": 1}


def test_a_new_section_gets_its_cohort_from_the_start_of_the_term_once(school, now):
    cohort = CohortFactory(school=school)
    students = StudentFactory.create_batch(3, school=school, cohort=cohort)
    StudentFactory(school=school)
    section = SectionFactory(school=school, cohort=cohort)

    assert memberships.enroll_cohort(section=section, by=None, now=now) == 3
    assert memberships.enroll_cohort(section=section, by=None, now=now) == 0
    assert {row.student for row in section.enrollments.all()} == set(students)
    assert {row.joined_on for row in section.enrollments.all()} == {START}


def test_who_came_late_to_the_cohort_comes_late_to_its_new_sections(school, cohorts, now):
    a, b = cohorts
    from_start = newcomer(school, b, now, number="22CSE2")
    late = newcomer(school, b, now, number="22CSE3", joined_on=WEEK_4)
    moved = newcomer(school, a, now)
    memberships.transfer(student=moved, cohort=b, on=MID_TERM, by=None, now=now)
    section = SectionFactory(school=school, cohort=b)

    memberships.enroll_cohort(section=section, by=None, now=now)

    joined = dict(section.enrollments.values_list("student", "joined_on"))
    assert joined == {from_start.pk: START, late.pk: WEEK_4, moved.pk: MID_TERM}


def test_who_was_deactivated_is_not_put_on_new_rosters(school, now):
    cohort = CohortFactory(school=school)
    student = StudentFactory(school=school, cohort=cohort)
    student.user.is_active = False
    student.user.save()

    assert (
        memberships.enroll_cohort(section=SectionFactory(school=school, cohort=cohort), by=None, now=now) == 0
    )


def test_overlapping_memberships_are_refused_by_the_service_and_by_the_database(school, now):
    enrollment = EnrollmentFactory(left_on=MID_TERM)
    student, section = enrollment.student, enrollment.section

    with pytest.raises(EnrollmentOverlap):
        memberships.enroll(student=student, section=section, joined_on=WEEK_4, by=None, now=now)
    memberships.enroll(student=student, section=section, joined_on=MID_TERM, by=None, now=now)
    with pytest.raises(EnrollmentOverlap):
        memberships.leave(enrollment=enrollment, left_on=date(2026, 12, 1), by=None, now=now)
    with pytest.raises(IntegrityError, match="enrollment_no_overlap"):
        EnrollmentFactory(student=student, section=section, joined_on=WEEK_4)


def test_a_membership_cannot_end_before_it_begins(now):
    enrollment = EnrollmentFactory(joined_on=WEEK_4)

    with pytest.raises(DatesReversed):
        memberships.leave(enrollment=enrollment, left_on=START, by=None, now=now)
    with pytest.raises(DatesReversed):
        memberships.enroll(
            student=enrollment.student,
            section=enrollment.section,
            joined_on=MID_TERM,
            left_on=WEEK_4,
            by=None,
            now=now,
        )


def test_leaving_is_told_in_the_trail_once(now):
    enrollment = EnrollmentFactory()

    memberships.leave(enrollment=enrollment, left_on=MID_TERM, by=None, now=now)
    memberships.leave(enrollment=enrollment, left_on=MID_TERM, by=None, now=now)

    entry = AuditEntry.objects.get(action="enrollment.leave")
    assert (entry.before, entry.after) == ({"left_on": None}, {"left_on": "2026-11-16"})


def test_a_student_of_another_school_cannot_be_enrolled(now):
    with pytest.raises(CrossSchool):
        memberships.enroll(
            student=StudentFactory(), section=SectionFactory(), joined_on=START, by=None, now=now
        )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["section", "student"])
def test_a_new_section_and_a_new_student_of_one_cohort_never_miss_each_other(now, first):
    school = SchoolFactory()
    TermFactory(school=school)
    cohort = CohortFactory(school=school)

    @transaction.atomic
    def new_section():
        section = SectionFactory(school=school, cohort=cohort)
        memberships.enroll_cohort(section=section, by=None, now=now)

    def new_student():
        newcomer(school, cohort, now)

    acts = (new_section, new_student) if first == "section" else (new_student, new_section)
    # Neither can see the other: one is not committed yet, and the other waits for it.
    with transaction.atomic():
        acts[0]()
        second = Background().start_and_wait(acts[1])

    assert second.exception() is None
    assert Enrollment.objects.filter(section__cohort=cohort).count() == 1
