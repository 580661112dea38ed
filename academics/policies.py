"""Who may do what in academics: one answer for the API, pages and admin.

Every function takes (user, object) and says yes or no. Objects of another school never get this far: lookups
are scoped by `visible_to` or within the school first.
"""

from __future__ import annotations

from academics.models import Department, Enrollment, Section, Student
from accounts.enums import Role
from accounts.models import School, User


def is_office_of(user: User, school_id: int | None) -> bool:
    """School office or IT of that school, or an operator of several schools."""
    return user.is_office and user.may_reach(school_id)


def heads(user: User, department: Department) -> bool:
    """Whether this person heads the department."""
    return (
        user.role == Role.FACULTY
        and department.head_id is not None
        and department.head is not None
        and department.head.user_id == user.pk
    )


def can_manage_structure(user: User, school: School | None) -> bool:
    """Terms, departments, programmes, rooms, courses, cohorts and sections: the office."""
    return school is not None and is_office_of(user, school.pk)


can_manage_terms = can_manage_structure


def can_import(user: User, school: School | None) -> bool:
    """Bring whole rosters in: the office."""
    return school is not None and is_office_of(user, school.pk)


def can_manage_people(user: User, school_id: int | None) -> bool:
    """Add and change students and faculty, move students between class groups: the office."""
    return is_office_of(user, school_id)


def can_view_student(user: User, student: Student) -> bool:
    """The student, whoever teaches them or heads their department, the office."""
    return Student.objects.visible_to(user).filter(pk=student.pk).exists()


def can_view_personal_data(user: User, student: Student) -> bool:
    """Phone, date of birth, guardian: the student and the office; teaching somebody is no reason to know them."""
    return student.user_id == user.pk or is_office_of(user, student.school_id)


def can_view_section(user: User, section: Section) -> bool:
    return Section.objects.visible_to(user).filter(pk=section.pk).exists()


def can_manage_enrollments(user: User, section: Section) -> bool:
    """Who sits in a section: the office."""
    return is_office_of(user, section.school_id)


def can_view_enrollment(user: User, enrollment: Enrollment) -> bool:
    return Enrollment.objects.visible_to(user).filter(pk=enrollment.pk).exists()
