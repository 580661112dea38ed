"""A school with a reader at the door of a class, for tests of readers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from academics.models import Section, Student
from accounts.models import Consent, User
from attendance.enums import Direction
from attendance.iclock import Reading
from attendance.models import AttendanceRecord, BiometricDevice, DeviceEvent, Session
from attendance.services import devices, readings, sessions
from attendance.services.readings import Taken
from tests.attendance.scans import students_of
from tests.factories import SectionFactory, SessionFactory, UserFactory
from tests.factories.attendance import STARTS

SERIAL = "CKUH2110001"
NETWORK = "127.0.0.0/8"


def let_readers_in(school: Any, **rules: Any) -> None:
    """The school uses fingerprints, faces and cards."""
    values = {"biometric_enabled": True, "rfid_enabled": True, **rules}
    for name, value in values.items():
        setattr(school.attendance_configuration, name, value)
    school.attendance_configuration.save()


def agree(student: Student, *, at: datetime = STARTS) -> None:
    Consent.objects.create(user=student.user, purpose="biometric", text_version="1", granted_at=at)


@dataclass
class World:
    """The class of `SessionFactory` is planned; the reader knows its three students as 1, 2 and 3."""

    kind: str = "fingerprint"
    section: Section = field(default_factory=lambda: SectionFactory(students=3))

    def __post_init__(self) -> None:
        self.session: Session = SessionFactory(section=self.section)
        self.school = self.section.school
        let_readers_in(self.school)
        self.office: User = UserFactory(school=self.school)
        self.students = students_of(self.session)
        self.device, self.key = self.reader(SERIAL, self.kind)

    def reader(self, serial: str, kind: str = "fingerprint") -> tuple[BiometricDevice, str]:
        made = devices.register(
            school=self.school,
            serial=serial,
            kind=kind,
            allowed_networks=[NETWORK],
            by=self.office,
            now=STARTS,
        )
        devices.assign_pins(
            device=made.device,
            pins=[devices.Pin(str(index + 1), student) for index, student in enumerate(self.students)],
            by=self.office,
            now=STARTS,
        )
        # As a call finds it: with the school and its rules as they are now.
        found = BiometricDevice.objects.select_related("school__attendance_configuration").get(
            pk=made.device.pk
        )
        return found, made.key

    def open(self) -> Session:
        teacher = self.session.faculty.get().user
        self.session = sessions.open_session(session=self.session, by=teacher, now=STARTS)
        return self.session

    def close(self) -> Session:
        self.session = sessions.close_session(session=self.session, by=None, now=self.session.ends_at)
        return self.session

    def at(self, minute: float) -> datetime:
        """So many minutes after the class begins."""
        return STARTS + timedelta(minutes=minute)

    def punch(
        self, minute: float, pin: str = "1", *, out: bool = False, device: Any = None, verify: int = 1
    ) -> Taken:
        """One reading, received as it happens."""
        way = Direction.OUT if out else Direction.IN
        reading = Reading(self.at(minute), way, pin, verify=verify)
        return readings.take(device=device or self.device, readings=[reading], now=self.at(minute))

    def record(self, index: int = 0) -> AttendanceRecord | None:
        return AttendanceRecord.objects.filter(session=self.session, student=self.students[index]).first()

    def mark(self, index: int = 0) -> tuple[str, str] | None:
        """(status, source) of a student's mark."""
        record = self.record(index)
        return (record.status, record.source) if record else None

    def event(self) -> DeviceEvent:
        return DeviceEvent.objects.get()
