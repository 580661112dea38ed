"""The live process: what it sends is what the API shows, and it lets in whom the API lets in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from attendance.services.scanning import scan_one
from tests.attendance.scans import request_of, students_of
from tests.colleges import College, client_of, make_college
from tests.live.processes import SITE, LiveProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def live(django_db_setup: None, django_db_blocker: Any) -> Iterator[LiveProcess]:
    with django_db_blocker.unblock():
        process = LiveProcess().start()
    yield process
    process.stop()


@pytest.fixture
def college() -> College:
    return make_college(open=True)


def bearer(user: Any) -> str:
    return str(client_of(user)._credentials["HTTP_AUTHORIZATION"])


def scan_by(college: College, index: int) -> None:
    """A scan at the time of the class; the live process is told."""
    student = students_of(college.session)[index]
    now = college.session.starts_at
    assert scan_one(request_of(college.session, student, at=now), now=now).ok


def path_of(college: College) -> str:
    return f"/api/v1/attendance/sessions/{college.session.pk}/live/"


def test_the_first_event_is_what_the_api_shows(live: LiveProcess, college: College) -> None:
    scan_by(college, 1)
    shown = client_of(college.teacher).get(path_of(college)).json()

    with live.watch(college.session, Authorization=bearer(college.teacher)) as stream:
        assert stream.next() == shown
    assert shown["counts"] == {"present": 1, "late": 0, "absent": 0, "excused": 0, "unmarked": 2}


def test_a_scan_reaches_every_open_class_screen(live: LiveProcess, college: College) -> None:
    headers = {"Authorization": bearer(college.teacher)}
    streams = [live.watch(college.session, **headers) for _ in range(20)]
    for stream in streams:
        assert stream.next()["counts"]["present"] == 0

    scan_by(college, 0)

    for stream in streams:
        (arrival,) = stream.until(1)["recent"]
        assert arrival["student"] == college.number(0)
        stream.response.close()


def test_the_session_of_the_pages_opens_a_stream_for_the_pages_alone(
    live: LiveProcess, college: College
) -> None:
    browser = Client()
    browser.force_login(college.teacher)
    # Cookies have the port of PUBLIC_URL in their name outside production, and the live process has its own here.
    cookie = f"campushub_session_7999={browser.cookies[settings.SESSION_COOKIE_NAME].value}"

    with live.watch(college.session, Cookie=cookie, Origin=SITE) as stream:
        assert stream.next()["status"] == "open"
        assert stream.response.headers["Access-Control-Allow-Origin"] == SITE
        assert stream.response.headers["Access-Control-Allow-Credentials"] == "true"
        assert stream.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert stream.response.headers["Cache-Control"] == "no-store"
    with live.watch(college.session, Cookie=cookie, Origin="http://evil.example") as stream:
        assert "Access-Control-Allow-Origin" not in stream.response.headers
        assert stream.response.headers["Vary"] == "Origin"


def test_a_preflight_allows_the_site_to_send_its_token(live: LiveProcess, college: College) -> None:
    answer = live.get(f"/live/sessions/{college.session.pk}/", method="OPTIONS", Origin=SITE)

    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        (None, 401, "not_authenticated"),
        ("student", 403, "permission_denied"),
        ("other_teacher", 403, "permission_denied"),
    ],
)
def test_whom_the_api_refuses_the_stream_refuses(
    live: LiveProcess, college: College, who: str | None, status: int, code: str
) -> None:
    user = college.user(who) if who else None
    headers = {"Authorization": bearer(user)} if user else {}
    shown = client_of(user).get(path_of(college))

    answer = live.get(f"/live/sessions/{college.session.pk}/", **headers)

    body = json.loads(answer.read())
    assert (answer.status, body["errors"][0]["code"]) == (status, code)
    assert (shown.status_code, shown.json()) == (status, body)
    assert answer.headers.get("WWW-Authenticate") == shown.headers.get("WWW-Authenticate")


def test_another_schools_class_is_not_there(live: LiveProcess, college: College) -> None:
    stranger = make_college().admin

    answer = live.get(f"/live/sessions/{college.session.pk}/", Authorization=bearer(stranger))

    assert answer.status == 404
    assert client_of(stranger).get(path_of(college)).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/live/sessions/018f0000-0000-7000-8000-000000000001/", 404),
        ("/live/sessions/none/", 404),
        ("/live/", 404),
        ("/", 404),
    ],
)
def test_there_is_nothing_else(live: LiveProcess, college: College, path: str, status: int) -> None:
    assert live.get(path, Authorization=bearer(college.teacher)).status == status


@pytest.mark.parametrize(
    ("path", "headers", "statuses"),
    [
        ("/live/sessions/%00/", {}, {400, 404}),
        ("/live/sessions/%ff%fe/", {}, {400, 404}),
        ("/live/sessions/{id}%00/", {}, {400, 404}),
        ("/live/sessions/" + "9" * 10_000 + "/", {}, {400, 404, 414}),
        ("/live/sessions/../../etc/passwd", {}, {400, 404}),
        ("/live/sessions/{id}/", {"Authorization": "Bearer"}, {401}),
        ("/live/sessions/{id}/", {"Authorization": "Bearer a b"}, {401}),
        ("/live/sessions/{id}/", {"Authorization": "Bearer \xff\xfe"}, {401}),
        ("/live/sessions/{id}/", {"Authorization": "Bearer " + "x" * 10_000}, {401}),
        ("/live/sessions/{id}/", {"Authorization": "Basic eDp5"}, {401}),
        ("/live/sessions/{id}/", {"Cookie": "campushub_session=" + "x" * 10_000}, {401}),
        ("/live/sessions/{id}/", {"Cookie": ";=;\xff=\xff"}, {401}),
        ("/live/sessions/{id}/?a=%00&a[]=%ff", {}, {401}),
    ],
)
def test_no_request_breaks_it(
    live: LiveProcess, college: College, path: str, headers: dict[str, str], statuses: set[int]
) -> None:
    known = headers if "{id}" in path else {"Authorization": bearer(college.teacher)}

    assert live.get(path.replace("{id}", str(college.session.pk)), **known).status in statuses

    with live.watch(college.session, Authorization=bearer(college.teacher)) as stream:
        assert stream.next()["counts"]["present"] == 0


def test_a_token_in_the_address_is_none(live: LiveProcess, college: College) -> None:
    token = bearer(college.teacher).removeprefix("Bearer ")
    address = f"/live/sessions/{college.session.pk}/?token={token}&access_token={token}"

    assert live.get(address).status == 401


def test_only_get_is_possible(live: LiveProcess, college: College) -> None:
    answer = live.get(f"/live/sessions/{college.session.pk}/", method="POST")

    assert (answer.status, json.loads(answer.read())["errors"][0]["code"]) == (405, "method_not_allowed")


def test_an_unknown_host_is_refused(live: LiveProcess, college: College) -> None:
    headers = {"Authorization": bearer(college.teacher), "Host": "elsewhere.example"}

    assert live.get(f"/live/sessions/{college.session.pk}/", **headers).status == 400


def test_who_is_switched_off_sees_nothing_more(college: College) -> None:
    process = LiveProcess(check_seconds=1e-6).start()
    with process.watch(college.session, Authorization=bearer(college.teacher)) as stream:
        scan_by(college, 0)
        stream.until(1)
        User.objects.filter(pk=college.teacher.pk).update(is_active=False)
        scan_by(college, 1)

        with pytest.raises(EOFError):
            stream.until(2)
    process.stop()


def test_it_stops_at_once_with_streams_open(college: College) -> None:
    process = LiveProcess().start()
    stream = process.watch(college.session, Authorization=bearer(college.teacher))
    stream.next()

    # The server would wait for its clients for longer than `stop` does.
    assert process.stop() in (0, -15)

    with pytest.raises(EOFError):
        stream.next()
