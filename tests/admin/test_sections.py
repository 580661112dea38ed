"""Sections and enrollments in Django admin: who teaches, who sits in them, from when and until when."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from academics.models import Enrollment, Section
from accounts.models import School
from attendance.models import Session
from audit.models import AuditEntry
from tests.admin.pages import change, entry, saved, url
from tests.attendance.scans import students_of
from tests.factories import CohortFactory, CourseFactory, FacultyFactory, SectionFactory, StudentFactory

pytestmark = pytest.mark.django_db


class TestSections:
    def test_students_of_the_cohort_sit_in_a_section_that_is_made_later(
        self, office: Client, school: School, session: Session
    ) -> None:
        cohort = CohortFactory(school=school)
        student = StudentFactory(school=school, cohort=cohort)

        answer = office.post(
            url(Section, "add"),
            {
                "course": CourseFactory(school=school).pk,
                "cohort": cohort.pk,
                "term": session.term.pk,
                "teachers": [FacultyFactory(school=school).pk],
            },
        )

        assert saved(answer)
        made = Section.objects.get(cohort=cohort)
        assert Enrollment.objects.get(section=made).student == student
        assert made.teachers.count() == 1
        assert entry("section.create").after["teachers"] == [str(made.teachers.get().pk)]

    def test_an_elective_without_a_cohort_enrolls_nobody(
        self, office: Client, school: School, session: Session
    ) -> None:
        StudentFactory(school=school)
        values = {"course": CourseFactory(school=school).pk, "term": session.term.pk, "name": "Elective"}
        assert saved(office.post(url(Section, "add"), values))
        assert not Enrollment.objects.filter(section__name="Elective").exists()

    def test_a_section_is_changed_with_its_teachers_and_enrolls_its_new_group_in_one_operation(
        self, office: Client, session: Session
    ) -> None:
        section = SectionFactory(school=session.school)
        student = StudentFactory(school=session.school, cohort=section.cohort)
        teachers = FacultyFactory.create_batch(2, school=session.school)
        answer = office.post(
            url(Section, "change", section.pk),
            {
                "course": section.course_id,
                "cohort": section.cohort_id,
                "term": section.term_id,
                "name": "Morning",
                "teachers": [teacher.pk for teacher in teachers],
            },
        )
        assert saved(answer)
        assert set(section.teachers.all()) == set(teachers)
        assert section.enrollments.get().student == student
        update = entry("section.update")
        assert update.before["teachers"] == []
        assert update.after["teachers"] == sorted(str(teacher.pk) for teacher in teachers)
        assert entry("enrollment.create").operation_id == update.operation_id

    def test_other_teachers_are_told_by_their_keys(self, office: Client, session: Session) -> None:
        section = session.sections.get()
        before = sorted(str(pk) for pk in section.teachers.values_list("pk", flat=True))
        other = FacultyFactory(school=session.school)

        assert saved(change(office, section, teachers=[other.pk]))

        assert list(section.teachers.all()) == [other]
        told = entry("section.update")
        assert (told.before, told.after) == ({"teachers": before}, {"teachers": [str(other.pk)]})


class TestEnrollments:
    def test_an_enrollment_is_made_and_ended_through_the_service(
        self, office: Client, session: Session
    ) -> None:
        section = SectionFactory(school=session.school)
        student = students_of(session)[0]
        answer = office.post(
            url(Enrollment, "add"),
            {"student": student.pk, "section": str(section.pk), "joined_on": "2026-11-02"},
        )
        assert saved(answer)
        made = Enrollment.objects.get(section=section)
        office.post(url(Enrollment, "change", made.pk), {"left_on": "2026-11-20"})
        made.refresh_from_db()
        assert made.left_on == date(2026, 11, 20)
        refused = office.post(url(Enrollment, "change", made.pk), {"left_on": ""})
        assert set(refused.context["adminform"].form.errors) == {"left_on"}
        made.refresh_from_db()
        assert made.left_on == date(2026, 11, 20)

    def test_an_enrollment_saved_without_an_end_stays_as_it_was(
        self, office: Client, session: Session
    ) -> None:
        member = Enrollment.objects.filter(section=session.sections.get()).first()
        assert member is not None
        assert saved(change(office, member))
        member.refresh_from_db()
        assert member.left_on is None
        assert not AuditEntry.objects.exists()
