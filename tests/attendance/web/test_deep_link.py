"""A phone's own camera opens the code: every way from there to a mark, and the ways that must not lead there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from academics.models import Student
from attendance import codes
from attendance.models import AttendanceConfiguration, AttendanceRecord, RefusedScan, Session
from attendance.services import sessions
from tests.attendance.scans import students_of
from tests.colleges import signed_in
from tests.factories import PASSWORD, RoomFactory, SectionFactory, SessionFactory

pytestmark = pytest.mark.django_db

ClockAt = Callable[[datetime], AbstractContextManager[datetime]]


@pytest.fixture
def session() -> Session:
    return SessionFactory(section=SectionFactory(students=3), open=True)


def shown(session: Session, at: datetime) -> str:
    """The address on the class screen at that moment."""
    session.refresh_from_db()
    code = codes.code_at(
        session_id=session.pk,
        school_id=session.school_id,
        generation=session.qr_generation,
        rotation=15,
        now=at,
    )
    return f"/s/{codes.encode(code)}"


def sign_in(client: Client, student: Student) -> Any:
    return client.post(
        reverse("accounts:login"),
        {"username": student.user.username, "password": PASSWORD, "next": reverse("attendance:scan")},
    )


def tap(client: Client, **place: float) -> Any:
    return client.post(reverse("attendance:redeem"), place)


def refusal(response: Any) -> tuple[int, str]:
    return response.status_code, response.context["refusal"]["code"]


def test_signed_in_one_tap_marks(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    client = signed_in(student.user)
    with clock_at(now):
        opened = client.get(shown(session, now), follow=True)
        assert opened.context["state"] == "confirm"
        done = client.get(tap(client)["Location"])
    assert done.context["state"] == "success"
    assert AttendanceRecord.objects.get(student=student).status == "present"


def test_a_code_opened_before_a_sign_in_of_a_minute_still_marks_and_once(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    client = Client()
    with clock_at(now):
        opened = client.get(shown(session, now))
        assert opened["Location"].startswith(reverse("accounts:login"))
    with clock_at(now + timedelta(seconds=60)):
        assert sign_in(client, student)["Location"] == reverse("attendance:scan")
        client.get(reverse("attendance:scan"))
        ticket = client.cookies[codes.TICKET_COOKIE].value
        first = tap(client)
        impatient = tap(client)
        assert first["Location"] == impatient["Location"] == reverse("attendance:scan")
        client.cookies[codes.TICKET_COOKIE] = ticket
        tap(client)
        assert client.get(reverse("attendance:scan")).context["result"]["already"] is True
    record = AttendanceRecord.objects.get(student=student)
    assert record.marked_at == now


def test_the_moment_that_counts_is_when_the_code_was_opened(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    client = signed_in(student.user)
    in_time = session.starts_at + timedelta(minutes=4)
    with clock_at(in_time):
        client.get(shown(session, in_time))
    with clock_at(in_time + timedelta(minutes=4)):
        tap(client)
    assert AttendanceRecord.objects.get(student=student).status == "present"


def test_a_ticket_lives_five_minutes(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    client = signed_in(student.user)
    with clock_at(now):
        client.get(shown(session, now))
    with clock_at(now + timedelta(minutes=5, seconds=1)):
        assert refusal(tap(client)) == (410, "qr_expired")


def test_a_photographed_code_is_too_old_after_two_rotations(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    photo = shown(session, now)
    client = signed_in(student.user)
    with clock_at(now + timedelta(seconds=29)):
        assert client.get(photo).status_code == 302
    with clock_at(now + timedelta(seconds=30)):
        assert refusal(client.get(photo)) == (410, "qr_expired")


@pytest.mark.parametrize("position", range(0, 62, 7))
def test_one_changed_character_is_no_code(
    session: Session, student: Student, now: datetime, clock_at: ClockAt, position: int
) -> None:
    path = shown(session, now)
    token = path.removeprefix("/s/")
    other = "A" if token[position] != "A" else "B"
    with clock_at(now):
        answer = signed_in(student.user).get(f"/s/{token[:position]}{other}{token[position + 1 :]}")
    assert refusal(answer) == (400, "qr_invalid")


def test_a_code_with_another_session_in_it_is_no_code(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    import base64

    other = SessionFactory(section=SectionFactory(school=session.school, students=1), open=True)
    token = shown(session, now).removeprefix("/s/")
    raw = base64.urlsafe_b64decode(token + "==")
    forged = base64.urlsafe_b64encode(other.pk.bytes + raw[16:]).decode().rstrip("=")
    with clock_at(now):
        assert refusal(signed_in(student.user).get(f"/s/{forged}")) == (400, "qr_invalid")


def test_a_new_series_kills_older_codes_and_tickets_at_once(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    with_ticket, with_code = signed_in(student.user), signed_in(students_of(session)[1].user)
    old = shown(session, now)
    with clock_at(now):
        with_ticket.get(old)
        sessions.new_generation(session=session, by=session.faculty.get().user, now=now)
        with_code.get(old)
        assert refusal(tap(with_ticket)) == (410, "qr_expired")
        assert refusal(tap(with_code)) == (410, "qr_expired")
    assert not AttendanceRecord.objects.exists()


def test_a_second_account_on_the_same_device_is_refused(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    phone = signed_in(student.user)
    friend = students_of(session)[1]
    with clock_at(now):
        phone.get(shown(session, now))
        tap(phone)
        phone.post(reverse("accounts:logout"))
        phone.force_login(friend.user, backend="accounts.backends.CampusBackend")
        phone.get(shown(session, now))
        assert refusal(tap(phone)) == (409, "device_already_used")
    assert list(AttendanceRecord.objects.values_list("student", flat=True)) == [student.pk]


@pytest.mark.parametrize("cookie", [None, "forged", "other"])
def test_a_ticket_without_its_device_cookie_is_refused(
    session: Session, student: Student, now: datetime, clock_at: ClockAt, cookie: str | None
) -> None:
    client = signed_in(student.user)
    with clock_at(now):
        client.get(shown(session, now))
        if cookie is None:
            del client.cookies[codes.DEVICE_COOKIE]
        else:
            client.cookies[codes.DEVICE_COOKIE] = (
                codes.sign_device(codes.new_device()) if cookie == "other" else "x:y"
            )
        assert refusal(tap(client)) == (400, "device_required")
    assert not AttendanceRecord.objects.exists()


def test_a_ticket_carried_to_another_browser_is_refused(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    mine, friends = signed_in(student.user), signed_in(students_of(session)[1].user)
    with clock_at(now):
        mine.get(shown(session, now))
        friends.cookies[codes.TICKET_COOKIE] = mine.cookies[codes.TICKET_COOKIE].value
        assert refusal(tap(friends)) == (400, "device_required")


def test_the_location_is_asked_for_and_a_refusal_leaves_the_ticket(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    AttendanceConfiguration.objects.filter(school=session.school).update(gps_verification=True)
    session.room = RoomFactory(school=session.school, latitude=17.0, longitude=82.0)
    session.save()
    client = signed_in(student.user)
    with clock_at(now):
        assert client.get(shown(session, now), follow=True).context["needs_location"] is True
        assert refusal(tap(client)) == (400, "location_required")
        assert refusal(tap(client, latitude=18.0, longitude=82.0)) == (403, "outside_geofence")
        assert tap(client, latitude=17.0, longitude=82.0, accuracy=8.0).status_code == 302
    kept = {"latitude": 17.0, "longitude": 82.0, "accuracy": 8.0}
    assert AttendanceRecord.objects.get().location == kept | {
        "distance": 0.0,
        "radius": 100,
        "allowance": 8.0,
    }
    # The ticket was as good as new, and what was refused can be looked into all the same.
    assert RefusedScan.objects.values_list("student", "code").get() == (student.pk, "outside_geofence")


def test_a_teacher_is_told_that_codes_are_for_students(
    session: Session, now: datetime, clock_at: ClockAt
) -> None:
    client = Client()
    client.force_login(session.faculty.get().user, backend="accounts.backends.CampusBackend")
    with clock_at(now):
        answer = client.get(shown(session, now), follow=True)
    assert refusal(answer) == (403, "students_only")


def test_the_scanner_in_the_page_takes_the_same_way(
    session: Session, student: Student, now: datetime, clock_at: ClockAt
) -> None:
    client = signed_in(student.user)
    token = shown(session, now).removeprefix("/s/")
    with clock_at(now):
        assert client.get(reverse("attendance:scan")).context["state"] == "scanner"
        confirm = client.post(reverse("attendance:scan_token"), {"token": token}, follow=True)
        assert confirm.context["state"] == "confirm"
        tap(client)
    assert AttendanceRecord.objects.count() == 1


@pytest.mark.parametrize("token", ["", "x" * 300, "ख़राब", "a b", "../../etc"])
def test_rubbish_in_the_scanner_is_no_code(session: Session, student: Student, token: str) -> None:
    answer = signed_in(student.user).post(reverse("attendance:scan_token"), {"token": token})
    assert refusal(answer) == (400, "qr_invalid")


def test_no_compiler_is_allowed_but_on_the_scanner_page(student: Student) -> None:
    client = signed_in(student.user)
    assert "'wasm-unsafe-eval'" in client.get(reverse("attendance:scan"))["Content-Security-Policy"]
    assert "unsafe" not in client.get("/")["Content-Security-Policy"]


def test_the_cookies_are_closed_to_scripts(session: Session, now: datetime, clock_at: ClockAt) -> None:
    client = Client()
    with clock_at(now):
        client.get(shown(session, now))
    for name in (codes.TICKET_COOKIE, codes.DEVICE_COOKIE):
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] == "Lax"
