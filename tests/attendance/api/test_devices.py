"""Readers in the API: the registry, what a gateway tells with a key, and what waits for a student or a class."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from attendance.models import AttendanceRecord, BiometricDevice, DeviceEvent
from attendance.services import device_calls, devices
from core import clock
from tests.attendance.readers import let_readers_in
from tests.colleges import College, client_of, refusal

pytestmark = pytest.mark.django_db

DEVICES = "/api/v1/attendance/devices/"
EVENTS = "/api/v1/attendance/device-events/"
READINGS = "/api/v1/attendance/device-readings/"


@pytest.fixture
def office(college: College) -> APIClient:
    let_readers_in(college.school)
    return client_of(college.admin)


def register(office: APIClient, **values: Any) -> dict[str, Any]:
    answer = office.post(DEVICES, {"serial": "GATE-1", "kind": "fingerprint", **values})
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def gateway(key: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_X_DEVICE_KEY=key)
    return client


def test_a_key_is_shown_when_it_is_made_and_never_again(office: APIClient, college: College) -> None:
    made = register(office, name="Gate", room=college.session.room.code, allowed_networks=["10.20.0.0/16"])
    address = f"{DEVICES}{made['device']['id']}/"

    shown = office.get(address)

    assert len(made["key"]) >= 40
    assert made["key"] not in shown.content.decode()
    assert shown.json() == {
        "id": made["device"]["id"],
        "serial": "GATE-1",
        "kind": "fingerprint",
        "name": "Gate",
        "room": college.session.room.code,
        "allowed_networks": ["10.20.0.0/16"],
        "clock_offset": 0,
        "firmware": "",
        "is_active": True,
        "last_seen_at": None,
        "key_rotated_at": "2026-11-03T09:00:00+05:30",
        "commands_waiting": 0,
    }


def test_a_reader_is_changed_and_switched_off_but_not_deleted(office: APIClient) -> None:
    made = register(office)
    address = f"{DEVICES}{made['device']['id']}/"

    changed = office.patch(address, {"clock_offset": -20, "name": "Lab"})
    assert (changed.json()["clock_offset"], changed.json()["name"]) == (-20, "Lab")
    assert office.delete(address).status_code == 204

    assert office.get(address).json()["is_active"] is False
    assert refusal(gateway(made["key"]).post(EVENTS, {"events": []}))[:2] == (401, "device_key_invalid")
    assert refusal(office.post(f"{address}set-clock/"))[:2] == (409, "device_inactive")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"serial": "GATE-1"}, (409, "device_exists", "serial")),
        ({"serial": "a b"}, (400, "invalid", "serial")),
        ({"kind": "retina"}, (400, "invalid_choice", "kind")),
        ({"allowed_networks": ["the office"]}, (400, "invalid", "allowed_networks")),
        ({"clock_offset": 10**9}, (400, "max_value", "clock_offset")),
        ({"room": "NOWHERE"}, (400, "does_not_exist", "room")),
    ],
)
def test_what_cannot_be_registered_is_refused_with_a_code(
    office: APIClient, values: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    register(office)

    answer = office.post(DEVICES, {"serial": "GATE-2", "kind": "face", **values})

    assert refusal(answer) == expected


def test_a_stranger_is_listed_and_accepted(office: APIClient) -> None:
    device_calls.meet_unknown(serial="NEW-1", address="10.0.0.9", now=clock.now())

    (stranger,) = office.get(f"{DEVICES}unknown/").json()
    accepted = office.post(f"{DEVICES}accept/", {"serial": "NEW-1", "kind": "rfid"})

    assert (stranger["serial"], stranger["address"], stranger["count"]) == ("NEW-1", "10.0.0.9", 1)
    assert accepted.status_code == 201
    assert gateway(accepted.json()["key"]).post(EVENTS, {"events": []}).status_code == 200
    assert office.get(f"{DEVICES}unknown/").json() == []
    again = office.post(f"{DEVICES}accept/", {"serial": "NEW-1", "kind": "rfid"})
    assert refusal(again)[:2] == (404, "not_found")


def test_another_key_is_another_key(office: APIClient) -> None:
    made = register(office)

    new = office.post(f"{DEVICES}{made['device']['id']}/rotate-key/").json()

    assert refusal(gateway(made["key"]).post(EVENTS, {"events": []}))[:2] == (401, "device_key_invalid")
    assert gateway(new["key"]).post(EVENTS, {"events": []}).status_code == 200


def test_an_unknown_number_waits_first_in_the_list_until_somebody_says_whose_it_is(
    office: APIClient, college: College
) -> None:
    made = register(office)
    pins = f"{DEVICES}{made['device']['id']}/pins/"
    known = {"pins": [{"pin": "1", "student": college.number(0)}]}
    assert office.post(pins, known).json() == {"changed": 1, "matched": 0}
    told = {
        "events": [
            {"pin": "7", "at": "2026-11-03T09:01:00"},
            {"pin": "1", "at": "2026-11-03T03:32:00Z", "direction": "in"},
        ]
    }
    opened = client_of(college.teacher).post(f"/api/v1/attendance/sessions/{college.session.pk}/open/")
    assert opened.status_code == 200

    taken = gateway(made["key"]).post(EVENTS, told)

    assert taken.json() == {"received": 2, "new": 2, "rejected": 0, "matched": 1, "marks": 1}
    listed = office.get(READINGS).json()["results"]
    assert [(row["pin"], row["state"], row["reason"]) for row in listed] == [
        ("7", "unmatched", "unknown_pin"),
        ("1", "matched", ""),
    ]
    assert listed[1]["student"] == college.number(0)
    assert listed[1]["session"] == str(college.session.pk)
    assert listed[1]["at"] == "2026-11-03T09:02:00+05:30"
    more = {"pins": [{"pin": "7", "student": college.number(1)}]}
    assert office.post(pins, more).json() == {"changed": 1, "matched": 1}
    assert office.get(READINGS, {"state": "unmatched"}).json()["results"] == []
    assert office.get(pins).json() == [
        {"pin": "1", "student": college.number(0)},
        {"pin": "7", "student": college.number(1)},
    ]
    assert AttendanceRecord.objects.filter(status="present", source="biometric").count() == 2


def test_telling_twice_counts_once(office: APIClient) -> None:
    made = register(office)
    told = {
        "events": [{"pin": "7", "at": "2026-11-03T09:01:00"}, {"card": "AB12", "at": "2026-11-03T09:01:00"}]
    }

    first, again = (gateway(made["key"]).post(EVENTS, told).json() for _time in range(2))

    assert (first["new"], again["new"], again["received"]) == (2, 0, 2)
    assert sorted(DeviceEvent.objects.values_list("source", "reason")) == [
        ("biometric", "unknown_pin"),
        ("rfid", "unknown_card"),
    ]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"pin": "1"},
        {"at": "2026-11-03T09:01:00"},
        {"pin": "1", "card": "2", "at": "2026-11-03T09:01:00"},
        {"pin": "a b", "at": "2026-11-03T09:01:00"},
        {"pin": "1", "at": "yesterday"},
        {"pin": "1", "at": "1999-06-30T23:59:59Z"},
        {"pin": "1", "at": "9999-12-31T23:59:59-12:00"},
        {"pin": "1", "at": "2026-11-03T09:01:00", "direction": "up"},
        {"card": "x" * 41, "at": "2026-11-03T09:01:00"},
        "event",
        None,
    ],
)
def test_an_event_that_cannot_be_is_refused_and_nothing_is_kept(office: APIClient, event: Any) -> None:
    key = register(office)["key"]
    good = {"pin": "1", "at": "2026-11-03T09:01:00"}

    answer = gateway(key).post(EVENTS, {"events": [good, event]})

    assert answer.status_code == 400
    assert not DeviceEvent.objects.exists()


def test_only_a_device_key_opens_device_events(office: APIClient, college: College) -> None:
    register(office)

    assert refusal(APIClient().post(EVENTS, {"events": []}))[:2] == (401, "not_authenticated")
    assert refusal(office.post(EVENTS, {"events": []}))[:2] == (401, "not_authenticated")
    assert refusal(gateway("x").post(EVENTS, {"events": []}))[:2] == (401, "device_key_invalid")


def test_a_reader_is_throttled_by_itself(office: APIClient, settings: Any) -> None:
    first, second = register(office)["key"], register(office, serial="GATE-2")["key"]
    settings.CAMPUSHUB_THROTTLE_RATES = {"reader": "2/h"}

    statuses = [gateway(first).post(EVENTS, {"events": []}).status_code for _time in range(3)]

    assert statuses == [200, 200, 429]
    assert gateway(second).post(EVENTS, {"events": []}).status_code == 200


def test_commands_wait_until_the_reader_fetches_and_answers_them(office: APIClient, college: College) -> None:
    made = register(office)
    address = f"{DEVICES}{made['device']['id']}/"
    office.post(f"{address}pins/", {"pins": [{"pin": "1", "student": college.number(0)}]})

    assert office.post(f"{address}push-users/").json() == {"queued": 1}
    assert office.post(f"{address}set-clock/").json() == {"queued": 1}

    assert office.get(address).json()["commands_waiting"] == 2


def test_readings_are_found_by_reader_student_time_and_reason(office: APIClient) -> None:
    made = register(office)
    told = [{"pin": pin, "at": f"2026-11-03T09:0{pin}:00"} for pin in "123"]
    gateway(made["key"]).post(EVENTS, {"events": told})

    def found(**query: str) -> list[str]:
        return sorted(row["pin"] for row in office.get(READINGS, query).json()["results"])

    assert found(device="GATE-1") == ["1", "2", "3"]
    assert found(device="GATE-2") == []
    assert found(pin="2") == ["2"]
    assert found(reason="unknown_pin") == ["1", "2", "3"]
    assert found(**{"from": "2026-11-03T09:02:00+05:30", "to": "2026-11-03T09:03:00+05:30"}) == ["2"]
    assert office.get(READINGS, {"nonsense": "1"}).status_code == 400


def test_readers_of_another_school_are_not_there(office: APIClient, elsewhere: College) -> None:
    theirs = devices.register(
        school=elsewhere.school, serial="THEIRS", kind="face", by=elsewhere.admin, now=clock.now()
    )

    assert office.get(DEVICES).json()["results"] == []
    assert refusal(office.post(f"{DEVICES}{theirs.device.pk}/rotate-key/"))[:2] == (404, "not_found")
    assert BiometricDevice.objects.get().key_hash == theirs.device.key_hash
