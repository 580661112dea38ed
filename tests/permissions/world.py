"""Two schools with everything in them that a route may name, and one of each kind of person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.test import Client

from academics.models import Section, Student
from accounts.enums import Role
from attendance.models import (
    AnomalyDismissal,
    AttendanceRecord,
    BiometricDevice,
    BiometricTemplate,
    CondonationRequest,
    CorrectionRequest,
    ExportJob,
    Holiday,
    LeaveApplication,
    LegalHold,
    RefusedScan,
    Session,
    SyncConflict,
    TimetableSlot,
)
from attendance.services import device_calls, devices, holds, leaves, templates, timetable
from attendance.services.evidence import Upload
from attendance.services.marking import Mark, bulk_mark
from notifications.models import Notification, WebhookDelivery
from tests.attendance.evidence import PDF
from tests.attendance.readers import agree
from tests.attendance.scans import students_of
from tests.attendance.uploads import conflict_of
from tests.colleges import signed_in
from tests.factories import (
    CohortFactory,
    CondonationFactory,
    CorrectionFactory,
    CourseFactory,
    DepartmentFactory,
    ExportJobFactory,
    FacultyFactory,
    RoomFactory,
    SchoolFactory,
    SectionFactory,
    SessionFactory,
    TermFactory,
    UserFactory,
)
from tests.notifications.told import given_up, tell

#: Columns of the matrix, in this order. `peer` is a student and `colleague` a teacher of the same school who
#: have nothing to do with the class; `head` heads its department; `outsider` is the office of another school.
ACTORS = (
    "anon",
    "student",
    "peer",
    "teacher",
    "colleague",
    "head",
    "office",
    "integrator",
    "operator",
    "outsider",
)


@dataclass
class World:
    #: Everybody in `ACTORS` who is signed in, with the key of their session.
    signed_in: dict[str, str]
    session: Session
    section: Section
    student: Student
    slot: TimetableSlot
    holiday: Holiday
    record: AttendanceRecord
    leave: LeaveApplication
    correction: CorrectionRequest
    condonation: CondonationRequest
    device: BiometricDevice
    template: BiometricTemplate
    dismissal: AnomalyDismissal
    hold: LegalHold
    conflict: SyncConflict
    notice: Notification
    delivery: WebhookDelivery
    job: ExportJob

    def client(self, actor: str) -> Client:
        client = Client()
        if actor in self.signed_in:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.signed_in[actor]
        return client

    def argument(self, name: str) -> Any:
        """What stands in an address for ``session``, ``record``..."""
        return {
            "session": self.session.pk,
            "record": self.record.pk,
            "correction": self.correction.pk,
            "condonation": self.condonation.pk,
            "slot": self.slot.pk,
            "holiday": self.holiday.pk,
            "section": self.section.pk,
            "student": self.student.enrollment_no,
            "leave": self.leave.pk,
            "device": self.device.pk,
            "template": self.template.pk,
            "dismissal": self.dismissal.pk,
            "hold": self.hold.pk,
            "conflict": self.conflict.pk,
            "notice": self.notice.pk,
            "delivery": self.delivery.pk,
            "webhook": self.delivery.endpoint_id,
            "job": self.job.pk,
        }[name]


def build(now: Any) -> World:
    """A class that is open, with one mark, in a school of several people; and a second school."""
    school = SchoolFactory()
    TermFactory(school=school)
    department = DepartmentFactory(school=school)
    head = FacultyFactory(school=school)
    department.head = head
    department.save()
    section = SectionFactory(
        school=school,
        course=CourseFactory(school=school, department=department),
        cohort=CohortFactory(school=school),
        students=2,
    )
    session = SessionFactory(section=section, open=True)
    teacher = session.faculty.get()
    # In charge of the section: more than standing in front of it, who may also decide on leave.
    section.faculty = teacher
    section.save()
    office = UserFactory(school=school)
    mine = students_of(session)[0]
    mine.department = department
    mine.save()
    bulk_mark(session=session, marks=[Mark(mine.enrollment_no, "present")], by=office, now=now)
    elsewhere = SectionFactory(school=school, students=1)
    colleague = SessionFactory(
        section=elsewhere, starts_at=session.starts_at + timedelta(hours=2)
    ).faculty.get()
    slot = timetable.save_slot(
        school=school,
        sections=[section],
        faculty=[teacher],
        room=RoomFactory(school=school),
        weekday=4,
        starts=time(9),
        ends=time(10),
        valid_from=date(2026, 11, 2),
        valid_until=date(2027, 3, 27),
        by=office,
        now=now,
    )
    other = SchoolFactory()
    TermFactory(school=other)
    peer = elsewhere.enrollments.get().student
    agree(mine)
    RefusedScan.objects.create(school=school, session=session, student=mine, code="outside_geofence", at=now)
    device_calls.meet_unknown(serial="STRANGER-1", address="10.0.0.9", now=now)
    tell(mine.user)
    people = {
        "student": mine.user,
        "peer": peer.user,
        "teacher": teacher.user,
        "colleague": colleague.user,
        "head": head.user,
        "office": office,
        "integrator": UserFactory(school=school, role=Role.INTEGRATOR),
        "operator": UserFactory(school=None, role=Role.SUPERUSER),
        "outsider": UserFactory(school=other),
    }
    return World(
        signed_in={
            actor: signed_in(user).cookies[settings.SESSION_COOKIE_NAME].value
            for actor, user in people.items()
        },
        session=session,
        section=section,
        student=mine,
        slot=slot,
        holiday=Holiday.objects.create(school=school, date=date(2026, 12, 25), name="Christmas"),
        record=AttendanceRecord.objects.get(student=mine),
        leave=leaves.apply_for(
            student=mine,
            kind="medical",
            from_date=date(2026, 11, 4),
            to_date=date(2026, 11, 4),
            reason="fever",
            upload=Upload("note.pdf", b"%PDF-1.7"),
            by=mine.user,
            now=now,
        ),
        correction=CorrectionFactory(
            session=session, student=mine, old_status="present", requested_status="late", **note()
        ),
        condonation=CondonationFactory(section=section, student=mine, **note()),
        device=devices.register(school=school, serial="READER-1", kind="face", by=office, now=now).device,
        template=templates.enrol(student=mine, kind="fingerprint", template="QUJD", by=office, now=now),
        dismissal=AnomalyDismissal.objects.create(
            school=school,
            kind="edge",
            subject=str(session.pk),
            students=[mine.pk],
            session=session,
            dismissed_by=office,
            dismissed_at=now,
        ),
        hold=holds.place(school=school, student=mine, reason="Case 12", by=office, now=now),
        conflict=conflict_of(session, students_of(session)[1], now=now, office=office),
        notice=Notification.objects.get(user=mine.user, key="k1"),
        delivery=given_up(school, office),
        job=ExportJobFactory(requested_by=office, requested_at=now),
    )


def note() -> dict[str, Any]:
    """A file as a request keeps it."""
    return {"file": ContentFile(PDF, name="note"), "file_name": "note.pdf", "file_type": "application/pdf"}
