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
from accounts.services import consents
from attendance.iclock import Reading
from attendance.models import (
    AttendanceRecord,
    AttendanceStatistics,
    BiometricDevice,
    CorrectionRequest,
    LeaveApplication,
    RefusedScan,
    Session,
)
from attendance.services import (
    condonations,
    corrections,
    device_calls,
    devices,
    holds,
    leaves,
    readings,
    sessions,
    summaries,
    templates,
)
from attendance.services.evidence import Upload
from attendance.services.generation import generate
from attendance.services.imports import import_timetable
from attendance.services.marking import Mark, bulk_mark
from tests.attendance.uploads import conflict_of, entry, send
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
    device: BiometricDevice
    #: The class that `student` missed last, and one too long ago to be corrected.
    missed: Session
    long_ago: Session
    #: Somebody with a course between floor and threshold, who has applied for condonation in it.
    condonable: User

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
    _mark_without_network(session, students, office)
    summaries.refresh(now=MORNING)
    consents.agree(user=students[3].user, purpose="biometric", text_version="1", now=IMPORTED)
    templates.enrol(student=students[3], kind="fingerprint", template="QUJD", by=office, now=IMPORTED)
    _export(office)
    section = session.sections.get()
    closed = _last_closed(session)
    _scan_from_outside(closed, students)
    holds.place(school=school, student=students[0], reason="Case 12 of 2026", by=office, now=MORNING)
    teacher = session.faculty.get()
    missed, long_ago = _say_marks_are_wrong(students, office)
    head = _head_of(section)
    return Campus(
        school=school,
        open=session,
        closed=closed,
        students=students,
        teacher=teacher.user,
        office=office,
        head=head,
        section=section,
        quiet=Section.objects.filter(course=section.course).exclude(pk=section.pk).earliest("cohort__code"),
        pending=_ask_for_leave(students, office),
        device=_reader(school, students, office),
        missed=missed,
        long_ago=long_ago,
        condonable=_apply_for_condonation(students, head),
    )


def _scan_from_outside(session: Session, students: list[Student]) -> None:
    """Two students sent the code of a class to somebody, or were somewhere else themselves."""
    place = {"latitude": 17.4, "longitude": 78.5, "accuracy": 12.0, "distance": 1840.0, "radius": 100}
    RefusedScan.objects.bulk_create(
        RefusedScan(
            school=session.school,
            session=session,
            student=student,
            code="outside_geofence",
            at=session.starts_at + timedelta(minutes=2),
            location={**place, "allowance": 12.0},
        )
        for student in students[:2]
    )


def _reader(school: School, students: list[Student], office: User) -> BiometricDevice:
    """One that lives and knows two students, with a reading of somebody it does not know; and a stranger that calls."""
    school.attendance_configuration.biometric_enabled = True
    school.attendance_configuration.save()
    by: dict[str, Any] = {"by": office, "now": MORNING}
    device = devices.register(
        school=school, serial="CKUH211060001", kind="fingerprint", name="Main gate", **by
    ).device
    pins = [devices.Pin(str(1001 + number), student) for number, student in enumerate(students[:2])]
    devices.assign_pins(device=device, pins=pins, **by)
    devices.set_clock(device=device, **by)
    readings.take(device=device, readings=[Reading(MORNING, pin="77")], now=MORNING)
    device_calls.seen(device=device, firmware="Ver 8.0.4.3", now=MORNING)
    device_calls.meet_unknown(serial="CGKX214760912", address="10.20.4.77", now=MORNING)
    device.refresh_from_db()
    return device


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


def _say_marks_are_wrong(students: list[Student], office: User) -> tuple[Session, Session]:
    """What became of corrections that `Campus.student` asked for, and what others wait for; the class that the
    student missed last, of which none is asked yet, and one too long ago."""
    me = students[3]

    def marks(student: Student, status: str) -> list[AttendanceRecord]:
        """Those that can be corrected, newest first."""
        found = AttendanceRecord.objects.filter(student=student, status=status, session__status="closed")
        return list(found.filter(held_on__gte=date(2026, 11, 10)).order_by("-held_on", "-session__starts_at"))

    def asked(mark: AttendanceRecord, status: str, reason: str) -> CorrectionRequest:
        return corrections.request_correction(
            session=mark.session,
            student=mark.student,
            requested_status=status,
            reason=reason,
            upload=Upload("photo of the board.png", b"\x89PNG\r\n\x1a\n"),
            by=mark.student.user,
            now=MORNING - timedelta(hours=1),
        )

    mine = marks(me, "present")
    refused = asked(mine[1], "late", "The bus came late, I was there from the second minute.")
    corrections.reject(correction=refused, remarks="You were there in time.", by=office, now=MORNING)
    asked(mine[0], "late", "I came five minutes late.")
    for student in (students[8], students[12]):
        asked(marks(student, "absent")[0], "present", "I sat in the last row, behind the pillar.")
    every = Session.objects.filter(sections__cohort__code=COHORT)
    return marks(me, "absent")[0].session, every.earliest("starts_at")


def _apply_for_condonation(students: list[Student], head: User) -> User:
    """Applications of all who may apply but `Campus.student`, one of them recommended; the student of the first."""
    made = []
    others = [student for student in students if student != students[3]]
    rows = AttendanceStatistics.objects.filter(student__in=others, percentage__gte=65, percentage__lt=75)
    for row in rows.select_related("student__user", "course", "term").order_by("student", "course"):
        made.append(
            condonations.apply(
                student=row.student,
                course=row.course,
                term=row.term,
                reason="Three weeks in hospital with dengue.",
                fee_reference="SBI-4711",
                by=row.student.user,
                now=MORNING - timedelta(days=1),
            )
        )
    condonations.recommend(condonation=made[-1], remarks="Has shown me the papers.", by=head, now=MORNING)
    return made[0].student.user


def _mark_without_network(running: Session, students: list[Student], office: User) -> None:
    """In the teacher's last class the office was faster twice; one mark came too late, another named nobody."""
    session = _last_closed(running)
    teacher = session.faculty.get().user
    for student, incoming in ((students[14], "absent"), (students[15], "present")):
        conflict_of(session, student, now=session.starts_at, incoming=incoming, office=office)
    for number in (students[17], "22CSE999"):
        at, came = session.starts_at, session.ends_at + timedelta(hours=3)
        send([entry(session, number, "present", at=at)], by=teacher, now=came)


def _last_closed(running: Session) -> Session:
    return Session.objects.filter(faculty__in=running.faculty.all(), status="closed").latest("starts_at")


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
