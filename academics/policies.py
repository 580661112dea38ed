"""Who may do what in academics: one answer for the API, pages and admin.

Every function takes (user, object) and says yes or no. Objects of another school never get this far: lookups
are scoped by `visible_to` or within the school first.
"""

from __future__ import annotations

from academics.models import Section, Student
from accounts.models import User


def is_office_of(user: User, school_id: int | None) -> bool:
    """School office or IT of that school, or an operator of several schools."""
    return user.is_office and user.may_reach(school_id)


def can_view_student(user: User, student: Student) -> bool:
    """The student, whoever teaches them or heads their department, the office."""
    return Student.objects.visible_to(user).filter(pk=student.pk).exists()


def can_view_personal_data(user: User, student: Student) -> bool:
    """Phone, date of birth, guardian: the student and the office; teaching somebody is no reason to know them."""
    return student.user_id == user.pk or is_office_of(user, student.school_id)


def can_view_section(user: User, section: Section) -> bool:
    return Section.objects.visible_to(user).filter(pk=section.pk).exists()
