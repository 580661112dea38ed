"""Scans that somebody should look at, made as scanning makes them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from academics.models import Student
from attendance.models import AttendanceConfiguration, Session
from attendance.services.scanning import scan_one
from core.errors import DomainError
from tests.attendance.scans import request_of
from tests.factories import RoomFactory, SectionFactory, SessionFactory

#: 0.001° of latitude are 111 m.
LATITUDE, LONGITUDE = 17.0, 82.0


def a_class(section: Any = None, *, students: int = 6, located: bool = True, **more: Any) -> Session:
    """An open class in a room with a position, in a school that checks it (radius 100 m)."""
    section = section or SectionFactory(students=students)
    session: Session = SessionFactory(section=section, open=True, **more)
    if located:
        AttendanceConfiguration.objects.filter(school=session.school).update(gps_verification=True)
        session.room = RoomFactory(school=session.school, latitude=LATITUDE, longitude=LONGITUDE)
        session.save()
    return session


def scan(session: Session, student: Student, *, at: datetime, north: float = 0.0, **more: Any) -> str:
    """A scan from so many metres north of the room; the code of its answer."""
    place = {"latitude": LATITUDE + north / 111_195, "longitude": LONGITUDE, "accuracy": 10.0}
    try:
        return scan_one(request_of(session, student, at=at, **{**place, **more}), now=at).code
    except DomainError as refusal:
        return refusal.code


def burst(session: Session, students: list[Student], *, at: datetime) -> None:
    """All of them within ten seconds."""
    for number, student in enumerate(students):
        scan(session, student, at=at + timedelta(seconds=number))
