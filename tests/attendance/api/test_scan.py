"""Scanning through the API: every outcome that the contract names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from attendance import codes
from attendance.enums import SessionStatus, Source, Status
from attendance.models import AttendanceConfiguration, AttendanceRecord, Session
from attendance.services import sessions
from core import clock, limits
from tests.colleges import College, client_of, make_college, refusal
from tests.factories import StudentFactory

pytestmark = pytest.mark.django_db

SCAN = "/api/v1/attendance/records/qr-scan/"


@pytest.fixture
def college() -> College:
    return make_college(open=True)


def token_of(session: Session, **changes: Any) -> str:
    values: dict[str, Any] = {
        "session_id": session.pk,
        "school_id": session.school_id,
        "generation": session.qr_generation,
        "rotation": 15,
        "now": clock.now(),
    }
    return codes.encode(codes.code_at(**{**values, **changes}))


def scan(college: College, index: int = 0, *, token: str | None = None, **body: Any) -> Any:
    body = {"token": token or token_of(college.session), "device_id": f"phone-{index}", **body}
    return client_of(college.students[index].user).post(SCAN, body)


def configure(college: College, **rules: Any) -> None:
    AttendanceConfiguration.objects.filter(school=college.school).update(**rules)


def test_first_scan_is_recorded_and_the_next_gives_the_same_answer(college: College) -> None:
    first = scan(college)
    record = AttendanceRecord.objects.get()

    assert first.status_code == 201
    assert first.json() == {
        "code": "recorded",
        "record": str(record.pk),
        "session": str(college.session.pk),
        "status": "present",
        "marked_at": first.json()["marked_at"],
        "course": college.section.course.title,
    }
    assert (record.source, record.student) == (Source.QR, college.students[0])
    again = scan(college)
    assert again.status_code == 200
    assert again.json() == {**first.json(), "code": "already_recorded"}


def test_scan_after_grace_is_late(college: College, now: Any) -> None:
    with clock.frozen(now + timedelta(minutes=5, seconds=1)):
        assert scan(college).json()["status"] == "late"


def test_code_of_the_step_before_counts_and_older_ones_do_not(college: College, now: Any) -> None:
    token = token_of(college.session)
    with clock.frozen(now + timedelta(seconds=29)):
        assert scan(college, 0, token=token).status_code == 201
    with clock.frozen(now + timedelta(seconds=30)):
        assert refusal(scan(college, 1, token=token)) == (410, "qr_expired", None)


def test_new_series_ends_the_old_code_at_once(college: College) -> None:
    token = token_of(college.session)
    sessions.new_generation(session=college.session, by=college.teacher, now=clock.now())

    assert refusal(scan(college, token=token)) == (410, "qr_expired", None)


@pytest.mark.parametrize("token", ["x", "A" * 62, "A" * 500, "../../etc", "ä", "e30.e30.e30"])
def test_token_that_is_not_ours_is_invalid(college: College, token: str) -> None:
    assert refusal(scan(college, token=token)) == (400, "qr_invalid", "token")


def test_token_with_one_bit_changed_is_invalid(college: College) -> None:
    token = token_of(college.session)

    assert refusal(scan(college, token=("B" if token[0] == "A" else "A") + token[1:]))[1] == "qr_invalid"


def test_token_signed_for_another_school_is_invalid(college: College, elsewhere: College) -> None:
    token = token_of(college.session, school_id=elsewhere.school.pk)

    assert refusal(scan(college, token=token)) == (400, "qr_invalid", "token")


def test_class_that_is_not_open_takes_no_scan(college: College) -> None:
    Session.objects.filter(pk=college.session.pk).update(status=SessionStatus.CLOSED)

    assert refusal(scan(college)) == (409, "session_not_open", None)


def test_student_of_another_section_or_school_is_not_on_the_roster(
    college: College, elsewhere: College
) -> None:
    token = token_of(college.session)
    outsider = StudentFactory(school=college.school)
    body = {"token": token, "device_id": "d"}

    assert refusal(client_of(outsider.user).post(SCAN, body)) == (403, "not_on_roster", None)
    assert refusal(scan(elsewhere, token=token)) == (403, "not_on_roster", None)


@pytest.mark.parametrize("who", ["teacher", "admin", "integrator"])
def test_codes_are_for_students(college: College, who: str) -> None:
    answer = client_of(college.user(who)).post(SCAN, {"token": token_of(college.session)})

    assert refusal(answer) == (403, "students_only", None)


def test_second_account_on_one_device_is_refused(college: College) -> None:
    assert scan(college, 0, device_id="shared").status_code == 201

    assert refusal(scan(college, 1, device_id="shared")) == (409, "device_already_used", None)


@pytest.mark.parametrize("device", [None, ""])
def test_client_without_a_device_is_refused_where_the_rule_is_on(college: College, device: Any) -> None:
    assert refusal(scan(college, device_id=device)) == (400, "device_required", "device_id")

    configure(college, one_device_per_student=False)
    assert scan(college, device_id=device).status_code == 201
    assert AttendanceRecord.objects.get().device_key is None


def test_browser_is_known_by_its_cookie_whatever_it_says(college: College) -> None:
    browser = Client()
    browser.force_login(college.students[0].user, backend="accounts.backends.CampusBackend")
    body = {"token": token_of(college.session), "device_id": "made-up"}

    without = browser.post(SCAN, body, content_type="application/json")
    assert refusal(without) == (400, "device_required", "device_id")

    browser.cookies[codes.DEVICE_COOKIE] = codes.sign_device("this-browser")
    assert browser.post(SCAN, body, content_type="application/json").status_code == 201
    assert AttendanceRecord.objects.get().device_key == codes.device_key("this-browser", kind="browser")


def test_place_is_asked_for_and_compared_where_the_school_wants_it(college: College) -> None:
    configure(college, gps_verification=True)
    room = college.session.room
    room.latitude, room.longitude = 16.5062, 80.6480
    room.save()

    assert refusal(scan(college)) == (400, "location_required", "latitude")
    assert refusal(scan(college, latitude=16.5162, longitude=80.6480)) == (403, "outside_geofence", None)
    assert scan(college, latitude=16.5063, longitude=80.6480, accuracy=12.5).status_code == 201


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"latitude": 91}, ("out_of_range", "latitude")),
        ({"latitude": -90.5}, ("out_of_range", "latitude")),
        ({"longitude": 180.5}, ("out_of_range", "longitude")),
        ({"accuracy": -1}, ("out_of_range", "accuracy")),
        ({"accuracy": 10**12}, ("out_of_range", "accuracy")),
        ({"latitude": "16.5"}, ("invalid", "latitude")),
        ({"latitude": True}, ("invalid", "latitude")),
        ({"latitude": [16.5]}, ("invalid", "latitude")),
        ({"device_id": "x" * 201}, ("max_length", "device_id")),
        ({"device_id": {}}, ("invalid", "device_id")),
        ({"token": ["x"]}, ("invalid", "token")),
        ({"token": "x" * 501}, ("max_length", "token")),
    ],
)
def test_scan_of_the_wrong_shape_is_refused(
    college: College, body: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refusal(scan(college, **body)) == (400, *expected)
    assert not AttendanceRecord.objects.exists()


@pytest.mark.parametrize("body", [b'{"token": NaN}', b'{"latitude": 1e999}', b"[]", b"7", b"", b"\xff"])
def test_body_that_is_no_object_is_refused(college: College, body: bytes) -> None:
    api = client_of(college.students[0].user)

    assert api.generic("POST", SCAN, body, content_type="application/json").status_code == 400


def test_absence_that_the_system_made_gives_way_to_a_scan(college: College) -> None:
    sessions.close_session(session=college.session, by=college.teacher, now=clock.now())
    reopened = sessions.reopen_session(
        session=college.session, reason="Too early", by=college.teacher, now=clock.now()
    )

    answer = scan(college, token=token_of(reopened))

    assert (answer.status_code, answer.json()["status"]) == (201, "present")
    record = AttendanceRecord.objects.get(student=college.students[0])
    assert (record.status, record.source) == (Status.PRESENT, Source.QR)
    assert record.pk == UUID(answer.json()["record"])


def test_scanning_without_end_is_slowed_down_per_student(college: College, settings: Any) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"scan": "3/min", "user": "100000/s"}
    limits.forget_local()

    assert [scan(college).status_code for _ in range(4)] == [201, 200, 200, 429]
    slowed = scan(college)
    assert refusal(slowed) == (429, "throttled", None)
    assert int(slowed.headers["Retry-After"]) >= 1
    assert scan(college, 1).status_code == 201
