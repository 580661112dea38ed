"""Readers on the office's pages: health, keys, numbers, what they told and what they are told."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from attendance.iclock import Reading
from attendance.models import BiometricDevice, DeviceCommand, DeviceEvent, DevicePin, Session, UnknownDevice
from attendance.selectors import devices as known
from attendance.services import device_calls, devices, readings
from tests.attendance.readers import let_readers_in
from tests.attendance.scans import students_of
from tests.colleges import signed_in
from tests.factories import SectionFactory, SessionFactory, StudentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("two_minutes_in")]

PAGE = "/devices/"
DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture
def session() -> Session:
    session: Session = SessionFactory(section=SectionFactory(students=3), open=True)
    let_readers_in(session.school)
    return session


@pytest.fixture
def client(office: User) -> Client:
    return signed_in(office)


@pytest.fixture
def device(office: User, session: Session, now: datetime) -> BiometricDevice:
    return devices.register(
        school=session.school, serial="GATE-1", kind="fingerprint", name="Gate", by=office, now=now
    ).device


def at(name: str, device: BiometricDevice) -> str:
    return reverse(f"attendance:{name}", args=[device.pk])


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def upload(text: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("users.csv", text, "text/csv")


class TestRegistry:
    def test_tells_who_lives_who_is_silent_and_who_never_called(
        self, client: Client, office: User, device: BiometricDevice, now: datetime
    ) -> None:
        def another(serial: str, **changes: Any) -> None:
            made = devices.register(school=device.school, serial=serial, kind="face", by=office, now=now)
            BiometricDevice.objects.filter(pk=made.device.pk).update(**changes)

        another("ALIVE", last_seen_at=now - timedelta(minutes=3))
        another("SILENT", last_seen_at=now - timedelta(hours=1), clock_offset=90)
        another("OFF", is_active=False)

        found = client.get(PAGE).context["readers"]

        assert [(one.device.serial, one.health, one.clock_wrong) for one in found] == [
            ("SILENT", "silent", True),
            ("GATE-1", "never", False),
            ("ALIVE", "alive", False),
            ("OFF", "off", False),
        ]

    @pytest.mark.parametrize("number", [1, 3])
    def test_costs_the_same_for_one_and_for_three(
        self, client: Client, office: User, session: Session, now: datetime, number: int,
        django_assert_num_queries: Any,
    ) -> None:  # fmt: skip
        for serial in range(number):
            devices.register(school=session.school, serial=f"R{serial}", kind="face", by=office, now=now)
        with django_assert_num_queries(6):
            client.get(PAGE)

    def test_a_stranger_that_calls_is_accepted_and_its_key_is_shown_once(
        self, client: Client, now: datetime
    ) -> None:
        device_calls.meet_unknown(serial="STRANGER-1", address="10.0.0.9", now=now)
        link = f"{reverse('attendance:device_register')}?serial=STRANGER-1"
        assert link in client.get(PAGE).content.decode()
        assert client.get(link).context["form"]["serial"].value() == "STRANGER-1"

        page = client.post(link, {"serial": "STRANGER-1", "kind": "face", "allowed_networks": "10.0.0.0/8"})

        made = BiometricDevice.objects.get()
        key = page.context["key"]
        assert known.by_key(key) == made
        assert page["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
        assert key in page.content.decode()
        assert key not in client.get(at("device", made)).content.decode()
        assert not UnknownDevice.objects.exists()

    def test_a_refusal_stands_beside_its_field_and_keeps_what_was_typed(
        self, client: Client, device: BiometricDevice
    ) -> None:
        page = client.post(
            reverse("attendance:device_register"),
            {"serial": "GATE-1", "kind": "face", "name": "Lab", "allowed_networks": "10.0.0.0/8"},
        )
        assert page.status_code == 409
        assert page.context["form"]["name"].value() == "Lab"
        page = client.post(at("device", device), {"kind": "face", "allowed_networks": "10.0.0.1/8"})
        assert (page.status_code, list(page.context["form"].errors)) == (400, ["allowed_networks"])


class TestOneReader:
    def test_another_key_takes_the_place_of_the_old_one(
        self, client: Client, office: User, device: BiometricDevice, now: datetime
    ) -> None:
        old = devices.rotate_key(device=device, by=office, now=now).key
        new = client.post(at("device_rotate", device)).context["key"]
        assert (known.by_key(old), known.by_key(new)) == (None, device)

    def test_is_switched_off_and_on(self, client: Client, device: BiometricDevice) -> None:
        for on in (False, True):
            client.post(at("device_switch", device), {"on": str(on).lower()})
            assert BiometricDevice.objects.get().is_active is on

    def test_commands_are_queued_and_their_answers_shown(
        self, client: Client, office: User, device: BiometricDevice, now: datetime
    ) -> None:
        client.post(at("device_pin", device), {"pin": "7", "student": StudentFactory(school=device.school)})
        client.post(at("device_clock", device))
        (command,) = DeviceCommand.objects.all()
        assert "waits" in client.get(at("device", device)).content.decode()
        device_calls.fetch_commands(device=device, now=now)
        device_calls.take_answers(device=device, answers=[(command.pk, 0)], now=now)
        assert "done" in client.get(at("device", device)).content.decode()

    def test_a_reader_that_is_off_is_told_nothing(
        self, client: Client, office: User, device: BiometricDevice, now: datetime
    ) -> None:
        devices.deactivate(device=device, by=office, now=now)
        for name in ("device_clock", "device_push"):
            answer = client.post(at(name, device), follow=True)
            assert [message.level_tag for message in answer.context["messages"]] == ["error"]
        assert not DeviceCommand.objects.exists()


class TestNumbers:
    def test_a_number_is_assigned_and_what_waited_for_it_is_matched(
        self, client: Client, session: Session, device: BiometricDevice
    ) -> None:
        student = students_of(session)[0]
        readings.take(device=device, readings=[Reading(session.starts_at, pin="7")], now=session.starts_at)
        answer = client.post(
            at("device_pin", device), {"pin": "7", "student": student.enrollment_no.lower()}, follow=True
        )
        assert said(answer) == ["1 number is changed. 1 reading found its class."]
        assert DeviceEvent.objects.get().state == "matched"
        client.post(at("device_pin", device), {"pin": "7"})
        assert not DevicePin.objects.exists()

    def test_a_file_of_the_readers_own_software_is_imported(
        self, client: Client, device: BiometricDevice
    ) -> None:
        data = (DATA / "iclock_users.csv").read_bytes()
        for line in data.decode().split()[1:]:
            StudentFactory(school=device.school, enrollment_no=line.partition(",")[2])
        client.post(at("device_pins", device), {"file": upload(data)})
        assert DevicePin.objects.filter(device=device).count() == 20

    def test_a_bad_line_changes_nothing_and_is_named(
        self, client: Client, session: Session, device: BiometricDevice
    ) -> None:
        number = students_of(session)[0].enrollment_no
        text = f"pin,enrollment_no\n1,{number}\n1,{number}\n2,NOBODY\nx y,{number}\n".encode()
        page = client.post(at("device_pins", device), {"file": upload(text)})
        assert page.status_code == 400
        assert [(p.line, p.column, p.code) for p in page.context["problems"]] == [
            (3, "pin", "duplicate"),
            (4, "enrollment_no", "unknown"),
            (5, "pin", "invalid"),
        ]
        assert not DevicePin.objects.exists()

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"\x00\x01\x02",
            b"PK\x03\x04zip",
            b"name\nx\n",
            b"\xff\xfe",
            b'pin,enrollment_no\n"1',
            b"pin\n1",
        ],
    )
    def test_what_is_no_such_file_is_refused(
        self, client: Client, device: BiometricDevice, text: bytes
    ) -> None:
        page = client.post(at("device_pins", device), {"file": upload(text)})
        assert page.status_code == 400
        assert not DevicePin.objects.exists()


class TestReadings:
    def test_what_waits_comes_first_with_its_reason_and_is_matched_again(
        self, client: Client, office: User, session: Session, device: BiometricDevice
    ) -> None:
        now = session.starts_at
        student = students_of(session)[0]
        # Nobody has said yet whom 7 means, and nobody knows 9.
        told = [Reading(now, pin="7"), Reading(now, pin="9")]
        readings.take(device=device, readings=told, now=now)
        DevicePin.objects.create(device=device, pin="7", student=student)
        page = client.get(reverse("attendance:device_readings"))
        assert [row.reason for row in page.context["rows"]] == ["unknown_pin", "unknown_pin"]

        answer = client.post(reverse("attendance:device_rematch"), {"device": str(device.pk)}, follow=True)

        assert said(answer) == ["1 reading found its class."]
        assert [row.pin for row in answer.context["rows"]] == ["9", "7"]
        only = client.get(f"{reverse('attendance:device_readings')}?state=matched&device={device.pk}")
        assert [row.pin for row in only.context["rows"]] == ["7"]
