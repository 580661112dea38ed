"""Every POST and PATCH with everything that a field may be sent by mistake or on purpose: refused, nothing saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client

from tests.fuzz.bodies import Endpoint, endpoints, fitting
from tests.fuzz.conftest import Campus, token_of
from tests.fuzz.values import EMOJI, LONG, RIGHT_TO_LEFT, Literal, unfit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_connection")]

ENDPOINTS = list(endpoints())
JSON = "application/json"


class Sender:
    """Sends to one endpoint as whoever may use it; every request is undone, and what it left is counted first."""

    def __init__(self, campus: Campus, endpoint: Endpoint) -> None:
        self.campus, self.endpoint = campus, endpoint
        who = "student" if endpoint.path.endswith("qr-scan/") else "admin"
        self.headers = {"Authorization": f"Bearer {token_of(campus.college.user(who))}"}
        kind = next((kind for kind in campus.ids if f"/{kind}/{{" in endpoint.path), "")
        self.address = endpoint.path.replace("{id}", campus.ids.get(kind, ""))
        self.problems: list[str] = []

    def good(self) -> dict[str, Any]:
        fields = self.endpoint.fields or {}
        real = self.campus.real | self._of_its_own()
        return {name: fitting(name, schema, real) for name, schema in fields.items()}

    def _of_its_own(self) -> dict[str, Any]:
        lists = (self.endpoint.fields or {}).get("faculty", {}).get("type") == "array"
        faculty = self.campus.real["faculty"]
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
            "year": 2026,
            "version": 1,
        }

    def refused(self, what: str, body: Any, content_type: str = JSON) -> None:
        """Note a problem unless the answer is a 4xx in the documented shape that left nothing behind."""
        self._send(what, body, content_type, lambda status: 400 <= status < 500)

    def never_breaks(self, what: str, body: Any, content_type: str = JSON) -> None:
        """Like `refused`, for what may be right."""
        self._send(what, body, content_type, lambda status: 200 <= status < 500)

    def _send(self, what: str, body: Any, content_type: str, fine: Callable[[int], bool]) -> None:
        data = body if isinstance(body, bytes) else written(body).encode()
        before = counts()
        with transaction.atomic():
            answer = Client(raise_request_exception=False, headers=self.headers).generic(
                self.endpoint.method.upper(), self.address, data, content_type
            )
            after = counts()
            transaction.set_rollback(True)
        if not fine(answer.status_code):
            self._note(what, f"{answer.status_code} {answer.content[:200]!r}")
        elif answer.status_code >= 400:
            if not shaped(answer.content):
                self._note(what, f"not the shape of refusals: {answer.content[:200]!r}")
            if after != before:
                self._note(what, f"{answer.status_code}, but something was written")

    def _note(self, what: str, found: str) -> None:
        self.problems.append(f"{self.endpoint.label}: {what}: {found}")


def counts() -> dict[str, int]:
    """Rows by table; the newest ids and versions would change with them, as every change leaves an audit entry."""
    tables = [model._meta.db_table for model in apps.get_models() if model._meta.managed]
    # What was tried is counted for the lock-out, refused or not.
    wanted = [table for table in tables if not table.startswith(("axes_", "django_session"))]
    union = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM \"{table}\"" for table in wanted)
    with connection.cursor() as cursor:
        cursor.execute(union)
        return dict(cursor.fetchall())


def shaped(content: bytes) -> bool:
    """Whether these bytes are the `ErrorResponse` of the schema."""
    body = json.loads(content)
    return (
        body["type"] in {"validation_error", "client_error"}
        and bool(body["errors"])
        and all(error["code"] and error["detail"] and "attr" in error for error in body["errors"])
    )


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


def test_every_field_refuses_what_it_cannot_be(sender: Sender) -> None:
    fields = sender.endpoint.fields or {}
    for name, schema in fields.items():
        for wrong in unfit(schema):
            sender.refused(f"{name} is {wrong.what}", sender.good() | {name: wrong.value})
        if name in sender.endpoint.required:
            without = {key: value for key, value in sender.good().items() if key != name}
            sender.refused(f"{name} is missing", without)
        for value in (EMOJI, RIGHT_TO_LEFT, "", 0, -1, 0.5, 2**31, 2**53, LONG[:200], "=1+1"):
            sender.never_breaks(f"{name} is {value!r}", sender.good() | {name: value})

    assert sender.problems == []


def test_no_body_as_a_whole_breaks_it(sender: Sender) -> None:
    nothing_taken = sender.endpoint.fields is None
    expect = sender.never_breaks if nothing_taken else sender.refused
    for what, body, content_type in (
        ("a list", b"[]", JSON),
        ("a text", b'"text"', JSON),
        ("a number", b"1", JSON),
        ("half of a JSON text", b'{"a": ', JSON),
        ("invalid UTF-8", b'{"a": "\xff\xfe"}', JSON),
        ("duplicate keys", b'{"a": 1, "a": 2}', JSON),
        ("NaN", b'{"a": NaN}', JSON),
        ("deep JSON", b"[" * 100_000 + b"]" * 100_000, JSON),
        ("deep objects", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, JSON),
        ("10 MB", b'{"a": "' + b"x" * 10_000_000 + b'"}', JSON),
        (
            "malformed multipart",
            b"--x\r\nContent-Disposition: form-data; na",
            "multipart/form-data; boundary=x",
        ),
        ("multipart without boundary", b"--x\r\n", "multipart/form-data"),
        ("a form", b"a=1", "application/x-www-form-urlencoded"),
        ("XML", b"<a/>", "application/xml"),
        ("an unknown encoding", b"{}", "application/json; charset=no-such"),
        ("no content type that is one", b"{}", "nonsense"),
    ):
        if what == "an unknown encoding":
            sender.never_breaks(what, body, content_type)
        else:
            expect(what, body, content_type)

    assert sender.problems == []
