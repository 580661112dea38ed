"""Students and faculty, one at a time. Whole rosters come in through `imports`.

Everybody gets a user ``<number>@<school code>`` without a password. Every function takes the school's membership
lock first, so that numbers, addresses and enrollments of two writers cannot get into each other's way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from academics.errors import EmailTaken, EmployeeNoTaken, EnrollmentNoTaken, NumberIsFixed
from academics.models import Cohort, Department, Faculty, Programme, Student
from academics.services import memberships, numbers
from academics.services.membership_sql import Move
from academics.services.scope import same_school
from academics.services.snapshots import refresh_snapshots as refresh_snapshots
from accounts.enums import Role
from accounts.errors import UsernameTaken
from accounts.models import School, User
from audit.services import entries
from core.errors import Invalid

_OF_USER = ("full_name", "email", "phone", "language", "is_active")
_OF_STUDENT = ("department", "programme", "study_year", "date_of_birth", "guardian_contact")
_OF_FACULTY = ("department", "designation")


@transaction.atomic
def create_student(
    *,
    school: School,
    enrollment_no: str,
    full_name: str,
    email: str = "",
    phone: str | None = None,
    department: Department | None = None,
    programme: Programme | None = None,
    study_year: int | None = None,
    cohort: Cohort | None = None,
    date_of_birth: date | None = None,
    guardian_contact: str | None = None,
    joined_on: date | None = None,
    by: User | None,
    now: datetime,
) -> Student:
    """Add a student, with a user, a snapshot and a place in every section of the cohort.

    They join at the start of each term that is not over, or on `joined_on`. Raises EnrollmentNoTaken, EmailTaken,
    UsernameTaken, Invalid, CrossSchool.
    """
    same_school(school, department=department, programme=programme, cohort=cohort)
    number = _number(enrollment_no, attr="enrollment_no")
    memberships.lock(school.pk)
    if Student.objects.filter(school=school, enrollment_no=number).exists():
        raise EnrollmentNoTaken(number=number, attr="enrollment_no")
    user = _user(school, number, Role.STUDENT, full_name=full_name, email=email, phone=phone)
    student = Student(
        user=user,
        school=school,
        enrollment_no=number,
        department=department,
        programme=programme,
        study_year=study_year,
        cohort=cohort,
        date_of_birth=date_of_birth,
        guardian_contact=guardian_contact or None,
    )
    _save(student)
    refresh_snapshots(student_ids=[student.pk], now=now)
    student.refresh_from_db(fields=["current_snapshot"])
    joined = 0
    if cohort is not None:
        move = Move(student.pk, None, cohort.pk)
        today = school.local_date(now)
        joined = memberships.apply_moves([move], school_id=school.pk, on=joined_on, today=today).joined
    with entries.operation(by=by, at=now) as operation:
        after = {
            "enrollment_no": number,
            "full_name": user.full_name,
            "cohort": cohort.code if cohort else None,
            "sections_joined": joined,
        }
        operation.record("student.create", student, school_id=school.pk, after=after)
    return student


@transaction.atomic
def update_student(
    *, student: Student, changes: Mapping[str, Any], by: User | None, now: datetime
) -> Student:
    """Change fields of a student or of their user; what is named as it is already changes nothing.

    Moving to another cohort is `memberships.transfer`, since it needs a date. Raises NumberIsFixed, EmailTaken,
    Invalid, CrossSchool.
    """
    memberships.lock(student.school_id)
    student = Student.objects.select_related("user", "school").get(pk=student.pk)
    _change(student, changes, _OF_STUDENT, action="student.update", by=by, now=now)
    refresh_snapshots(student_ids=[student.pk], now=now)
    student.refresh_from_db(fields=["current_snapshot"])
    return student


@transaction.atomic
def create_faculty(
    *,
    school: School,
    employee_no: str,
    full_name: str,
    email: str = "",
    phone: str | None = None,
    department: Department | None = None,
    designation: str = "",
    by: User | None,
    now: datetime,
) -> Faculty:
    """Add a faculty member with a user. Raises EmployeeNoTaken, EmailTaken, UsernameTaken, Invalid, CrossSchool."""
    same_school(school, department=department)
    number = _number(employee_no, attr="employee_no")
    memberships.lock(school.pk)
    if Faculty.objects.filter(school=school, employee_no=number).exists():
        raise EmployeeNoTaken(number=number, attr="employee_no")
    user = _user(school, number, Role.FACULTY, full_name=full_name, email=email, phone=phone)
    faculty = Faculty(
        user=user, school=school, employee_no=number, department=department, designation=designation
    )
    _save(faculty)
    with entries.operation(by=by, at=now) as operation:
        after = {"employee_no": number, "full_name": user.full_name}
        operation.record("faculty.create", faculty, school_id=school.pk, after=after)
    return faculty


@transaction.atomic
def update_faculty(
    *, faculty: Faculty, changes: Mapping[str, Any], by: User | None, now: datetime
) -> Faculty:
    """Change fields of a faculty member or of their user. Raises NumberIsFixed, EmailTaken, Invalid, CrossSchool."""
    memberships.lock(faculty.school_id)
    faculty = Faculty.objects.select_related("user", "school").get(pk=faculty.pk)
    _change(faculty, changes, _OF_FACULTY, action="faculty.update", by=by, now=now)
    return faculty


def _number(text: str, *, attr: str) -> str:
    number = numbers.canonical(text)
    if not numbers.is_number(number):
        raise Invalid(
            detail=_("A number has at most 30 letters, digits, dots, slashes, hyphens or underscores."),
            attr=attr,
        )
    return number


def _user(school: School, number: str, role: Role, *, full_name: str, email: str, phone: str | None) -> User:
    _refuse_nul({"full_name": full_name, "email": email, "phone": phone})
    username = numbers.username_of(number, school)
    if User.objects.filter(username=username).exists():
        raise UsernameTaken(username=username)
    _refuse_taken_email(school.pk, email)
    user = User(
        username=username,
        full_name=" ".join(full_name.split()),
        email=email.strip(),
        phone=phone or None,
        role=role,
        school=school,
        password=make_password(None),
    )
    if not user.full_name:
        raise Invalid(detail=_("A person needs a name."), attr="full_name")
    # The user name follows from the number, whose own shape was judged (it may hold a slash).
    _save(user, exclude=["username"])
    return user


def _refuse_taken_email(school_id: int, email: str, *, but: User | None = None) -> None:
    """An address belongs to one person of a school, whatever the case of its letters."""
    taken = User.objects.filter(school_id=school_id, email__iexact=email.strip()).exclude(
        pk=but.pk if but else None
    )
    if email.strip() and taken.exists():
        raise EmailTaken(email=email, attr="email")


def _change(
    person: Student | Faculty,
    changes: Mapping[str, Any],
    own_fields: tuple[str, ...],
    *,
    action: str,
    by: User | None,
    now: datetime,
) -> None:
    _judge_names(changes, own_fields)
    _refuse_nul(changes)
    same_school(person.school_id, **{name: changes.get(name) for name in ("department", "programme")})
    if "email" in changes:
        _refuse_taken_email(person.school_id, changes["email"], but=person.user)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for obj, fields in ((person, own_fields), (person.user, _OF_USER)):
        wanted = {name: value for name, value in changes.items() if name in fields}
        old, new = entries.difference(obj, wanted)
        for name in new:
            setattr(obj, name, wanted[name])
        if new:
            _save(obj, only=list(new))
        before |= old
        after |= new
    if after:
        with entries.operation(by=by, at=now) as operation:
            operation.record(action, person, school_id=person.school_id, before=before, after=after)


def _refuse_nul(values: Mapping[str, Any]) -> None:
    """PostgreSQL keeps no NUL; found in time it is a bad value, later a broken transaction."""
    for name, value in values.items():
        if isinstance(value, str) and "\0" in value:
            raise Invalid(detail=_("Null characters are not allowed."), attr=name)


def _judge_names(changes: Mapping[str, Any], own_fields: tuple[str, ...]) -> None:
    for name in changes:
        if name in {"enrollment_no", "employee_no", "username"}:
            raise NumberIsFixed(attr=name)
        if name not in own_fields and name not in _OF_USER:
            raise Invalid(detail=_("This cannot be changed here."), attr=name)


def _save(obj: models.Model, *, only: list[str] | None = None, exclude: list[str] | None = None) -> None:
    """Validate and save, all of it or some fields. Raises Invalid for a value that its field does not take."""
    try:
        if only is None:
            obj.clean_fields(exclude=[*(exclude or []), "user", "school"])
        else:
            obj.clean_fields(exclude={field.name for field in obj._meta.get_fields()} - set(only))
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise Invalid(detail=" ".join(messages), attr=name) from error
    obj.save(update_fields=only)
