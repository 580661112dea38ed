"""A reader that speaks the push protocol of ZKTeco and eSSL, byte for byte."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from attendance.iclock import lines_of, read_log
from attendance.models import AttendanceRecord, BiometricDevice, DeviceEvent, UnknownDevice
from attendance.services import devices, statistics
from core import clock
from tests.attendance.readers import SERIAL, World, let_readers_in
from tests.factories import SectionFactory, SessionFactory
from tests.factories.attendance import STARTS

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parents[2] / "data"
#: 23 November 2026, 09:00 in India: the day of the sample.
SAMPLE_DAY = STARTS + timedelta(days=20)


@dataclass
class Reader:
    """What hangs on the wall: it asks, and understands nothing but what it must."""

    serial: str = SERIAL
    prefix: str = ""
    address: str = "127.0.0.1"
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))

    def ask(self, method: str, path: str, body: bytes = b"", **query: str) -> Any:
        return self.client.generic(
            method,
            f"{self.prefix}/iclock/{path}",
            body,
            content_type="application/x-www-form-urlencoded",
            query_params={"SN": self.serial, **query},
            REMOTE_ADDR=self.address,
        )

    def shake_hands(self) -> Any:
        return self.ask("GET", "cdata", options="all", pushver="2.4.1", language="69")

    def push(self, body: bytes, table: str = "ATTLOG", **query: str) -> Any:
        return self.ask("POST", "cdata", body, table=table, **query)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def reader(world: World) -> Reader:
    return Reader()


def options(answer: Any) -> dict[str, str]:
    return dict(line.split("=", 1) for line in answer.content.decode().splitlines()[1:])


def test_the_handshake_tells_the_reader_how_to_call(world: World, reader: Reader) -> None:
    with clock.frozen(world.at(0)):
        answer = reader.shake_hands()

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    assert answer.content.startswith(b"GET OPTION FROM: CKUH2110001\n")
    told = options(answer)
    assert told.keys() >= {"ATTLOGStamp", "OPERLOGStamp", "ErrorDelay", "Delay", "TransInterval", "TransFlag"}
    assert (told["ErrorDelay"], told["Delay"], told["TransInterval"]) == ("30", "10", "1")
    # Five hours and a half, which readers take in minutes.
    assert (told["TimeZone"], told["Realtime"], told["Encrypt"]) == ("330", "1", "0")
    world.device.refresh_from_db()
    assert world.device.last_seen_at == world.at(0)


def sample_world() -> World:
    """The class of the sample's morning: its twenty students, by the numbers that the reader has for them."""
    section = SectionFactory(students=20)
    world = World(section=section)
    world.session = SessionFactory(
        section=section, starts_at=SAMPLE_DAY, teacher=world.session.faculty.get(), open=True
    )
    with (DATA / "iclock_users.csv").open() as file:
        numbers = [row["pin"] for row in csv.DictReader(file)]
    devices.assign_pins(
        device=world.device,
        pins=[devices.Pin(pin, student) for pin, student in zip(numbers, world.students, strict=True)],
        by=world.office,
        now=STARTS,
    )
    return world


def test_the_sample_is_twenty_readings_of_twenty_two_lines_however_often_it_is_sent() -> None:
    world, reader = sample_world(), Reader()
    body = (DATA / "iclock_attlog.txt").read_bytes()

    with clock.frozen(SAMPLE_DAY + timedelta(minutes=5)):
        answers = [reader.push(body, Stamp="9999"), reader.push(body, Stamp="9999")]

    assert [answer.content for answer in answers] == [b"OK: 22\n", b"OK: 22\n"]
    assert DeviceEvent.objects.filter(state="matched").count() == DeviceEvent.objects.count() == 20
    marks = AttendanceRecord.objects.filter(session=world.session)
    assert set(marks.values_list("status", "source")) == {("present", "biometric")}
    assert marks.count() == 20
    assert options(reader.shake_hands())["ATTLOGStamp"] == "9999"


def test_of_a_broken_log_the_good_lines_are_taken_and_the_rest_is_kept_with_its_reason() -> None:
    reader = Reader()
    sample_world()

    answer = reader.push((DATA / "iclock_attlog_malformed.txt").read_bytes())

    assert (answer.status_code, answer.content) == (200, b"OK: 6\n")
    rejected = DeviceEvent.objects.filter(state="rejected")
    assert sorted(rejected.values_list("line", "reason")) == [
        ("\t\t", "pin_invalid"),
        ("1002\t2026-02-30 09:00:00\t0\t1", "time_invalid"),
        ("abc\tnot a date\t0\t1", "time_invalid"),
        ("\u00ff\u00fe\t2026-11-23 09:00:00\t0\t1", "pin_invalid"),
    ]
    taken = DeviceEvent.objects.exclude(state="rejected")
    assert sorted(taken.values_list("pin", "direction", "verify")) == [("1001", "in", 1), ("1003", "in", 15)]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n"])
def test_lines_end_as_the_reader_likes(world: World, reader: Reader, ending: bytes) -> None:
    world.open()
    lines = [b"1\t2026-11-03 09:01:00\t0\t1\t0\t0\t0", b"2\t2026-11-03 09:02:00\t0\t15"]

    answer = reader.push(ending.join([*lines, b""]))

    assert answer.content == b"OK: 2\n"
    assert [world.mark(0), world.mark(1)] == [("present", "biometric")] * 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\x00\x00",
        b"1\t2026-11-03 09:01:00\t0\t\xff\xff",
        b"1\t9999-12-31 23:59:59\t0\t1",
        b"1\t0001-01-01 00:00:00\t0\t1",
        b"1\t2026-11-03 09:01:00\t7\t1",
        b"1\t2026-11-03 09:01:00\t0\t99999999999999999999",
        b"1\t2026-11-03T09:01:00\t0\t1",
        b"1\t2026-11-03 24:00:00\t0\t1",
        b"1",
        b"\xd9\xa1\t2026-11-03 09:01:00\t0\t1",
        b"A" * 100_000,
        b"\t" * 10_000,
    ],
)
def test_whatever_bytes_come_the_reader_may_go_on(world: World, reader: Reader, body: bytes) -> None:
    for table in ("ATTLOG", "OPERLOG", "", "\0"):
        answer = reader.push(body, table=table)
        assert answer.status_code in {200, 400}, answer.content
    assert reader.push(body).content == f"OK: {len(lines_of(body))}\n".encode()


def test_other_tables_are_answered_and_left_out(world: World, reader: Reader) -> None:
    body = b"OPLOG 4\t0\t2026-11-03 08:00:00\t0\t0\t0\t0\nFP PIN=1\tFID=0\tSize=4\tValid=1\tTMP=QUJD\n"

    for table in ("OPERLOG", "BIODATA", "options"):
        assert reader.push(body, table=table).content == b"OK: 2\n"

    assert not DeviceEvent.objects.exists()


def test_a_stranger_is_refused_and_listed(world: World) -> None:
    stranger = Reader(serial="ZK-999", address="10.9.8.7")

    answers = [stranger.shake_hands(), stranger.push(b"1\t2026-11-03 09:01:00\t0\t1")]

    assert [answer.status_code for answer in answers] == [403, 403]
    listed = UnknownDevice.objects.get()
    assert (listed.serial, listed.address, listed.count) == ("ZK-999", "10.9.8.7", 2)
    assert not DeviceEvent.objects.exists()


@pytest.mark.parametrize("serial", ["", "x" * 65, "a b", "é", "<script>", "1\n"])
def test_what_is_no_serial_number_is_refused_and_not_even_listed(world: World, serial: str) -> None:
    assert Reader(serial=serial).shake_hands().status_code == 403
    assert not UnknownDevice.objects.exists()


def test_a_serial_number_alone_is_no_proof(world: World) -> None:
    thief = Reader(address="192.0.2.7")

    assert thief.push(b"1\t2026-11-03 09:01:00\t0\t1").status_code == 403
    assert not DeviceEvent.objects.exists()
    assert not UnknownDevice.objects.exists()


def test_below_its_key_a_reader_may_call_from_anywhere(world: World) -> None:
    world.open()
    roaming = Reader(prefix=f"/r/{world.key}", address="192.0.2.7")

    assert roaming.push(b"1\t2026-11-03 09:01:00\t0\t1").content == b"OK: 1\n"
    assert world.mark() == ("present", "biometric")


def test_a_wrong_key_is_refused_even_from_an_allowed_network(world: World) -> None:
    assert Reader(prefix="/r/wrong").shake_hands().status_code == 403
    new = devices.rotate_key(device=world.device, by=world.office, now=world.at(0))
    assert Reader(prefix=f"/r/{world.key}").shake_hands().status_code == 403
    assert Reader(prefix=f"/r/{new.key}").shake_hands().status_code == 200


def test_a_reader_that_was_switched_off_is_refused_and_no_stranger(world: World, reader: Reader) -> None:
    devices.deactivate(device=world.device, by=world.office, now=world.at(0))

    assert reader.shake_hands().status_code == 403
    assert not UnknownDevice.objects.exists()


def test_a_reader_fetches_its_commands_and_tells_what_became_of_them(world: World, reader: Reader) -> None:
    assert reader.ask("GET", "getrequest").content == b"OK\n"
    with clock.frozen(world.at(0)):
        devices.push_users(device=world.device, by=world.office, now=world.at(0))
        fetched = reader.ask("GET", "getrequest", INFO="Ver 6.60,3,3,20,10.20.0.8").content.decode()
        idents = [line.split(":")[1] for line in fetched.splitlines()]
        number = world.students[0].enrollment_no
        assert fetched.splitlines()[0] == f"C:{idents[0]}:DATA UPDATE USERINFO PIN=1\tName={number}\tPri=0"

        body = "\r\n".join(f"ID={ident}&Return=0&CMD=DATA" for ident in idents).encode()
        answer = reader.ask("POST", "devicecmd", body)

    assert answer.content == b"OK\n"
    assert set(world.device.commands.values_list("result", "answered_at")) == {(0, world.at(0))}
    world.device.refresh_from_db()
    assert world.device.firmware == "Ver 6.60"


@pytest.mark.parametrize(
    "body", [b"", b"ID=&Return=", b"ID=1e9&Return=0", b"ID=" + b"9" * 40, b"\xff\xfe=%zz"]
)
def test_answers_that_answer_nothing_are_passed_over(world: World, reader: Reader, body: bytes) -> None:
    devices.set_clock(device=world.device, by=world.office, now=world.at(0))

    assert reader.ask("POST", "devicecmd", body).content == b"OK\n"
    assert world.device.commands.get().answered_at is None


def test_ten_thousand_lines_are_one_upload_and_repeated_change_nothing(world: World, reader: Reader) -> None:
    world.open()
    world.close()
    lines = [
        f"{index % 3 + 1}\t2026-11-03 09:{index // 60 % 50:02}:{index % 60:02}\t{index // 3000 % 2}\t1\t0\t0\t0"
        for index in range(10_000)
    ]
    body = "\r\n".join(lines).encode("latin-1")

    with CaptureQueriesContext(connection) as queries:
        first = reader.push(body)
    kept = DeviceEvent.objects.count()
    again = reader.push(body)

    assert first.content == again.content == b"OK: 10000\n"
    assert len(queries) <= 25
    assert DeviceEvent.objects.count() == kept == len(set(lines))
    assert statistics.check() == []


def test_a_reader_that_calls_too_often_is_told_when_to_come_back(
    world: World, reader: Reader, settings: Any
) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"reader": "2/h"}

    answers = [reader.shake_hands() for _call in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 0


def test_a_kind_of_reader_that_the_school_does_not_use_is_answered_and_ignored(
    world: World, reader: Reader
) -> None:
    let_readers_in(world.school, biometric_enabled=False)
    world.open()

    assert reader.push(b"1\t2026-11-03 09:01:00\t0\t1").content == b"OK: 1\n"

    assert (world.event().state, world.event().reason) == ("ignored", "biometric_disabled")


def test_times_are_those_of_the_wall_in_the_schools_zone(world: World) -> None:
    found, bad = read_log(["1\t2026-11-03 09:00:00\t0\t1"], zone=world.school.tz)

    assert ([reading.at for reading in found], bad) == ([STARTS], [])


def test_there_are_no_other_methods(world: World, reader: Reader) -> None:
    for method, path in (("PUT", "cdata"), ("POST", "getrequest"), ("GET", "devicecmd"), ("DELETE", "cdata")):
        assert reader.ask(method, path).status_code == 405
    assert BiometricDevice.objects.get().last_seen_at is None
