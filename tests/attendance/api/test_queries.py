"""Every list costs the same number of queries for one row as for three, and at most twelve."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.enums import Status
from attendance.iclock import Reading
from attendance.models import Holiday, Session
from attendance.services import devices, leaves, readings, sessions, templates
from attendance.services.marking import Mark, bulk_mark
from attendance.services.timetable import save_slot
from core import clock
from tests.attendance.readers import agree, let_readers_in
from tests.attendance.uploads import conflict_of
from tests.colleges import College, client_of, make_college
from tests.factories import (
    CohortFactory,
    CondonationFactory,
    CorrectionFactory,
    CourseFactory,
    DepartmentFactory,
    EnrollmentFactory,
    FacultyFactory,
    RecordFactory,
    RoomFactory,
    SectionFactory,
    SessionFactory,
    StudentFactory,
    TermFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

LIMIT = 12


def cost(user: Any, path: str, **query: Any) -> int:
    api = client_of(user)
    with CaptureQueriesContext(connection) as queries:
        answer = api.get(path, query)
    assert answer.status_code == 200, answer.content
    return len(queries)


def another_session(college: College, index: int) -> Any:
    """A class of two sections with two teachers and a substitute."""
    session = SessionFactory(
        section=SectionFactory(
            school=college.school, course__department=college.department, students=2,
            course=CourseFactory(school=college.school, department=college.department),
        ),
        teacher=college.session.faculty.get(),
        starts_at=college.session.starts_at.replace(hour=6 + index),
        room=RoomFactory(school=college.school),
        substitute=FacultyFactory(school=college.school),
    )  # fmt: skip
    session.sections.add(SectionFactory(school=college.school, students=1))
    session.faculty.add(FacultyFactory(school=college.school))
    EnrollmentFactory(section=session.sections.first(), student=college.students[0])
    RecordFactory(session=session, student=college.students[0], section=session.sections.first())
    return session


def another_correction(college: College, index: int) -> None:
    session = another_session(college, index)
    reviewer = UserFactory(school=college.school)
    CorrectionFactory(session=session, student=college.students[0], status="rejected", reviewer=reviewer)


def another_condonation(college: College, index: int) -> None:
    section = SectionFactory(
        school=college.school, course=CourseFactory(school=college.school, department=college.department)
    )
    people = {name: UserFactory(school=college.school) for name in ("recommended_by", "reviewer")}
    CondonationFactory(section=section, student=college.students[0], status="approved", **people)


def another_reader(college: College, index: int) -> Any:
    registered = devices.register(
        school=college.school,
        serial=f"READER-{index}",
        kind="face",
        room=RoomFactory(school=college.school),
        by=college.admin,
        now=clock.now(),
    )
    student = StudentFactory(school=college.school)
    devices.assign_pins(
        device=registered.device, pins=[devices.Pin("1", student)], by=college.admin, now=clock.now()
    )
    devices.set_clock(device=registered.device, by=college.admin, now=clock.now())
    return registered.device


def another_reading(college: College, index: int) -> None:
    let_readers_in(college.school)
    device = another_reader(college, index)
    readings.take(device=device, readings=[Reading(clock.now(), pin="1")], now=clock.now())


def another_template(college: College, index: int) -> None:
    student = StudentFactory(school=college.school) if index else college.students[0]
    agree(student)
    templates.enrol(student=student, kind="face", template="QUJD", by=college.admin, now=clock.now())


def another_slot(college: College, index: int) -> None:
    save_slot(
        school=college.school,
        sections=[SectionFactory(school=college.school), SectionFactory(school=college.school)],
        faculty=[FacultyFactory(school=college.school), FacultyFactory(school=college.school)],
        room=RoomFactory(school=college.school),
        weekday=2,
        starts=clock.now().time().replace(hour=10),
        ends=clock.now().time().replace(hour=11),
        valid_from=college.section.term.starts_on,
        valid_until=college.section.term.ends_on,
        by=college.admin,
        now=clock.now(),
    )


def another_holiday(college: College, index: int) -> None:
    Holiday.objects.create(
        school=college.school,
        date=f"2026-12-{10 + index}",
        name="x",
        department=DepartmentFactory(school=college.school),
    )


def another_leave(college: College, index: int) -> None:
    """One of the college's student for a single class, decided by a person of its own."""
    session = another_session(college, index)
    leave = leaves.apply_for(
        student=college.students[0],
        kind="casual",
        from_date=session.held_on,
        to_date=session.held_on,
        only=[session],
        reason="x",
        by=college.students[0].user,
        now=clock.now(),
    )
    leaves.reject(leave=leave, remarks="x", by=FacultyFactory(school=college.school).user, now=clock.now())


def another_conflict(college: College, index: int) -> None:
    session = another_session(college, index)
    Session.objects.filter(pk=session.pk).update(status="open")
    conflict_of(session, college.students[0], now=session.starts_at, office=college.admin, by=college.teacher)


def another_section(college: College, index: int) -> None:
    SectionFactory(school=college.school, faculty=FacultyFactory(school=college.school), students=1)


def another_term(college: College, index: int) -> None:
    TermFactory(
        school=college.school,
        name=f"T{index}",
        starts_on=f"20{30 + index}-01-01",
        ends_on=f"20{30 + index}-06-01",
    )


def another_department(college: College, index: int) -> None:
    DepartmentFactory(school=college.school, head=FacultyFactory(school=college.school))


def another_course(college: College, index: int) -> None:
    CourseFactory(school=college.school, department=DepartmentFactory(school=college.school))


def another_cohort(college: College, index: int) -> None:
    CohortFactory(
        school=college.school,
        parent=CohortFactory(school=college.school),
        department=DepartmentFactory(school=college.school),
    )


def another_person(college: College, index: int) -> None:
    department = DepartmentFactory(school=college.school)
    FacultyFactory(school=college.school, department=department)
    StudentFactory(school=college.school, department=department, cohort=CohortFactory(school=college.school))


def another_room(college: College, index: int) -> None:
    RoomFactory(school=college.school)


LISTS: dict[str, Callable[[College, int], Any]] = {
    "attendance/sessions": another_session,
    "attendance/records": another_session,
    "attendance/correction-requests": another_correction,
    "attendance/condonation-requests": another_condonation,
    "attendance/timetable-slots": another_slot,
    "attendance/holidays": another_holiday,
    "attendance/leave-applications": another_leave,
    "attendance/sync-conflicts": another_conflict,
    "attendance/audit-log": another_slot,
    "attendance/devices": another_reader,
    "attendance/device-readings": another_reading,
    "attendance/biometric-templates": another_template,
    "terms": another_term,
    "departments": another_department,
    "rooms": another_room,
    "courses": another_course,
    "cohorts": another_cohort,
    "faculty": another_person,
    "students": another_person,
    "sections": another_section,
}

#: Nobody else lists these.
OF_THE_OFFICE = {"attendance/audit-log", "attendance/devices", "attendance/device-readings"}
NOT_OF_STUDENTS = {"attendance/sync-conflicts"}


@pytest.mark.parametrize(
    ("who", "path"),
    [
        (who, path)
        for who in ("admin", "teacher", "student")
        for path in LISTS
        if (who == "admin" or path not in OF_THE_OFFICE) and (who != "student" or path not in NOT_OF_STUDENTS)
    ],
)
def test_list_costs_the_same_for_one_row_as_for_three(college: College, who: str, path: str) -> None:
    LISTS[path](college, 0)
    one = cost(college.user(who), f"/api/v1/{path}/")
    LISTS[path](college, 1)
    LISTS[path](college, 2)

    assert cost(college.user(who), f"/api/v1/{path}/") == one <= LIMIT


def test_the_registrars_file_costs_the_same_for_one_row_as_for_three(college: College) -> None:
    path = "/api/v1/attendance/condonation-requests/export/"
    another_condonation(college, 0)
    one = cost(college.admin, path)
    another_condonation(college, 1)
    another_condonation(college, 2)

    assert cost(college.admin, path) == one <= LIMIT


@pytest.mark.parametrize("tail", ["", "roster/", "live/", "qr/"])
def test_class_costs_the_same_whatever_its_size(tail: str) -> None:
    college = make_college(open=True)
    path = f"/api/v1/attendance/sessions/{college.session.pk}/{tail}"
    RecordFactory(session=college.session, student=college.students[0])
    one = cost(college.teacher, path)
    for student in college.students[1:]:
        RecordFactory(session=college.session, student=student, status=Status.LATE)

    assert cost(college.teacher, path) == one <= LIMIT


def test_summary_costs_the_same_whatever_the_number_of_courses(college: College) -> None:
    path = "/api/v1/attendance/statistics/student-summary/"
    one = cost(college.students[0].user, path)
    for _ in range(3):
        EnrollmentFactory(section=SectionFactory(school=college.school), student=college.students[0])

    assert cost(college.students[0].user, path) == one <= LIMIT


def test_a_leave_over_many_classes_costs_as_much_to_decide_as_one_over_few(college: College) -> None:
    def decide(count: int, offset: int) -> int:
        held = [another_held(college, offset + index) for index in range(count)]
        leave = leaves.apply_for(
            student=college.students[0],
            kind="medical",
            from_date=held[0].held_on,
            to_date=held[-1].held_on,
            reason="x",
            by=college.students[0].user,
            now=clock.now(),
        )
        with CaptureQueriesContext(connection) as queries:
            outcome = leaves.approve(leave=leave, by=college.admin, now=clock.now())
        assert outcome.changed == count
        # Outside a test the decision's own savepoint is the transaction.
        return len([query for query in queries if "SAVEPOINT" not in query["sql"]])

    assert decide(1, 0) == decide(5, 10) <= LIMIT


def another_held(college: College, index: int) -> Any:
    """A class of the college's section on a later day, closed, with nobody in it."""
    session = SessionFactory(
        section=college.section,
        teacher=college.session.faculty.get(),
        starts_at=college.session.starts_at + timedelta(days=index + 1),
    )
    sessions.open_session(session=session, by=college.teacher, now=session.starts_at)
    return sessions.close_session(session=session, by=college.teacher, now=session.ends_at)


def test_marking_three_costs_as_much_as_marking_one(college: College) -> None:
    sessions.open_session(session=college.session, by=college.teacher, now=clock.now())

    def mark(count: int, status: str) -> int:
        marks = [Mark(student.enrollment_no, status) for student in college.students[:count]]
        with CaptureQueriesContext(connection) as queries:
            bulk_mark(session=college.session, marks=marks, by=college.teacher, now=clock.now())
        return len(queries)

    assert mark(1, Status.PRESENT) == mark(3, Status.LATE) <= LIMIT
