"""Refusals of academics."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core import db
from core.errors import DomainError


class TermOverlap(DomainError):
    code = "term_overlap"
    message = _("The dates overlap with the term {other}.")


class EnrollmentOverlap(DomainError):
    code = "enrollment_overlap"
    message = _("{student} is already in this section in that time.")


class SameCohort(DomainError):
    code = "same_cohort"
    message = _("{student} is already in {cohort}.")


class DatesReversed(DomainError):
    code = "dates_reversed"
    message = _("The end lies before the beginning.")
    status = 400


class TermNameTaken(DomainError):
    code = "term_name_taken"
    message = _("There is already a term “{name}”.")


class EnrollmentNoTaken(DomainError):
    code = "enrollment_no_taken"
    message = _("The enrollment number {number} was given before. Numbers are never reused.")


class EmployeeNoTaken(DomainError):
    code = "employee_no_taken"
    message = _("The employee number {number} is taken.")


class EmailTaken(DomainError):
    code = "email_taken"
    message = _("The address {email} belongs to somebody else in this school.")


class NumberIsFixed(DomainError):
    code = "number_is_fixed"
    message = _("A number by which somebody is known cannot be changed.")
    status = 400


class JoinedLater(DomainError):
    code = "joined_later"
    message = _("{student} joined the present class group on {day}. Choose that day or a later one.")


class OutsideTerm(DomainError):
    code = "outside_term"
    message = _("The date lies outside the term {term}.")
    status = 400


db.register(
    {
        "term_no_overlap": TermOverlap,
        "term_name_once": TermNameTaken,
        "term_dates_in_order": DatesReversed,
        "enrollment_no_overlap": EnrollmentOverlap,
        "enrollment_dates_in_order": DatesReversed,
        "student_enrollment_no_once": EnrollmentNoTaken,
        "faculty_employee_no_once": EmployeeNoTaken,
    }
)
