"""A college with a past, made by the services from the sample files: what the pages show in the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from academics.models import Department, Faculty, Section, Student
from academics.services.imports import import_roster
from accounts.enums import Role
from accounts.models import School, User
from attendance.models import LeaveApplication, Session
from attendance.services import leaves, sessions, summaries
from attendance.services.evidence import Upload
from attendance.services.generation import generate
from attendance.services.imports import import_timetable
from attendance.services.marking import Mark, bulk_mark
from tests.factories import ExportJobFactory, SchoolFactory, TermFactory, UserFactory

DATA = Path(__file__).resolve().parent.parent / "data"
#: Tuesday 17 November 2026, 09:02 in Asia/Kolkata: the first class of CSE-A runs, and whoever comes is on time.
MORNING = datetime(2026, 11, 17, 3, 32, tzinfo=UTC)
#: Where the story begins: before the first class of the timetable.
IMPORTED = datetime(2026, 10, 26, 4, 0, tzinfo=UTC)
COHORT = "CSE-A"


@dataclass(frozen=True)
class Campus:
    """People and classes that the pages are about; `open` is CSE-A's Data Structures of this morning.

    `section` is the one that sits in it, `quiet` one that has held no class; `head` heads their department.
    """

    school: School
    open: Session
    closed: Session
    students: list[Student]
    teacher: User
    office: User
    head: User
    section: Section
    quiet: Section
    pending: LeaveApplication

    @property
    def student(self) -> User:
        """One whose figures are worth looking at: some classes missed, not marked yet this morning."""
        return self.students[3].user


def clock_mover(settings: Any) -> Callable[[datetime], None]:
    def move(instant: datetime) -> None:
        settings.CLOCK_SHIFT_SECONDS = (instant - datetime.now(UTC)).total_seconds()

    return move


def build() -> Campus:
    school = SchoolFactory(name="Sagar College of Engineering", code="sagar")
    TermFactory(school=school)
    office = UserFactory(school=school, role=Role.ADMIN, full_name="Meera Kulkarni", username="office@sagar")
    for name in ("students.csv", "faculty.csv"):
        report = import_roster(
            school=school, data=(DATA / name).read_bytes(), create_missing=True, by=office, now=IMPORTED
        )
        assert report.imported, report
    timetable = (DATA / "timetable.csv").read_bytes()
    report = import_timetable(school=school, data=timetable, create_missing=True, by=office, now=IMPORTED)
    assert report.imported, report
    generate(school=school, start=date(2026, 11, 2), end=date(2026, 11, 30), by=office, now=IMPORTED)
    students = list(
        Student.objects.filter(cohort__code=COHORT).select_related("user").order_by("enrollment_no")
    )
    _hold_classes(school, students)
    session = _running_class(students)
    summaries.refresh(now=MORNING)
    _export(office)
    section = session.sections.get()
    return Campus(
        school=school,
        open=session,
        closed=Session.objects.filter(faculty__in=session.faculty.all(), status="closed").latest("starts_at"),
        students=students,
        teacher=session.faculty.get().user,
        office=office,
        head=_head_of(section),
        section=section,
        quiet=Section.objects.filter(course=section.course).exclude(pk=section.pk).earliest("cohort__code"),
        pending=_ask_for_leave(students, office),
    )


def _head_of(section: Section) -> User:
    """A colleague who heads the department of the section's course."""
    head = Faculty.objects.get(employee_no="F101")
    Department.objects.filter(pk=section.course.department_id).update(head=head)
    return head.user


def _hold_classes(school: School, students: list[Student]) -> None:
    """Every class of the cohort so far: most come, a few come late, the same few stay away too often."""
    past = Session.objects.filter(sections__cohort__code=COHORT, ends_at__lt=MORNING).order_by("starts_at")
    for number, session in enumerate(past):
        teacher = session.faculty.get().user
        marks = [Mark(student.enrollment_no, _habit(index, number)) for index, student in enumerate(students)]
        sessions.open_session(session=session, by=teacher, now=session.starts_at)
        bulk_mark(session=session, marks=marks, by=teacher, now=session.starts_at + timedelta(minutes=3))
        sessions.close_session(session=session, by=teacher, now=session.ends_at)


def _export(office: User) -> None:
    """What the office took out: one that is being made, one that is ready, one that could not be made."""
    yesterday = MORNING - timedelta(days=1)
    ExportJobFactory(
        requested_by=office,
        requested_at=yesterday,
        state="failed",
        error_code="pdf_unavailable",
        error="PDF files cannot be made on this server yet.",
        format="pdf",
        finished_at=yesterday,
    )
    ExportJobFactory(
        requested_by=office,
        requested_at=MORNING - timedelta(hours=2),
        state="done",
        rows_total=244_772,
        rows_done=244_772,
        file="exports/1/0",
        file_name="attendance-records.xlsx",
        size=15_204_352,
        finished_at=MORNING - timedelta(hours=1),
        expires_at=MORNING + timedelta(days=7),
        filters={"from": "2026-08-03", "to": "2026-11-16"},
    )
    ExportJobFactory(
        requested_by=office, requested_at=MORNING, state="running", rows_total=16_000, rows_done=4_000, kind="audit",
        format="csv",
    )  # fmt: skip


def _ask_for_leave(students: list[Student], office: User) -> LeaveApplication:
    """What `Campus.student` asked for and what became of it, and what three others wait for; the student's own."""

    def asked(
        student: Student, kind: str, days: tuple[int, int], reason: str, **more: Any
    ) -> LeaveApplication:
        return leaves.apply_for(
            student=student,
            kind=kind,
            from_date=date(2026, 11, days[0]),
            to_date=date(2026, 11, days[1]),
            reason=reason,
            by=student.user,
            now=MORNING - timedelta(days=1, hours=student.pk % 5),
            **more,
        )

    me = students[3]
    approved = asked(
        me, "medical", (2, 4), "Fever since Sunday night.", upload=Upload("note.pdf", b"%PDF-1.7 fever")
    )
    leaves.approve(leave=approved, remarks="Get well soon.", by=office, now=MORNING)
    refused = asked(me, "casual", (12, 13), "A cousin's wedding in Guntur.")
    leaves.reject(leave=refused, remarks="The laboratory examination is on the 12th.", by=office, now=MORNING)
    leaves.cancel(leave=asked(me, "other", (26, 27), "A trip."), by=me.user, now=MORNING)
    for index, kind, days, reason in (
        (8, "medical", (9, 11), "Dengue; the hospital's report is attached."),
        (12, "on_duty", (24, 25), "Hackathon at IIT Hyderabad, with the department's team of four."),
    ):
        asked(students[index], kind, days, reason, upload=Upload("report.png", b"\x89PNG\r\n\x1a\n"))
    thursday = Session.objects.filter(sections__cohort__code=COHORT, held_on=date(2026, 11, 19))
    asked(students[5], "other", (19, 19), "Passport office.", only=thursday.order_by("starts_at")[:2])
    return asked(
        me,
        "medical",
        (18, 20),
        "Wisdom tooth, to be pulled on Wednesday morning.",
        upload=Upload("appointment at the dental clinic of Dr. Subrahmanyam.pdf", b"%PDF-1.7 tooth"),
    )


def _habit(student: int, number: int) -> str:
    """What a student did in the cohort's class of that number; three weeks of nine classes each."""
    if student in (3, 12) and number % 5 == 0:
        return "absent"
    if student == 8 and number % 4 < 2:
        return "absent"
    if student == 11 and 4 <= number <= 7:
        return "excused"
    if (student + number) % 13 == 0:
        return "late"
    return "absent" if (student * 5 + number) % 19 == 0 else "present"


def _running_class(students: list[Student]) -> Session:
    """This morning's class, with half of its students here."""
    session = Session.objects.get(sections__cohort__code=COHORT, starts_at=MORNING - timedelta(minutes=2))
    teacher = session.faculty.get().user
    sessions.open_session(session=session, by=teacher, now=session.starts_at)
    here = [
        Mark(student.enrollment_no, "late" if index == 16 else "present")
        for index, student in enumerate(students)
        if index % 2 == 0
    ]
    bulk_mark(session=session, marks=here, by=teacher, now=MORNING - timedelta(minutes=1))
    session.refresh_from_db()
    return session
