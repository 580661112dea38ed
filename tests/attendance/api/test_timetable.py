"""Configuration, holidays, slots and generation through the API."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from attendance.enums import SessionStatus
from attendance.models import AttendanceConfiguration, Holiday, Session, TimetableSlot
from audit.models import AuditEntry
from core import clock
from tests.colleges import College, client_of, refusal
from tests.factories import DepartmentFactory, FacultyFactory, RoomFactory, SectionFactory

pytestmark = pytest.mark.django_db

BASE = "/api/v1/attendance/"
CONFIGURATION = f"{BASE}configuration/"
HOLIDAYS = f"{BASE}holidays/"
IMPORT = f"{HOLIDAYS}import/"
SLOTS = f"{BASE}timetable-slots/"
GENERATE = f"{BASE}sessions/generate/"

ICS = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//test//EN\r
BEGIN:VEVENT\r
UID:1\r
DTSTART;VALUE=DATE:20261109\r
DTEND;VALUE=DATE:20261111\r
SUMMARY:Diwali\r
END:VEVENT\r
END:VCALENDAR\r
"""


def slot_body(college: College, **changes: Any) -> dict[str, Any]:
    return {
        "sections": [str(college.section.pk)],
        "faculty": [college.session.faculty.get().employee_no],
        "room": college.session.room.code,
        "weekday": 4,
        "starts": "10:00",
        "ends": "10:50",
        "valid_from": "2026-11-02",
        "valid_until": "2026-11-30",
        **changes,
    }


@pytest.fixture
def slot(college: College) -> TimetableSlot:
    answer = client_of(college.admin).post(SLOTS, slot_body(college))
    return TimetableSlot.objects.get(pk=answer.json()["id"])


# --- Configuration -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["student", "teacher", "admin", "integrator"])
def test_everybody_reads_the_rules_of_their_school(college: College, who: str) -> None:
    answer = client_of(college.user(who)).get(CONFIGURATION)

    assert answer.status_code == 200
    rules = answer.json()
    assert rules["school"] == college.school.code
    assert (rules["version"], rules["grace_period_minutes"], rules["late_weight"]) == (1, 5, 1.0)
    assert len(rules) == 25


def test_office_changes_some_rules_and_leaves_a_trace(college: College) -> None:
    answer = client_of(college.admin).patch(
        CONFIGURATION, {"grace_period_minutes": 10, "late_weight": 0.5, "version": 1}
    )

    rules = answer.json()
    assert (rules["grace_period_minutes"], rules["late_weight"], rules["version"]) == (10, 0.5, 2)
    assert rules["updated_at"] is not None
    assert set(AuditEntry.objects.get(action="configuration.update").after) == {
        "grace_period_minutes",
        "late_weight",
    }


def test_change_from_an_old_version_is_stale(college: College) -> None:
    api = client_of(college.admin)
    api.patch(CONFIGURATION, {"grace_period_minutes": 10, "version": 1})

    answer = api.patch(CONFIGURATION, {"grace_period_minutes": 20, "version": 1})

    assert refusal(answer) == (409, "stale", None)
    assert answer.json()["errors"][0]["meta"] == {"version": 2}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"attendance_threshold_percent": 100}, ("max_value", "attendance_threshold_percent")),
        ({"attendance_threshold_percent": 60}, ("invalid", "attendance_threshold_percent")),
        ({"qr_rotation_seconds": -1}, ("min_value", "qr_rotation_seconds")),
        ({"qr_rotation_seconds": 10**12}, ("max_value", "qr_rotation_seconds")),
        ({"qr_rotation_seconds": "often"}, ("invalid", "qr_rotation_seconds")),
        ({"qr_rotation_seconds": None}, ("null", "qr_rotation_seconds")),
        ({"late_weight": 1.01}, ("max_value", "late_weight")),
        ({"late_weight": "NaN"}, ("invalid", "late_weight")),
        ({"excused_counts_as": "absent"}, ("invalid_choice", "excused_counts_as")),
        ({"gps_verification": "maybe"}, ("invalid", "gps_verification")),
        ({"version": 0}, ("min_value", "version")),
    ],
)
def test_rule_out_of_range_is_refused(
    college: College, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refusal(client_of(college.admin).patch(CONFIGURATION, changes)) == (400, *expected)
    assert AttendanceConfiguration.objects.get(school=college.school).version == 1


@pytest.mark.parametrize("who", ["student", "teacher", "head", "integrator"])
def test_only_the_office_changes_rules(college: College, who: str) -> None:
    answer = client_of(college.user(who)).patch(CONFIGURATION, {"grace_period_minutes": 1})

    assert refusal(answer) == (403, "permission_denied", None)


def test_operator_says_which_school_and_nobody_else_reaches_another(
    college: College, elsewhere: College, operator: Any
) -> None:
    api = client_of(operator)
    assert refusal(api.get(CONFIGURATION)) == (400, "school_required", "school")
    assert api.get(CONFIGURATION, {"school": college.school.code.upper()}).json()["school"] == (
        college.school.code
    )

    foreign = client_of(college.admin).get(CONFIGURATION, {"school": elsewhere.school.code})
    assert refusal(foreign) == (404, "not_found", None)
    assert refusal(client_of(college.admin).get(CONFIGURATION, {"x": "1"})) == (400, "unknown_filter", "x")


# --- Holidays ------------------------------------------------------------------------------------------------


def test_holiday_cancels_what_was_planned_and_taking_it_back_restores_it(college: College) -> None:
    api = client_of(college.admin)

    made = api.post(HOLIDAYS, {"date": "2026-11-03", "name": "Rain"})

    assert made.status_code == 201, made.content
    holiday = made.json()["holiday"]
    assert (holiday["date"], holiday["name"], holiday["kind"], holiday["department"]) == (
        "2026-11-03",
        "Rain",
        "public",
        None,
    )
    assert [row["id"] for row in made.json()["cancelled"]] == [str(college.session.pk)]
    assert made.json()["cancelled"][0]["starts_at"] == "2026-11-03T09:00:00+05:30"

    removed = api.delete(f"{HOLIDAYS}{holiday['id']}/")
    assert removed.status_code == 200
    assert [row["id"] for row in removed.json()["restored"]] == [str(college.session.pk)]
    assert removed.json()["taken"] == []
    college.session.refresh_from_db()
    assert college.session.status == SessionStatus.SCHEDULED


def test_class_that_was_held_is_listed_for_the_office(college: College) -> None:
    Session.objects.filter(pk=college.session.pk).update(status=SessionStatus.CLOSED)

    made = client_of(college.admin).post(HOLIDAYS, {"date": "2026-11-03", "name": "Rain"}).json()

    assert made["cancelled"] == []
    assert [row["status"] for row in made["held"]] == ["closed"]


def test_holiday_is_renamed_moved_and_limited_to_a_department(college: College) -> None:
    api = client_of(college.admin)
    department = DepartmentFactory(school=college.school)
    ident = api.post(HOLIDAYS, {"date": "2026-11-03", "name": "Rain"}).json()["holiday"]["id"]

    renamed = api.patch(f"{HOLIDAYS}{ident}/", {"name": "Storm"}).json()
    assert (renamed["holiday"]["name"], renamed["holiday"]["date"]) == ("Storm", "2026-11-03")
    moved = api.patch(
        f"{HOLIDAYS}{ident}/", {"date": "2026-11-04", "department": department.code.lower()}
    ).json()
    assert (moved["holiday"]["date"], moved["holiday"]["department"]) == ("2026-11-04", department.code)
    college.session.refresh_from_db()
    assert college.session.status == SessionStatus.SCHEDULED


def test_second_holiday_on_a_day_is_refused(college: College) -> None:
    api = client_of(college.admin)
    api.post(HOLIDAYS, {"date": "2026-11-04", "name": "Rain"})

    assert refusal(api.post(HOLIDAYS, {"date": "2026-11-04", "name": "Sun"})) == (
        409,
        "holiday_exists",
        "date",
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"date": "2026-02-30"}, ("invalid", "date")),
        ({"date": "0001-01-01"}, ("out_of_range", "date")),
        ({"date": "9999-12-31"}, ("out_of_range", "date")),
        ({"date": None}, ("null", "date")),
        ({"name": ""}, ("blank", "name")),
        ({"name": "x" * 201}, ("max_length", "name")),
        ({"kind": "party"}, ("invalid_choice", "kind")),
        ({"department": "NONE"}, ("does_not_exist", "department")),
    ],
)
def test_holiday_that_cannot_be_is_refused(
    college: College, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    answer = client_of(college.admin).post(HOLIDAYS, {"date": "2026-11-04", "name": "Rain", **changes})

    assert refusal(answer) == (400, *expected)
    assert not Holiday.objects.exists()


def test_calendar_file_is_imported_and_again_without_change(college: College) -> None:
    api = client_of(college.admin)

    def upload() -> Any:
        return api.post(IMPORT, {"file": SimpleUploadedFile("h.ics", ICS)}, format="multipart").json()

    first = upload()
    assert [row["holiday"]["date"] for row in first["created"]] == ["2026-11-09", "2026-11-10"]
    assert upload() == {"created": [], "existing": 2}


def test_sample_calendar_of_a_college_is_imported(college: College) -> None:
    data = Path(__file__).parents[2] / "data" / "holidays.ics"

    answer = client_of(college.admin).post(
        IMPORT, {"file": SimpleUploadedFile("holidays.ics", data.read_bytes())}, format="multipart"
    )

    assert answer.status_code == 200
    assert len(answer.json()["created"]) == Holiday.objects.count() > 0


def test_public_holidays_of_a_country_are_imported(college: College) -> None:
    answer = client_of(college.admin).post(IMPORT, {"country": "in", "subdivision": "TS", "year": 2026})

    assert answer.status_code == 200, answer.content
    assert "2026-08-15" in [row["holiday"]["date"] for row in answer.json()["created"]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"country": "XX", "year": 2026}, ("invalid", "country")),
        ({"country": "India", "year": 2026}, ("invalid", "country")),
        ({"country": "IN", "subdivision": "ZZ", "year": 2026}, ("invalid", "subdivision")),
        ({"country": "IN", "year": 10**6}, ("max_value", "year")),
        ({"country": "IN"}, ("required", "year")),
    ],
)
def test_country_that_is_not_known_is_refused(
    college: College, body: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refusal(client_of(college.admin).post(IMPORT, body)) == (400, *expected)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"BEGIN:VCALENDAR", b"hello", b"\0" * 100])
def test_file_that_is_no_calendar_is_refused(college: College, content: bytes) -> None:
    answer = client_of(college.admin).post(
        IMPORT, {"file": SimpleUploadedFile("h.ics", content)}, format="multipart"
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "file"


def test_broken_multipart_is_refused(college: College) -> None:
    api = client_of(college.admin)

    for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
        assert api.generic("POST", IMPORT, b"--y\r\n", content_type=content_type).status_code == 400
    assert api.generic("POST", IMPORT, b"a=1", content_type="text/plain").status_code == 415


@pytest.mark.parametrize("who", ["student", "teacher", "head", "integrator"])
def test_only_the_office_plans(college: College, slot: TimetableSlot, who: str) -> None:
    holiday = Holiday.objects.create(school=college.school, date="2026-12-25", name="Christmas")
    api = client_of(college.user(who))
    forbidden = (403, "permission_denied", None)

    for path in (HOLIDAYS, IMPORT, SLOTS, GENERATE):
        assert refusal(api.post(path, {})) == forbidden, path
    for path in (f"{HOLIDAYS}{holiday.pk}/", f"{SLOTS}{slot.pk}/"):
        assert refusal(api.patch(path, {})) == forbidden, path
        assert refusal(api.delete(path)) == forbidden, path
    assert api.get(f"{HOLIDAYS}{holiday.pk}/").json()["name"] == "Christmas"


def test_plans_of_another_school_do_not_exist(
    college: College, elsewhere: College, slot: TimetableSlot
) -> None:
    holiday = Holiday.objects.create(school=college.school, date="2026-12-25", name="Christmas")
    api = client_of(elsewhere.admin)

    for path in (f"{HOLIDAYS}{holiday.pk}/", f"{SLOTS}{slot.pk}/"):
        for method in (api.get, api.patch, api.delete):
            assert refusal(method(path)) == (404, "not_found", None)
    assert api.get(HOLIDAYS).json()["results"] == api.get(SLOTS).json()["results"] == []


def test_holidays_are_filtered_by_day_and_kind(college: College) -> None:
    Holiday.objects.create(school=college.school, date="2026-12-25", name="Christmas")
    Holiday.objects.create(school=college.school, date="2026-12-10", name="Finals", kind="exam")
    api = client_of(college.students[0].user)

    def names(**query: str) -> list[str]:
        return [row["name"] for row in api.get(HOLIDAYS, query).json()["results"]]

    assert names() == ["Finals", "Christmas"]
    assert names(**{"from": "2026-12-11"}) == ["Christmas"]
    assert names(kind="exam") == ["Finals"]
    assert names(search="christ") == ["Christmas"]


# --- Slots and generation ------------------------------------------------------------------------------------


def test_slot_is_made_and_shown(college: College, slot: TimetableSlot) -> None:
    shown = client_of(college.teacher).get(f"{SLOTS}{slot.pk}/").json()

    assert [section["id"] for section in shown["sections"]] == [str(college.section.pk)]
    assert shown["room"] == college.session.room.code
    assert (shown["weekday"], shown["starts"], shown["ends"]) == (4, "10:00:00", "10:50:00")
    assert (shown["valid_from"], shown["valid_until"], shown["version"]) == ("2026-11-02", "2026-11-30", 1)


@pytest.mark.parametrize("clash", ["faculty", "room", "cohort"])
def test_clash_of_slots_names_the_other(college: College, slot: TimetableSlot, clash: str) -> None:
    other = SectionFactory(school=college.school)
    body = slot_body(
        college,
        starts="10:30",
        ends="11:30",
        sections=[str(other.pk)],
        faculty=[FacultyFactory(school=college.school).employee_no],
        room=RoomFactory(school=college.school).code,
    )
    same = slot_body(college)
    key = {"cohort": "sections"}.get(clash, clash)
    body[key] = same[key]

    answer = client_of(college.admin).post(SLOTS, body)

    assert refusal(answer)[:2] == (409, f"{clash}_conflict")
    (named,) = answer.json()["errors"][0]["meta"]["conflicts_with"]
    assert (named["kind"], named["id"]) == ("slot", str(slot.pk))
    assert TimetableSlot.objects.count() == 1


def test_slots_that_only_touch_are_fine(college: College, slot: TimetableSlot) -> None:
    body = slot_body(college, starts="10:50", ends="11:40")

    assert client_of(college.admin).post(SLOTS, body).status_code == 201


def test_changed_slot_replans_the_classes_ahead(college: College, slot: TimetableSlot) -> None:
    api = client_of(college.admin)
    api.post(GENERATE, {"from": "2026-11-02", "to": "2026-11-30"})

    answer = api.patch(f"{SLOTS}{slot.pk}/", {"starts": "14:00", "ends": "14:50", "room": None})

    assert answer.status_code == 200, answer.content
    assert (answer.json()["version"], answer.json()["room"]) == (2, None)
    starts = Session.objects.filter(slot=slot).values_list("starts_at", flat=True)
    assert {f"{college.school.local(instant):%H:%M}" for instant in starts} == {"14:00"}
    assert len(starts) == 4


def test_slot_without_history_is_deleted(college: College, slot: TimetableSlot) -> None:
    assert client_of(college.admin).delete(f"{SLOTS}{slot.pk}/").status_code == 204
    assert not TimetableSlot.objects.exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"weekday": 8}, ("invalid_choice", "weekday")),
        ({"starts": "25:00"}, ("invalid", "starts")),
        ({"ends": "10:00"}, ("invalid", "ends")),
        ({"valid_until": "2026-11-01"}, ("invalid", "valid_until")),
        ({"valid_until": "9999-12-31"}, ("out_of_range", "valid_until")),
        ({"sections": []}, ("empty", "sections")),
        ({"faculty": None}, ("null", "faculty")),
    ],
)
def test_slot_that_cannot_be_is_refused(
    college: College, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refusal(client_of(college.admin).post(SLOTS, slot_body(college, **changes))) == (400, *expected)
    assert not TimetableSlot.objects.exists()


def test_slots_are_filtered_by_what_they_are_made_of(college: College, slot: TimetableSlot) -> None:
    api = client_of(college.admin)

    for query, found in (
        ({"weekday": "4"}, 1),
        ({"weekday": "5"}, 0),
        ({"on": "2026-11-15"}, 1),
        ({"on": "2026-12-15"}, 0),
        ({"section": str(college.section.pk)}, 1),
        ({"course": college.section.course.code}, 1),
        ({"cohort": "NONE"}, 0),
        ({"faculty": college.session.faculty.get().employee_no}, 1),
        ({"room": college.session.room.code}, 1),
    ):
        assert len(api.get(SLOTS, query).json()["results"]) == found, query


def test_generating_twice_makes_the_classes_once_and_says_what_was_skipped(
    college: College, slot: TimetableSlot
) -> None:
    api = client_of(college.admin)
    api.post(HOLIDAYS, {"date": "2026-11-12", "name": "Rain"})
    body = {"from": "2026-11-02", "to": "2026-11-30"}

    first = api.post(GENERATE, body)
    assert first.status_code == 200, first.content
    assert first.json() == {
        "created": 3,
        "existing": 0,
        "skipped": [{"date": "2026-11-12", "reason": "Rain", "slot": str(slot.pk)}],
    }
    again = api.post(GENERATE, {**body, "section": str(college.section.pk)})
    assert (again.json()["created"], again.json()["existing"]) == (0, 3)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, None),
        ({"from": "2026-11-30", "to": "2026-11-02"}, (400, "invalid", "to")),
        ({"from": "2026-01-01", "to": "2028-01-01"}, (400, "range_too_long", None)),
        ({"from": "2026-11-02", "to": "9999-12-31"}, (400, "out_of_range", "to")),
        ({"from": "2026-11-02", "to": "2026-11-03", "section": "x"}, (400, "invalid", "section")),
    ],
)
def test_range_that_cannot_be_is_refused(college: College, body: dict[str, str], expected: Any) -> None:
    answer = client_of(college.admin).post(GENERATE, body)

    if expected is None:
        assert [(error["code"], error["attr"]) for error in answer.json()["errors"]] == [
            ("required", "from"),
            ("required", "to"),
        ]
    else:
        assert refusal(answer) == expected


def test_retired_slot_keeps_its_history(college: College, slot: TimetableSlot) -> None:
    api = client_of(college.admin)
    api.post(GENERATE, {"from": "2026-11-02", "to": "2026-11-30"})
    held = Session.objects.filter(slot=slot).earliest("held_on")
    Session.objects.filter(pk=held.pk).update(status=SessionStatus.CLOSED)

    with clock.frozen(clock.now() + timedelta(days=7)):
        assert client_of(college.admin).delete(f"{SLOTS}{slot.pk}/").status_code == 204

    assert list(Session.objects.filter(slot=slot)) == [held]
