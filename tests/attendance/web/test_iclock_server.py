"""A reader on a real socket, and two uploads of one log at the same moment."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from attendance.models import AttendanceRecord, DeviceEvent
from attendance.services import sessions, statistics
from audit.models import AuditEntry
from tests.attendance.readers import World
from tests.attendance.web.test_iclock import Reader
from tests.races import together

pytestmark = pytest.mark.django_db(transaction=True)

LINES = [f"{pin}\t2026-11-03 09:0{minute}:00\t0\t1\t0\t0\t0" for pin in (1, 2, 3) for minute in (1, 2, 3)]


@pytest.fixture
def world() -> World:
    return World()


def say(server: Any, request: bytes) -> tuple[bytes, bytes]:
    """The bytes on the wire: (head, body) of the answer."""
    host, port = server.thread.host, server.thread.port
    with socket.create_connection((host, port), timeout=30) as wire:
        wire.sendall(request)
        heard = b""
        while data := wire.recv(65536):
            heard += data
    head, _blank, body = heard.partition(b"\r\n\r\n")
    return head, body


def test_a_reader_on_the_wire_shakes_hands_pushes_and_asks_for_commands(
    world: World, live_server: Any
) -> None:
    world.open()
    # As such readers write it: no Accept, a user agent of their own, the body without an end of line.
    common = b"Host: 127.0.0.1\r\nUser-Agent: iClock Proxy/1.09\r\nConnection: close\r\n"

    head, body = say(
        live_server,
        b"GET /iclock/cdata?SN=CKUH2110001&options=all&pushver=2.4.1&language=69 HTTP/1.1\r\n"
        + common
        + b"\r\n",
    )
    assert head.startswith(b"HTTP/1.1 200")
    assert body.startswith(b"GET OPTION FROM: CKUH2110001\nATTLOGStamp=0\n")
    assert b"\r\nContent-Type: text/plain" in head

    log = "\n".join(LINES).encode()
    length = b"Content-Length: %d\r\n\r\n" % len(log)
    head, body = say(
        live_server,
        b"POST /iclock/cdata?SN=CKUH2110001&table=ATTLOG&Stamp=9999 HTTP/1.1\r\n" + common + length + log,
    )
    assert head.startswith(b"HTTP/1.1 200")
    assert body == b"OK: 9\n"

    head, body = say(live_server, b"GET /iclock/getrequest?SN=CKUH2110001 HTTP/1.1\r\n" + common + b"\r\n")
    assert body == b"OK\n"
    assert DeviceEvent.objects.filter(state="matched").count() == 9
    assert set(AttendanceRecord.objects.values_list("status", flat=True)) == {"present"}


def test_the_same_log_uploaded_twice_at_once_counts_once(world: World) -> None:
    world.open()
    world.close()

    def push(index: int) -> bytes:
        lines = LINES if index % 2 else LINES[::-1]
        return bytes(Reader().push("\n".join(lines).encode()).content)

    assert together(4, push) == [b"OK: 9\n"] * 4
    assert DeviceEvent.objects.filter(state="matched").count() == DeviceEvent.objects.count() == 9
    assert AttendanceRecord.objects.filter(status="present", source="biometric").count() == 3
    assert AuditEntry.objects.filter(action="reading.take").count() == 1
    assert statistics.check() == []


def test_a_log_that_arrives_while_the_class_closes_is_in_its_figures(world: World) -> None:
    world.open()

    def act(index: int) -> Any:
        if index:
            return bytes(Reader().push("\n".join(LINES).encode()).content)
        return sessions.close_session(session=world.session, by=None, now=world.session.ends_at).status

    assert together(2, act) == ["closed", b"OK: 9\n"]
    assert set(AttendanceRecord.objects.values_list("status", "source")) == {("present", "biometric")}
    assert statistics.check() == []
