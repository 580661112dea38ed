"""Students, faculty and users in Django admin: made, changed and moved by the services of people."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from academics.models import Enrollment, Faculty, Student
from accounts.enums import Role
from accounts.models import School, User
from attendance.models import Session
from audit.models import AuditEntry
from tests.admin.pages import change, entry, saved, url
from tests.attendance.scans import students_of
from tests.factories import FacultyFactory, SectionFactory

pytestmark = pytest.mark.django_db


class TestStudents:
    def test_a_student_is_made_and_changed_through_the_service(
        self, office: Client, session: Session
    ) -> None:
        answer = office.post(
            url(Student, "add"),
            {
                "enrollment_no": "22new1",
                "full_name": "Asha Rao",
                "email": "asha@example.edu",
                "study_year": 2,
            },
        )
        assert saved(answer)
        student = Student.objects.get(enrollment_no="22NEW1")
        assert student.current_snapshot is not None
        assert student.user.username == f"22new1@{session.school.code}".lower()
        answer = office.post(
            url(Student, "change", student.pk),
            {"full_name": "Asha Devi Rao", "email": "asha@example.edu", "study_year": 3},
        )
        assert saved(answer)
        student.refresh_from_db()
        student.user.refresh_from_db()
        assert (student.user.full_name, student.study_year) == ("Asha Devi Rao", 3)

    def test_a_student_who_comes_in_week_four_is_made_with_the_day(
        self, office: Client, session: Session
    ) -> None:
        section = session.sections.get()
        answer = office.post(
            url(Student, "add"),
            {
                "enrollment_no": "22LATE1",
                "full_name": "Latika",
                "cohort": section.cohort_id,
                "joined_on": "2026-08-24",
            },
        )
        assert saved(answer)
        made = Enrollment.objects.get(student__enrollment_no="22LATE1")
        assert (made.section, made.joined_on) == (section, date(2026, 8, 24))

    def test_another_class_group_is_a_transfer_on_a_day_in_the_same_operation(
        self, office: Client, session: Session
    ) -> None:
        student = students_of(session)[0]
        old, new = session.sections.get(), SectionFactory(school=session.school)
        Student.objects.filter(pk=student.pk).update(cohort=old.cohort)
        student.enrollments.update(joined_on=date(2026, 8, 24))
        form = {"full_name": "Asha Rao", "email": student.user.email}

        nowhere = office.post(url(Student, "change", student.pk), {**form, "cohort": ""})
        assert set(nowhere.context["adminform"].form.errors) == {"cohort"}
        too_early = {**form, "cohort": new.cohort_id, "joined_on": "2026-08-10"}
        refused = office.post(url(Student, "change", student.pk), too_early)
        assert "2026-08-24" in str(refused.context["adminform"].form.errors)
        assert not AuditEntry.objects.filter(object_type="student").exists()

        moved = office.post(url(Student, "change", student.pk), {**too_early, "joined_on": "2026-11-16"})

        assert saved(moved)
        spells = student.enrollments.order_by("joined_on").values_list("section", "joined_on", "left_on")
        assert list(spells) == [
            (old.pk, date(2026, 8, 24), date(2026, 11, 16)),
            (new.pk, date(2026, 11, 16), None),
        ]
        told = AuditEntry.objects.filter(object_type="student", object_id=str(student.pk))
        assert set(told.values_list("action", flat=True)) == {"student.update", "student.transfer"}
        assert len(set(told.values_list("operation_id", flat=True))) == 1

    def test_a_students_name_is_changed_on_the_students_row_alone(
        self, office: Client, session: Session
    ) -> None:
        student = students_of(session)[0]
        name = student.user.full_name

        office.post(
            url(User, "change", student.user_id),
            {"full_name": "Somebody", "role": "student", "is_active": "on"},
        )

        student.user.refresh_from_db()
        assert student.user.full_name == name == student.current_snapshot.name


def test_a_lecturer_is_made_and_changed_through_the_service(office: Client, school: School) -> None:
    answer = office.post(
        url(Faculty, "add"), {"employee_no": "emp7", "full_name": "Dr. Rao", "email": "rao@example.edu"}
    )
    assert saved(answer)
    made = Faculty.objects.get(employee_no="EMP7")
    assert made.user.username == f"emp7@{school.code}".lower()
    assert (made.user.role, made.user.has_usable_password()) == (Role.FACULTY, False)

    assert saved(
        change(office, made, full_name="Prof. Rao", designation="Professor", phone="+91 98480 22338")
    )

    made = Faculty.objects.get(pk=made.pk)
    assert (made.user.full_name, made.designation) == ("Prof. Rao", "Professor")
    assert made.user.phone == "+91 98480 22338"
    assert "98480" not in str(entry("faculty.update").after)


def test_a_number_that_is_taken_is_told_in_the_form(office: Client, school: School) -> None:
    FacultyFactory(school=school, employee_no="E1")
    answer = office.post(url(Faculty, "add"), {"employee_no": "e1", "full_name": "Another"})
    assert answer.status_code == 200
    assert "employee_no" in answer.context["adminform"].form.errors or answer.context["errors"]
    assert Faculty.objects.filter(employee_no="E1").count() == 1


def test_an_operator_makes_people_of_the_school_they_name(operator: Client, school: School) -> None:
    values = {"full_name": "Asha Rao", "school": school.pk}
    assert saved(operator.post(url(Faculty, "add"), {"employee_no": "e1", **values}))
    assert saved(operator.post(url(Student, "add"), {"enrollment_no": "s1", **values}))
    assert Faculty.objects.get(employee_no="E1").school == school
    assert Student.objects.get(enrollment_no="S1").school == school


def test_numbers_never_change(office: Client, session: Session) -> None:
    teacher, student = session.faculty.get(), students_of(session)[0]
    before = teacher.employee_no, student.enrollment_no
    change(office, teacher, employee_no="X1")
    change(office, student, enrollment_no="X2")
    teacher.refresh_from_db()
    student.refresh_from_db()
    assert (teacher.employee_no, student.enrollment_no) == before


def test_people_are_not_deleted(office: Client, session: Session) -> None:
    for person in (session.faculty.get(), students_of(session)[0], session.faculty.get().user):
        assert office.post(url(type(person), "delete", person.pk), {"post": "yes"}).status_code == 403
