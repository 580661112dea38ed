from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime

import factory

from academics.models import (
    Cohort,
    Course,
    Department,
    Enrollment,
    Faculty,
    Programme,
    Room,
    Section,
    Student,
    StudentSnapshot,
    Term,
)
from accounts.enums import Role
from tests.factories.accounts import SchoolFactory, UserFactory


class DepartmentFactory(factory.django.DjangoModelFactory[Department]):
    class Meta:
        model = Department

    school = factory.SubFactory(SchoolFactory)
    code = factory.Sequence(lambda n: f"DEP{n}")
    name = factory.LazyAttribute(lambda dep: f"Department {dep.code}")


class ProgrammeFactory(factory.django.DjangoModelFactory[Programme]):
    class Meta:
        model = Programme

    school = factory.SubFactory(SchoolFactory)
    name = factory.Sequence(lambda n: f"B.Tech {n}")


class TermFactory(factory.django.DjangoModelFactory[Term]):
    """Autumn to spring 2026–27, as in the sample files."""

    class Meta:
        model = Term

    school = factory.SubFactory(SchoolFactory)
    name = "2026-27"
    starts_on = date(2026, 8, 3)
    ends_on = date(2027, 4, 30)


class RoomFactory(factory.django.DjangoModelFactory[Room]):
    class Meta:
        model = Room

    school = factory.SubFactory(SchoolFactory)
    code = factory.Sequence(lambda n: f"R{n}")


class CourseFactory(factory.django.DjangoModelFactory[Course]):
    class Meta:
        model = Course

    school = factory.SubFactory(SchoolFactory)
    code = factory.Sequence(lambda n: f"C{n}")
    title = factory.Sequence(lambda n: f"Course {n}")


class CohortFactory(factory.django.DjangoModelFactory[Cohort]):
    class Meta:
        model = Cohort

    school = factory.SubFactory(SchoolFactory)
    code = factory.Sequence(lambda n: f"COH-{n}")


class FacultyFactory(factory.django.DjangoModelFactory[Faculty]):
    class Meta:
        model = Faculty

    school = factory.SubFactory(SchoolFactory)
    employee_no = factory.Sequence(lambda n: f"F{n}")
    user = factory.LazyAttribute(
        lambda faculty: UserFactory(
            school=faculty.school,
            role=Role.FACULTY,
            full_name=f"Dr. {faculty.employee_no}",
            username=f"{faculty.employee_no}@{faculty.school.code}".lower(),
        )
    )


class StudentFactory(factory.django.DjangoModelFactory[Student]):
    """A student with a snapshot, as the services leave one."""

    class Meta:
        model = Student
        skip_postgeneration_save = True

    school = factory.SubFactory(SchoolFactory)
    enrollment_no = factory.Sequence(lambda n: f"22CSE{n:05d}")
    user = factory.LazyAttribute(
        lambda student: UserFactory(
            school=student.school,
            role=Role.STUDENT,
            full_name=f"Student {student.enrollment_no}",
            username=f"{student.enrollment_no}@{student.school.code}".lower(),
        )
    )

    @factory.post_generation
    def snapshot(student: Student, create: bool, extracted: object, **values: object) -> None:
        name = student.user.full_name
        student.current_snapshot = StudentSnapshot.objects.create(
            student=student,
            name=name,
            enrollment_no=student.enrollment_no,
            digest=hashlib.sha256(f"{student.enrollment_no}{name}".encode()).hexdigest(),
            created_at=datetime(2026, 8, 1, tzinfo=UTC),
        )
        student.save(update_fields=["current_snapshot"])


class SectionFactory(factory.django.DjangoModelFactory[Section]):
    class Meta:
        model = Section
        skip_postgeneration_save = True

    school = factory.SubFactory(SchoolFactory)
    term = factory.LazyAttribute(
        lambda section: (
            Term.objects.filter(school=section.school).first() or TermFactory(school=section.school)
        )
    )
    course = factory.LazyAttribute(lambda section: CourseFactory(school=section.school))
    cohort = factory.LazyAttribute(lambda section: CohortFactory(school=section.school))

    @factory.post_generation
    def students(section: Section, create: bool, extracted: object, **values: object) -> None:
        """``SectionFactory(students=3)`` enrolls three new students from the term's start; or give a list."""
        if isinstance(extracted, int):
            extracted = StudentFactory.create_batch(extracted, school=section.school, cohort=section.cohort)
        for student in extracted or []:  # type: ignore[attr-defined] # a list by now
            EnrollmentFactory(student=student, section=section)


class EnrollmentFactory(factory.django.DjangoModelFactory[Enrollment]):
    class Meta:
        model = Enrollment

    section = factory.SubFactory(SectionFactory)
    student = factory.LazyAttribute(lambda enrollment: StudentFactory(school=enrollment.section.school))
    joined_on = factory.LazyAttribute(lambda enrollment: enrollment.section.term.starts_on)
