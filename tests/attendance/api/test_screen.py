"""The class screen: codes, live counts, roster."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from attendance import codes
from attendance.enums import SessionStatus, Source, Status
from attendance.models import AttendanceConfiguration, Session
from attendance.services import sessions
from attendance.services.marking import Mark, bulk_mark
from core import clock
from tests.colleges import College, client_of, make_college, refusal
from tests.factories import RecordFactory
from tests.races import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def college() -> College:
    return make_college(open=True)


def path(college: College, tail: str) -> str:
    return f"/api/v1/attendance/sessions/{college.session.pk}/{tail}/"


def test_code_is_the_one_of_this_moment_as_token_address_and_picture(
    college: College, now: datetime, settings: Any
) -> None:
    answer = client_of(college.teacher).get(path(college, "qr"))

    assert answer.status_code == 200, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    shown = answer.json()
    code = codes.decode(shown["token"])
    assert (code.session_id, code.generation, code.rotation) == (college.session.pk, 1, 15)
    assert code.step_start == int(now.timestamp())
    assert shown["url"] == f"{settings.PUBLIC_URL}/s/{shown['token']}"
    assert (shown["generation"], shown["step"]) == (1, int(now.timestamp()) // 15)
    assert shown["valid_until"] == (now + timedelta(seconds=30)).isoformat().replace("+00:00", "Z")


def test_picture_is_dark_on_white_without_styles_and_keeps_its_quiet_zone(college: College) -> None:
    svg = client_of(college.teacher).get(path(college, "qr")).json()["svg"]

    picture = ElementTree.fromstring(svg)  # noqa: S314 - our own picture
    _x, _y, width, _height = map(int, picture.attrib["viewBox"].split())
    paper, ink = picture
    assert (paper.attrib["fill"], ink.attrib["fill"]) == ("#fff", "#000")
    assert paper.attrib["d"] == f"M0 0h{width}v{width}h-{width}z"
    # The finder pattern in the corner begins after four empty modules.
    assert ink.attrib["d"].startswith("M4 4h7")
    assert "style" not in svg
    assert "<script" not in svg


def test_asking_again_shows_the_same_series_and_generating_starts_another(college: College) -> None:
    api = client_of(college.teacher)
    first = api.get(path(college, "qr")).json()

    assert api.get(path(college, "qr")).json() == first
    fresh = api.post(path(college, "generate-qr"))
    assert (fresh.status_code, fresh.json()["generation"]) == (200, 2)
    assert api.get(path(college, "qr")).json()["generation"] == 2


def test_series_that_has_lived_its_time_is_followed_by_another_by_itself(
    college: College, now: datetime
) -> None:
    with clock.frozen(now + timedelta(minutes=59, seconds=59)):
        assert client_of(college.teacher).get(path(college, "qr")).json()["generation"] == 1
    with clock.frozen(now + timedelta(minutes=60)):
        assert client_of(college.teacher).get(path(college, "qr")).json()["generation"] == 2
        assert client_of(college.teacher).get(path(college, "qr")).json()["generation"] == 2


def test_code_is_not_valid_beyond_its_series(college: College, now: datetime) -> None:
    with clock.frozen(now + timedelta(minutes=59, seconds=50)):
        shown = client_of(college.teacher).get(path(college, "qr")).json()

    assert shown["valid_until"] == (now + timedelta(minutes=60)).isoformat().replace("+00:00", "Z")


def test_standing_code_is_valid_as_long_as_its_series(college: College, now: datetime) -> None:
    AttendanceConfiguration.objects.filter(school=college.school).update(qr_rotation_seconds=0)

    shown = client_of(college.teacher).get(path(college, "qr")).json()

    assert (shown["rotation_seconds"], shown["step"]) == (0, 0)
    assert shown["valid_until"] == (now + timedelta(minutes=60)).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(("method", "tail"), [("get", "qr"), ("post", "generate-qr")])
def test_there_is_no_code_of_a_class_that_is_not_open_or_takes_none(
    college: College, method: str, tail: str
) -> None:
    api = client_of(college.teacher)
    Session.objects.filter(pk=college.session.pk).update(capture_modes=[Source.MANUAL])
    assert refusal(getattr(api, method)(path(college, tail))) == (409, "qr_not_offered", None)

    Session.objects.filter(pk=college.session.pk).update(status=SessionStatus.CLOSED)
    assert refusal(getattr(api, method)(path(college, tail))) == (409, "session_not_open", None)


@pytest.mark.parametrize("tail", ["qr", "roster", "live"])
def test_students_never_see_the_screen(college: College, tail: str) -> None:
    answer = client_of(college.students[0].user).get(path(college, tail))

    assert refusal(answer) == (403, "permission_denied", None)


@pytest.mark.django_db(transaction=True)
def test_of_two_screens_that_find_the_series_over_one_starts_the_next(now: datetime) -> None:
    college = make_college(open=True)
    later = now + timedelta(minutes=61)

    def ask(_index: int) -> int:
        with clock.frozen(later):
            return client_of(college.teacher).get(path(college, "qr")).json()["generation"]

    assert together(4, ask) == [2, 2, 2, 2]


def test_live_counts_add_up_and_name_the_latest_arrivals(college: College, now: datetime) -> None:
    first, second, _third = college.students
    RecordFactory(session=college.session, student=first, marked_at=now)
    RecordFactory(
        session=college.session, student=second, status=Status.LATE, marked_at=now + timedelta(minutes=9)
    )

    answer = client_of(college.teacher).get(path(college, "live"))

    assert answer.json() == {
        "status": "open",
        "counts": {"present": 1, "late": 1, "absent": 0, "excused": 0, "unmarked": 1},
        "total": 3,
        "recent": [
            {
                "student": second.enrollment_no,
                "name": second.user.full_name,
                "status": "late",
                "marked_at": "2026-11-03T09:09:00+05:30",
            },
            {
                "student": first.enrollment_no,
                "name": first.user.full_name,
                "status": "present",
                "marked_at": "2026-11-03T09:00:00+05:30",
            },
        ],
    }


def test_live_is_silent_while_nothing_changes(college: College) -> None:
    api = client_of(college.teacher)
    tag = api.get(path(college, "live")).headers["ETag"]

    same = api.get(path(college, "live"), headers={"If-None-Match": tag})
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)

    RecordFactory(session=college.session, student=college.students[0])
    changed = api.get(path(college, "live"), headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_absent_and_excused_students_have_not_arrived(college: College) -> None:
    RecordFactory(session=college.session, student=college.students[0], status=Status.ABSENT)

    assert client_of(college.teacher).get(path(college, "live")).json()["recent"] == []


def test_roster_lists_everybody_with_their_mark_and_standing(college: College, now: datetime) -> None:
    bulk_mark(
        session=college.session,
        marks=[
            Mark(college.number(0), Status.PRESENT, "front row"),
            Mark(college.number(1), Status.ABSENT),
        ],
        by=college.teacher,
        now=now,
    )
    sessions.close_session(session=college.session, by=college.teacher, now=now)

    rows = client_of(college.teacher).get(path(college, "roster")).json()["results"]

    assert [row["student"] for row in rows] == [student.enrollment_no for student in college.students]
    assert [row["record"]["status"] for row in rows] == ["present", "absent", "absent"]
    assert [row["percentage"] for row in rows] == [100.0, 0.0, 0.0]
    assert [row["at_risk"] for row in rows] == [False, True, True]
    assert rows[0]["name"] == college.students[0].user.full_name
    assert rows[0]["section"] == str(college.section.pk)
    mark = rows[0]["record"]
    assert (mark["source"], mark["remarks"]) == ("manual", "front row")
    assert mark["marked_at"] == "2026-11-03T09:00:00+05:30"


def test_roster_of_an_unmarked_class_has_no_records_and_nobody_at_risk(college: College) -> None:
    rows = client_of(college.head).get(path(college, "roster")).json()["results"]

    assert [(row["record"], row["percentage"], row["at_risk"]) for row in rows] == [(None, None, False)] * 3


def test_roster_is_the_one_of_the_day(college: College, now: datetime) -> None:
    gone, kept, stayed = college.students
    gone.enrollments.update(left_on=college.session.held_on)
    kept.enrollments.update(left_on=college.session.held_on)
    RecordFactory(session=college.session, student=kept)

    rows = client_of(college.teacher).get(path(college, "roster")).json()["results"]
    live = client_of(college.teacher).get(path(college, "live")).json()

    # Whoever has a record is shown all the same, so that grid and counts agree.
    assert [row["student"] for row in rows] == sorted([kept.enrollment_no, stayed.enrollment_no])
    assert live["total"] == 2
