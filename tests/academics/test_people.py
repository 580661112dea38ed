from __future__ import annotations

from datetime import date

import pytest

from academics.errors import EmailTaken, EmployeeNoTaken, EnrollmentNoTaken, NumberIsFixed
from academics.models import Enrollment, Student, StudentSnapshot
from academics.services import people
from accounts.enums import Role
from accounts.errors import UsernameTaken
from accounts.models import User
from audit.models import AuditEntry
from core.errors import CrossSchool, Invalid
from tests.factories import (
    CohortFactory,
    DepartmentFactory,
    FacultyFactory,
    ProgrammeFactory,
    SchoolFactory,
    SectionFactory,
    StudentFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def school():
    return SchoolFactory(code="Vik")


def create(school, now, **values):
    values = {"enrollment_no": " 22cse30001 ", "full_name": "Deepika  Rao", "by": None, **values}
    return people.create_student(school=school, now=now, **values)


def test_a_student_gets_a_user_of_number_and_school_that_cannot_sign_in_yet(school, now):
    student = create(school, now, email="d@example.edu", phone="+91 92266 14242")

    assert student.enrollment_no == "22CSE30001"
    assert student.user.username == "22cse30001@vik"
    assert (student.user.role, student.user.school) == (Role.STUDENT, school)
    assert student.user.full_name == "Deepika Rao"
    assert not student.user.has_usable_password()


def test_personal_data_is_kept_sealed_and_read_back(school, now):
    student = create(
        school, now, date_of_birth=date(2005, 5, 22), guardian_contact="Mother", phone="12345 678"
    )

    student = Student.objects.select_related("user").get(pk=student.pk)
    assert (student.date_of_birth, student.guardian_contact) == (date(2005, 5, 22), "Mother")
    assert student.user.phone == "12345 678"


def test_a_number_is_never_given_twice(school, now):
    create(school, now)

    with pytest.raises(EnrollmentNoTaken):
        create(school, now, enrollment_no="22Cse30001")
    assert create(SchoolFactory(), now).enrollment_no == "22CSE30001"


def test_an_address_belongs_to_one_person_of_a_school(school, now):
    FacultyFactory(school=school, user=UserFactory(school=school, role=Role.FACULTY, email="D@example.edu"))

    with pytest.raises(EmailTaken):
        create(school, now, email="d@Example.edu")
    create(SchoolFactory(), now, email="d@example.edu")


def test_a_number_somebody_else_signs_in_with_is_refused(school, now):
    people.create_faculty(school=school, employee_no="F100", full_name="Dr. Rao", by=None, now=now)

    with pytest.raises(UsernameTaken):
        create(school, now, enrollment_no="f100")
    with pytest.raises(EmployeeNoTaken):
        people.create_faculty(school=school, employee_no="f100", full_name="Dr. Rao", by=None, now=now)


@pytest.mark.parametrize(
    "values",
    [
        {"enrollment_no": ""},
        {"enrollment_no": "A" * 31},
        {"enrollment_no": "22 CSE"},
        {"enrollment_no": "22\x00CSE"},
        {"enrollment_no": "ß1"},
        {"full_name": " "},
        {"full_name": "x" * 151},
        {"full_name": "a\x00b"},
        {"email": "nobody"},
        {"study_year": 40000},
        {"phone": "1" * 33},
    ],
)
def test_impossible_values_are_refused_and_nobody_is_made(school, now, values):
    with pytest.raises(Invalid):
        create(school, now, **values)

    assert not User.objects.filter(school=school).exists()


@pytest.mark.parametrize("factory", [DepartmentFactory, ProgrammeFactory, CohortFactory])
def test_what_belongs_to_another_school_is_refused(school, now, factory):
    name = factory._meta.model._meta.model_name

    with pytest.raises(CrossSchool) as refusal:
        create(school, now, **{name: factory()})

    assert (refusal.value.code, refusal.value.attr) == ("cross_school", name)


def test_a_new_student_sits_in_every_section_of_the_cohort_from_the_start_of_the_term(school, now):
    section = SectionFactory(school=school)

    student = create(school, now, cohort=section.cohort)

    assert list(student.enrollments.values_list("section", "joined_on", "left_on")) == [
        (section.pk, section.term.starts_on, None)
    ]


def test_a_new_student_sits_in_it_from_a_given_date_when_there_is_one(school, now):
    section = SectionFactory(school=school)

    student = create(school, now, cohort=section.cohort, joined_on=date(2026, 8, 31))

    assert student.enrollments.get().joined_on == date(2026, 8, 31)


def test_a_member_of_a_batch_sits_in_the_sections_of_the_whole_group_too(school, now):
    group = CohortFactory(school=school)
    batch = CohortFactory(school=school, parent=group)
    lecture, lab = SectionFactory(school=school, cohort=group), SectionFactory(school=school, cohort=batch)
    SectionFactory(school=school, cohort=CohortFactory(school=school, parent=group))

    student = create(school, now, cohort=batch)

    assert set(student.enrollments.values_list("section", flat=True)) == {lecture.pk, lab.pk}


def test_terms_that_are_over_do_not_get_new_students(school, now):
    from tests.factories import TermFactory

    past = TermFactory(school=school, name="past", starts_on=date(2025, 8, 1), ends_on=date(2026, 4, 30))
    section = SectionFactory(school=school, term=past)

    create(school, now, cohort=section.cohort)

    assert not Enrollment.objects.exists()


def test_a_snapshot_is_made_once_per_state_and_found_again(school, now):
    student = create(school, now)
    first = student.current_snapshot

    student = people.update_student(
        student=student, changes={"full_name": "Deepika Rao-Khan"}, by=None, now=now
    )
    second = student.current_snapshot
    student = people.update_student(student=student, changes={"full_name": "Deepika Rao"}, by=None, now=now)

    assert second != first
    assert (second.name, second.enrollment_no) == ("Deepika Rao-Khan", "22CSE30001")
    assert student.current_snapshot == first
    assert StudentSnapshot.objects.filter(student=student).count() == 2


def test_snapshots_of_many_students_cost_two_statements(school, now, django_assert_num_queries):
    ids = [student.pk for student in StudentFactory.create_batch(3, school=school)]

    with django_assert_num_queries(4):  # two, between savepoint and release
        people.refresh_snapshots(student_ids=ids, now=now)


def test_a_number_cannot_be_changed(school, now):
    student = create(school, now)

    with pytest.raises(NumberIsFixed):
        people.update_student(student=student, changes={"enrollment_no": "X1"}, by=None, now=now)
    with pytest.raises(Invalid):
        people.update_student(
            student=student, changes={"cohort": CohortFactory(school=school)}, by=None, now=now
        )


def test_the_trail_tells_that_a_phone_changed_but_not_what_it_is(school, now):
    student = create(school, now, phone="11111 22222")
    admin = UserFactory(school=school)

    people.update_student(
        student=student, changes={"phone": "33333 44444", "study_year": 2}, by=admin, now=now
    )

    entry = AuditEntry.objects.get(action="student.update")
    assert (entry.actor_id, entry.school_id, entry.object_id) == (admin.pk, school.pk, str(student.pk))
    assert entry.after["study_year"] == 2
    assert entry.after["phone"] != entry.before["phone"]
    assert "44444" not in str(entry.after)
    assert "22222" not in str(entry.before)


def test_saving_a_student_as_they_are_changes_nothing(school, now):
    student = create(school, now, phone="11111 22222")

    people.update_student(student=student, changes={"phone": "11111 22222"}, by=None, now=now)

    assert not AuditEntry.objects.filter(action="student.update").exists()


def test_a_faculty_member_can_be_changed(school, now):
    faculty = people.create_faculty(school=school, employee_no="F1", full_name="Dr. Rao", by=None, now=now)
    department = DepartmentFactory(school=school)

    changed = people.update_faculty(
        faculty=faculty, changes={"department": department, "email": "r@example.edu"}, by=None, now=now
    )

    assert (changed.department, changed.user.email) == (department, "r@example.edu")
