"""Readers in Django admin: looked at, told what to do, switched off; nothing secret is shown."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from attendance.iclock import Reading
from attendance.models import BiometricDevice, BiometricTemplate, DeviceEvent, Session, UnknownDevice
from attendance.services import device_calls, devices, templates
from attendance.services.readings import take
from tests.admin.pages import act, url
from tests.attendance.readers import agree
from tests.attendance.scans import students_of
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(session: Session, now: datetime) -> devices.Registered:
    return devices.register(
        school=session.school, serial="GATE-1", kind="face", by=UserFactory(school=session.school), now=now
    )


def test_the_office_commands_a_reader_and_switches_it_off(
    office: Client, reader: devices.Registered, session: Session, now: datetime
) -> None:
    pins = [devices.Pin("1", students_of(session)[0])]
    devices.assign_pins(device=reader.device, pins=pins, by=UserFactory(school=session.school), now=now)

    for action in ("set_clocks", "push_users", "switch_off"):
        assert act(office, BiometricDevice, action, reader.device) == ["Done for 1."]

    assert reader.device.commands.count() == 2
    assert BiometricDevice.objects.get().is_active is False
    (refused,) = act(office, BiometricDevice, "set_clocks", reader.device)
    assert "switched off" in refused


def test_no_key_and_no_hash_of_one_is_shown(office: Client, reader: devices.Registered) -> None:
    page = office.get(url(BiometricDevice, "change", reader.device.pk)).content.decode()

    assert "GATE-1" in page
    assert reader.device.key_hash not in page
    assert reader.key not in page


def test_a_template_is_deleted_but_never_shown(office: Client, session: Session, now: datetime) -> None:
    student = students_of(session)[0]
    agree(student)
    made = templates.enrol(
        student=student, kind="rfid", template="AB12CD34", by=UserFactory(school=session.school), now=now
    )

    page = office.get(url(BiometricTemplate, "change", made.pk)).content.decode()
    assert student.enrollment_no in page
    assert "AB12CD34" not in page
    assert str(made.card_index) not in page
    deleted = office.post(url(BiometricTemplate, "delete", made.pk), {"post": "yes"})

    assert deleted.status_code == 302
    assert not BiometricTemplate.objects.exists()


def test_readings_and_strangers_are_listed(office: Client, reader: devices.Registered, now: datetime) -> None:
    take(device=reader.device, readings=[Reading(now, pin="77")], now=now)
    device_calls.meet_unknown(serial="NEW-1", address="10.0.0.9", now=now)

    assert "GATE-1" in office.get(url(DeviceEvent, "changelist")).content.decode()
    assert "NEW-1" in office.get(url(UnknownDevice, "changelist")).content.decode()
