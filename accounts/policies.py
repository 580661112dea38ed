"""Who may see and change people and schools. What another school owns is not found before these are asked."""

from __future__ import annotations

from accounts.enums import Role
from accounts.models import School, User


def can_view_user(by: User, user: User) -> bool:
    """Oneself; the office its own school's people; operators everybody."""
    return by.pk == user.pk or (by.is_office and by.may_reach(user.school_id))


def can_edit_user(by: User, user: User) -> bool:
    """The office its own school's people, but never an operator of several schools."""
    if user.role == Role.SUPERUSER:
        return by.role == Role.SUPERUSER
    return by.is_office and by.may_reach(user.school_id)


def can_add_user(by: User, school: School | None, role: str) -> bool:
    """The office, to its own school; only operators make operators."""
    if role == Role.SUPERUSER:
        return by.role == Role.SUPERUSER
    return school is not None and by.is_office and by.may_reach(school.pk)


def can_assign_role(by: User, user: User, role: str) -> bool:
    """Nobody changes their own role; only operators make or unmake operators."""
    if by.pk == user.pk:
        return False
    return can_edit_user(by, user) and (role != Role.SUPERUSER or by.role == Role.SUPERUSER)


def can_deactivate_user(by: User, user: User) -> bool:
    """As editing, but not oneself: somebody has to be left who can switch one on again."""
    return by.pk != user.pk and can_edit_user(by, user)


def can_end_sign_ins(by: User, user: User) -> bool:
    """One's own, and those of people whom one may edit."""
    return by.pk == user.pk or can_edit_user(by, user)


def can_view_school(by: User, school: School) -> bool:
    """One's own; operators all."""
    return by.may_reach(school.pk)


def can_edit_school(by: User, school: School) -> bool:
    """The office its own; operators all."""
    return by.is_office and by.may_reach(school.pk)


def can_add_school(by: User) -> bool:
    """Operators of several schools."""
    return by.role == Role.SUPERUSER


def may_mark(by: User) -> bool:
    """Whether this person marks students at all: their pages bring along what does so without a network."""
    return by.role == Role.FACULTY or by.is_office
