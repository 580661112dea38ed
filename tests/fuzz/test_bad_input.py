"""Every POST and PATCH with everything that a field may be sent by mistake or on purpose: refused, nothing saved."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import pytest

from attendance.enums import SessionStatus
from tests.colleges import client_of
from tests.fuzz.asking import NO_FAULT, Asker, is_coded
from tests.fuzz.bodies import Endpoint, endpoints, fitting
from tests.fuzz.conftest import Campus
from tests.fuzz.values import EMOJI, LONG, RIGHT_TO_LEFT, Literal, some, unfit

pytestmark = pytest.mark.usefixtures("one_connection", "campus")

ENDPOINTS = list(endpoints())
JSON, MULTIPART = "application/json", "multipart/form-data"
PART_IN_BASE64 = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.ics"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n=nonsense=\r\n--x--\r\n"
)


#: Who may: the office, but for these.
BY = (
    ("qr-scan/", "student"),
    ("-requests/", "student"),
    ("-requests/{id}/cancel/", "student"),
    ("-requests/{id}/recommend/", "head"),
    ("PATCH /api/v1/attendance/leave-applications/{id}/", "student"),
    ("leave-applications/{id}/cancel/", "student"),
)

#: What the class has to be for the action at the end of the address, or for a change ("{id}").
BEFOREHAND = {
    "open": SessionStatus.SCHEDULED,
    "cancel": SessionStatus.SCHEDULED,
    "substitute": SessionStatus.SCHEDULED,
    "{id}": SessionStatus.SCHEDULED,
    "reopen": SessionStatus.CLOSED,
    "void": SessionStatus.CLOSED,
    "lock": SessionStatus.CLOSED,
    "confirm": SessionStatus.UNCONFIRMED,
}


class Sender:
    """Sends to one endpoint as whoever may use it; every request is undone, and what it left is counted first."""

    def __init__(self, campus: Campus, endpoint: Endpoint) -> None:
        self.campus, self.endpoint = campus, endpoint
        who = next((who for path, who in BY if endpoint.label.endswith(path)), "admin")
        client = client_of(campus.college.user(who))
        if endpoint.path.endswith("/device-events/"):
            client.credentials(HTTP_X_DEVICE_KEY=campus.reader_key)
        self.asker = Asker(client, is_coded)
        self.address = campus.address(endpoint.path)
        if "/sessions/{" in endpoint.path:
            last = endpoint.path.rstrip("/").rpartition("/")[2]
            campus.move_class(BEFOREHAND.get(last, SessionStatus.OPEN))
        if endpoint.path.endswith("/revoke/"):
            campus.approve_leave()

    def good(self) -> dict[str, Any]:
        fields = self.endpoint.fields or {}
        real = self.campus.real | self._of_its_own()
        return {name: fitting(name, schema, real) for name, schema in fields.items()}

    def _of_its_own(self) -> dict[str, Any]:
        lists = (self.endpoint.fields or {}).get("faculty", {}).get("type") == "array"
        faculty = self.campus.real["faculty"]
        if self.endpoint.path.endswith("/substitute/"):
            faculty = self.campus.college.other_teacher.faculty.employee_no
        if "/sync-conflicts/" in self.endpoint.path:
            # What it names is the mark that stands; without it the one that stood.
            return {"version": ""}
        if "/leave-applications/" in self.endpoint.path:
            return {"from_date": "2026-11-10", "to_date": "2026-11-10", "sessions": []}
        if self.endpoint.path.endswith("/export/data/"):
            return {"kind": "records", "format": "csv", "filters": {"from": "2026-11-02", "status": ["late"]}}
        return {
            "faculty": [faculty] if lists else faculty,
            "date": "2026-12-24",
            "starts_at": "2026-11-10T15:00:00+05:30",
            "ends_at": "2026-11-10T15:50:00+05:30",
            "starts": "15:00",
            "ends": "15:50",
            "valid_from": "2026-11-02",
            "valid_until": "2027-03-27",
            "country": "IN",
            "subdivision": "KA",
            "year": 2026,
            "version": 1,
            "requested_status": "absent",
        }

    def accepted(self) -> None:
        self._send("the good body", self.good(), JSON, range(200, 300))

    def refused(self, what: str, body: Any, content_type: str = JSON, status: int = 400) -> None:
        """Note a problem unless the answer has that status and the documented shape, and left nothing behind."""
        self._send(what, body, content_type, {status})

    def never_breaks(self, what: str, body: Any, content_type: str = JSON) -> None:
        """Like `refused`, for what may be right."""
        self._send(what, body, content_type, NO_FAULT)

    def _send(self, what: str, body: Any, content_type: str, fine: Collection[int]) -> None:
        data = body if isinstance(body, bytes) else written(body).encode()
        self.asker.ask(what, self.endpoint.method.upper(), self.address, fine, data, content_type)


def written(value: Any) -> str:
    """JSON text of a value in which `Literal`s stand as they are."""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


@pytest.fixture(params=ENDPOINTS, ids=lambda endpoint: endpoint.label)
def sender(request: pytest.FixtureRequest, campus: Campus) -> Sender:
    return Sender(campus, request.param)


def test_the_good_body_is_taken(sender: Sender) -> None:
    """What the other tests put their faults into: otherwise any refusal would do."""
    sender.accepted()

    assert sender.asker.problems == []


def test_every_field_refuses_what_it_cannot_be(sender: Sender) -> None:
    fields = sender.endpoint.fields or {}
    for name, schema in fields.items():
        label = f"{sender.endpoint.label} {name}"
        for wrong in some(unfit(schema), 6, of=label):
            sender.refused(f"{name} is {wrong.what}", sender.good() | {name: wrong.value})
        if name in sender.endpoint.required:
            without = {key: value for key, value in sender.good().items() if key != name}
            sender.refused(f"{name} is missing", without)
        odd = (EMOJI, RIGHT_TO_LEFT, "", 0, -1, 0.5, 2**31, 2**53, LONG[:200], "=1+1")
        for value in some(odd, 3, of=label):
            sender.never_breaks(f"{name} is {value!r}", sender.good() | {name: value})

    assert sender.asker.problems == []


def test_no_body_as_a_whole_breaks_it(sender: Sender) -> None:
    expect = sender.never_breaks if sender.endpoint.fields is None else sender.refused
    for what, body in (
        ("a list", b"[]"),
        ("a text", b'"text"'),
        ("a number", b"1"),
        ("half of a JSON text", b'{"a": '),
        ("invalid UTF-8", b'{"a": "\xff\xfe"}'),
        ("UTF-16", '{"a": 1}'.encode("utf-16")),
        ("duplicate keys", b'{"a": 1, "a": 2}'),
        ("NaN", b'{"a": NaN}'),
        ("deep JSON", b"[" * 100_000 + b"]" * 100_000),
        ("deep objects", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    ):
        expect(what, body)
    sender.never_breaks("an unknown encoding", b"{}", "application/json; charset=no-such")
    sender.refused("10 MB", b'{"a": "' + b"x" * 10_000_000 + b'"}', status=413)

    assert sender.asker.problems == []


def test_only_the_documented_content_types_are_read(sender: Sender) -> None:
    multipart = 400 if sender.endpoint.multipart else 415
    for what, body, content_type, status in (
        ("a form", b"a=1", "application/x-www-form-urlencoded", 415),
        ("XML", b"<a/>", "application/xml", 415),
        ("JSON said to be text", b"{}", "text/plain", 415),
        ("no content type that is one", b"{}", "nonsense", 415),
        (
            "half of a part",
            b"--x\r\nContent-Disposition: form-data; na",
            f"{MULTIPART}; boundary=x",
            multipart,
        ),
        ("no boundary", b"--x\r\n", MULTIPART, multipart),
        ("a boundary of nothing", b"--x\r\n", f"{MULTIPART}; boundary=", multipart),
        ("an endless boundary", b"--x\r\n", f"{MULTIPART}; boundary={'x' * 5000}", 415),
        ("another encoding of a part", PART_IN_BASE64, f"{MULTIPART}; boundary=x", multipart),
    ):
        # What takes nothing does not look at what it is sent.
        if sender.endpoint.fields is None:
            sender.never_breaks(what, body, content_type)
        else:
            sender.refused(what, body, content_type, status)

    assert sender.asker.problems == []
