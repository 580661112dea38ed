"""A school with very many records, and one class of today in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import connection

from academics.models import Section, Student
from accounts.models import User
from attendance.demo import bench
from attendance.models import AttendanceConfiguration, AttendanceRecord, BiometricDevice, Session
from attendance.services import devices, sessions
from tests.attendance.scans import students_of
from tests.factories import SessionFactory, UserFactory
from tests.factories.attendance import STARTS

STUDENTS = 3_000


@dataclass
class Large:
    """Made once. What the cases use of it is named here; `held` is a closed class of the last days."""

    records: int
    now: datetime = STARTS
    built: bench.Bench = field(init=False)

    def __post_init__(self) -> None:
        self.built = bench.build(
            records=self.records,
            students=STUDENTS,
            seed=1,
            password="!",
            progress=lambda _text: None,
            now=self.now,
        )
        self.school = self.built.school
        AttendanceConfiguration.objects.filter(school=self.school).update(
            biometric_enabled=True, rfid_enabled=True
        )
        self.section: Section = Session.objects.filter(school=self.school).latest("starts_at").sections.get()
        yesterday = SessionFactory(section=self.section, open=True, starts_at=self.now - timedelta(days=1))
        self.held = sessions.close_session(session=yesterday, by=None, now=yesterday.ends_at)
        self.open = SessionFactory(section=self.section, open=True)
        self.planned = SessionFactory(
            section=Section.objects.filter(school=self.school).exclude(cohort=self.section.cohort)[0]
        )
        self.students: list[Student] = students_of(self.open)
        self.student = self.students[0]
        self.teacher: User = self.section.teachers.get().user
        self.office: User = UserFactory(school=self.school, role="admin")
        device = devices.register(
            school=self.school,
            serial="PLANS1",
            kind="fingerprint",
            allowed_networks=["127.0.0.0/8"],
            by=self.office,
            now=self.now,
        ).device
        devices.assign_pins(
            device=device,
            pins=[devices.Pin(f"{number}", one) for number, one in enumerate(self.students, 1)],
            by=self.office,
            now=self.now,
        )
        self.device = BiometricDevice.objects.get(pk=device.pk)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self.rows = AttendanceRecord.objects.filter(school=self.school).count()

    @property
    def day(self) -> date:
        return self.held.held_on
