"""People, courses and rooms of one demo school: everything but the timetable and what happened in it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from academics.models import (
    Cohort,
    Course,
    Department,
    Faculty,
    Programme,
    Room,
    Section,
    Student,
    Term,
)
from academics.services import memberships, terms
from academics.services.bulk import planned_for
from academics.services.numbers import username_of
from academics.services.snapshots import refresh_snapshots
from accounts.enums import Role
from accounts.models import School, User
from attendance.demo import names
from attendance.demo.catalogue import (
    COHORT_SIZE,
    COHORTS_PER_TEACHER,
    COURSES,
    COURSES_PER_DEPARTMENT,
    DEPARTMENTS,
    Blueprint,
)
from attendance.services.schools import create_school
from core import copying

#: The running term goes on so long after the day on which the demo is loaded.
WEEKS_AHEAD = 10


@dataclass(slots=True)
class Campus:
    """What was made of one school, for those who go on from here."""

    school: School
    plan: Blueprint
    term: Term
    password: str
    dice: random.Random
    today: date
    departments: list[Department] = field(default_factory=list)
    cohorts: list[Cohort] = field(default_factory=list)
    rooms: list[Room] = field(default_factory=list)
    faculty: list[Faculty] = field(default_factory=list)
    students: list[Student] = field(default_factory=list)
    #: By the key of the cohort, in the order of its courses.
    sections: dict[int, list[Section]] = field(default_factory=dict)
    elective: Section | None = None

    def teachers_of(self, department: Department) -> list[Faculty]:
        return [teacher for teacher in self.faculty if teacher.department_id == department.pk]


def build(*, plan: Blueprint, students: int, weeks: int, seed: int, password: str, now: datetime) -> Campus:
    """A school as it stands on the first day of its term. `password` is a hash, the same one for everybody."""
    school = create_school(
        name=plan.name,
        code=plan.code,
        timezone=plan.timezone,
        country=plan.country,
        subdivision=plan.subdivision,
        by=None,
        now=now,
    )
    today = school.local_date(now)
    # The same seed gives the same campus, whatever was drawn for the other school.
    dice = random.Random(f"{seed}/{plan.code}")  # noqa: S311 - not a secret: it has to repeat
    campus = Campus(school, plan, _terms(school, today, weeks, now), password, dice, today)
    _structure(campus, max(2, -(-students // COHORT_SIZE)))
    _teachers(campus)
    _students(campus, students, now)
    _office(campus)
    return campus


def _terms(school: School, today: date, weeks: int, now: datetime) -> Term:
    """The running term, begun `weeks` full weeks ago, and the one before it."""
    first = today - timedelta(weeks=weeks, days=today.weekday())
    last = today + timedelta(weeks=WEEKS_AHEAD)
    before = first - timedelta(weeks=24)
    for starts_on, ends_on in ((before, first - timedelta(weeks=2)), (first, last)):
        term = terms.save_term(
            school=school,
            name=f"Semester from {starts_on:%B %Y}",
            starts_on=starts_on,
            ends_on=ends_on,
            by=None,
            now=now,
        )
    return term


def _structure(campus: Campus, cohorts: int) -> None:
    school, plan = campus.school, campus.plan
    codes = list(DEPARTMENTS)[: max(1, min(len(DEPARTMENTS), cohorts // 2))]
    campus.departments = [Department(school=school, code=code, name=DEPARTMENTS[code]) for code in codes]
    copying.insert(campus.departments)
    copying.insert(
        [
            Programme(school=school, name=f"B.Tech {department.code}", department=department)
            for department in campus.departments
        ]
    )
    courses = {
        department.pk: [
            Course(
                school=school,
                code=f"{department.code}30{number}",
                title=title,
                credits=4,
                department=department,
            )
            for number, title in enumerate(COURSES[department.code], start=1)
        ]
        for department in campus.departments
    }
    elective = Course(school=school, code="OE301", title="Robotics", credits=3)
    copying.insert([elective, *(course for own in courses.values() for course in own)])
    for number in range(cohorts):
        department = campus.departments[number % len(codes)]
        code = f"{department.code}-{_letters(number // len(codes))}"
        campus.cohorts.append(Cohort(school=school, code=code, department=department))
    copying.insert(campus.cohorts)
    campus.rooms = [
        Room(
            school=school,
            code=f"R{101 + number}",
            building="Main Block" if number % 2 == 0 else "East Block",
            capacity=70,
            latitude=plan.latitude + number * 1e-5,
            longitude=plan.longitude,
        )
        for number in range(cohorts + 1)
    ]
    copying.insert(campus.rooms)
    campus.sections = {
        cohort.pk: [
            Section(school=school, term=campus.term, course=course, cohort=cohort)
            for course in courses[cohort.department_id or 0]
        ]
        for cohort in campus.cohorts
    }
    campus.elective = Section(school=school, term=campus.term, course=elective, name="Robotics")
    copying.insert([campus.elective, *(section for own in campus.sections.values() for section in own)])


def _letters(number: int) -> str:
    """A, B … Z, AA, AB …"""
    rest, last = divmod(number, 26)
    return (_letters(rest - 1) if rest else "") + chr(ord("A") + last)


def _user(campus: Campus, number: str, full_name: str, role: Role, *, login: str | None) -> User:
    return User(
        username=login or username_of(number, campus.school),
        full_name=full_name,
        email=f"{number.lower()}@{campus.school.code}.example.edu",
        role=role,
        school=campus.school,
        password=campus.password,
    )


def _teachers(campus: Campus) -> None:
    """As many as the cohorts of each department need; the second of each is its head."""
    special = {0: "faculty", 1: "hod", 2: "organizer"}
    users, number = [], 100
    for department in campus.departments:
        cohorts = sum(cohort.department_id == department.pk for cohort in campus.cohorts)
        first = department is campus.departments[0]
        # One more in the first: the demo's own lecturer.
        for index in range(COURSES_PER_DEPARTMENT * -(-cohorts // COHORTS_PER_TEACHER) + first):
            login = campus.plan.logins.get(special.get(index, "")) if first else None
            employee_no = f"{campus.plan.staff}{number}"
            user = _user(campus, employee_no, f"Dr. {names.person(campus.dice)}", Role.FACULTY, login=login)
            users.append(user)
            campus.faculty.append(
                Faculty(
                    user=user,
                    school=campus.school,
                    employee_no=employee_no,
                    department=department,
                    designation="Professor" if index < 2 else "Assistant Professor",
                )
            )
            number += 1
    copying.insert(users)
    copying.insert(campus.faculty)
    for department in campus.departments:
        department.head = campus.teachers_of(department)[1]
    Department.objects.bulk_update(campus.departments, ["head"])


def _students(campus: Campus, count: int, now: datetime) -> None:
    programmes = {
        programme.department_id: programme for programme in Programme.objects.filter(school=campus.school)
    }
    for number in range(count):
        cohort = campus.cohorts[number % len(campus.cohorts)]
        assert cohort.department is not None  # noqa: S101 - made above
        enrollment_no = f"{campus.plan.batch}{cohort.department.code}{number + 1:05d}"
        login = campus.plan.logins.get("student") if number == 0 else None
        user = _user(campus, enrollment_no, names.person(campus.dice), Role.STUDENT, login=login)
        campus.students.append(
            Student(
                user=user,
                school=campus.school,
                enrollment_no=enrollment_no,
                department=cohort.department,
                programme=programmes[cohort.department_id],
                study_year=1 + number % 4,
                cohort=cohort,
            )
        )
    copying.insert([student.user for student in campus.students])
    copying.insert(campus.students)
    with planned_for(count):
        refresh_snapshots(student_ids=[student.pk for student in campus.students], now=now)
        everything = [section for own in campus.sections.values() for section in own]
        memberships.enroll_cohorts(sections=everything, by=None, now=now)
    elective = campus.elective
    assert elective is not None  # noqa: S101 - made above
    copying.rows_into(
        "academics_enrollment",
        ["student_id", "section_id", "joined_on"],
        [(student.pk, elective.pk, campus.term.starts_on) for student in campus.students[: count // 10 : 2]],
    )


def _office(campus: Campus) -> None:
    logins = campus.plan.logins
    people = [_user(campus, "office", "School Office", Role.ADMIN, login=logins["admin"])]
    if "integrator" in logins:
        people.append(
            _user(campus, "integration", "Timetable Sync", Role.INTEGRATOR, login=logins["integrator"])
        )
    copying.insert(people)
