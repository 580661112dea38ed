"""Every query, path and header of the API with what they may be sent by mistake or on purpose."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.colleges import client_of
from tests.fuzz.asking import NO_FAULT, Asker, is_coded
from tests.fuzz.bodies import Operation, operations
from tests.fuzz.conftest import Campus
from tests.fuzz.values import EMOJI, LONG, RIGHT_TO_LEFT, choices_of, kind_of, some

pytestmark = pytest.mark.usefixtures("one_connection", "campus")

READ = [operation for operation in operations() if operation.method == "get"]
LISTS = [operation for operation in READ if any(one["name"] == "page_size" for one in operation.parameters)]
AT_IDS = [operation for operation in operations() if "{" in operation.path]

#: Written as they stand in an address; nothing can be looked up by them.
ODD = {
    "emoji": quote(EMOJI),
    "right to left": quote(RIGHT_TO_LEFT),
    "half of a character": "%ff",
    "half of an escape": "%",
    "10,000 characters": LONG,
    "a formula": "%3D1%2B1",
    "a number of 400 digits": "9" * 400,
    "dots": "..%2f..%2fetc%2fpasswd",
}

NO_NUMBERS = ["x", "-1", "1.5", "NaN", "-Infinity", "0x10", "9" * 400]
NO_PAGES = [*NO_NUMBERS[:-1], "", "0", "1e3", "%D9%A1"]
NO_DATES = ["x", "0000-00-00", "2026-02-30", "12026-01-01", "1", "-1", "NaN", "9" * 400]


def by_address(operation: Operation) -> str:
    return operation.label


@pytest.fixture
def office(campus: Campus) -> Asker:
    return Asker(client_of(campus.college.admin), is_coded)


@pytest.mark.parametrize("operation", READ, ids=by_address)
def test_no_query_breaks_it_and_what_cannot_be_is_refused(
    operation: Operation, office: Asker, campus: Campus
) -> None:
    address = campus.address(operation.path)
    for parameter in (one for one in operation.parameters if one["in"] == "query"):
        name, schema = parameter["name"], parameter["schema"]
        office.ask(f"{name} has a NUL", "GET", f"{address}?{name}=a%00b", {400})
        label = f"{operation.label} {name}"
        for what, value in some(ODD.items(), 3, of=label):
            office.ask(f"{name} is {what}", "GET", f"{address}?{name}={value}", NO_FAULT)
        for value in some(impossible(schema), 3, of=label):
            office.ask(f"{name} is {value}", "GET", f"{address}?{name}={value}", {400, 404})
    office.ask("a name with a NUL", "GET", f"{address}?a%00=1", {400})
    office.ask("half of a character", "GET", f"{address}?%ff=%ff", NO_FAULT)
    office.ask("2,000 parameters", "GET", f"{address}?" + "&".join(f"p{n}=1" for n in range(2000)), NO_FAULT)

    assert office.problems == []


def impossible(schema: dict[str, Any]) -> Iterator[str]:
    """Texts that no value of this JSON schema is written as; an empty one leaves a filter out."""
    kind = kind_of(schema.get("items", schema) if kind_of(schema) == "array" else schema)
    layout = schema.get("items", schema).get("format")
    if layout in {"date", "date-time"}:
        yield from NO_DATES
    elif layout == "uuid":
        yield from ["x", "0", "-1", "019", "g" * 32, "9" * 400]
    elif choices_of(schema.get("items", schema)):
        yield from ["no-such-choice", "PRESENT", "0", "-1", "9" * 400]
    elif kind in {"integer", "number"}:
        yield from NO_NUMBERS
    elif kind == "boolean":
        yield from ["maybe", "2", "-1", "NaN", "tru", "9" * 400]


@pytest.mark.parametrize("operation", LISTS, ids=by_address)
def test_lists_refuse_filters_pages_and_orders_that_they_do_not_have(
    operation: Operation, office: Asker, campus: Campus
) -> None:
    address = campus.address(operation.path)
    names = {one["name"] for one in operation.parameters}
    for name in ("wanted", "id__gt", "school__users__password", "format", "%3D1"):
        office.ask(f"the filter {name}", "GET", f"{address}?{name}=1", {400})
    for size in (*NO_PAGES, "201", "9" * 400):
        office.ask(f"page_size={size}", "GET", f"{address}?page_size={size}", {400})
    if "page" in names:
        for page in NO_PAGES:
            office.ask(f"page={page}", "GET", f"{address}?page={page}", {400})
        office.ask("a page beyond the last", "GET", f"{address}?page={'9' * 400}", {404})
    if "cursor" in names:
        for cursor in no_cursors():
            office.ask(f"cursor={cursor}", "GET", f"{address}?cursor={cursor}", {400})
    if "ordering" in names:
        for order in ("password", "-", "--id", ",", "pk", "?", "id%3Bdrop", LONG):
            office.ask(f"ordering={order}", "GET", f"{address}?ordering={order}", {400})

    assert office.problems == []


def no_cursors() -> Iterator[str]:
    yield from ["", "x", "%ff", "e30", LONG, quote(EMOJI), "NaN", "9" * 400]
    for text in (
        "[]",
        "null",
        "1",
        '["n"]',
        '["x","2026-11-03T03:30:00+00:00","1"]',
        '["n","0001-01-01","x"]',
        '["n","2026-11-03","a\\u0000b"]',
        '["n",1,1]',
        '["n","NaN","NaN"]',
        "[" * 5000,
        '["n","2026-11-03T03:30:00+00:00",' + "9" * 5000 + "]",
    ):
        yield urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("operation", AT_IDS, ids=by_address)
def test_there_is_nothing_at_an_impossible_id(operation: Operation, office: Asker) -> None:
    before, _brace, rest = operation.path.partition("{")
    after = rest.partition("}")[2]
    for what, value in {
        **ODD,
        "a number": "1",
        "a negative number": "-1",
        "NaN": "NaN",
        "a date": "0001-01-01",
    }.items():
        office.ask(
            what, operation.method.upper(), f"{before}{value}{after}", {404}, b"{}", "application/json"
        )
    office.ask("a NUL", operation.method.upper(), f"{before}a%00b{after}", {400}, b"{}", "application/json")

    assert office.problems == []


@pytest.mark.parametrize(
    ("name", "fine"),
    [
        ("Accept", {200, 406}),
        ("Accept-Language", {200}),
        ("Cookie", {200}),
        ("If-None-Match", {200}),
        ("If-Match", {200}),
        ("If-Modified-Since", {200}),
        ("Idempotency-Key", {200}),
        ("Range", {200}),
        ("User-Agent", {200}),
        ("X-Request-ID", {200}),
        ("X-CSRFToken", {200}),
        ("X-Forwarded-For", {200}),
        ("X-HTTP-Method-Override", {200}),
        ("HX-Request", {200}),
    ],
)
def test_no_header_breaks_a_reading(name: str, fine: set[int], office: Asker, campus: Campus) -> None:
    for address in (
        f"/api/v1/attendance/sessions/{campus.college.session.pk}/qr/",
        "/api/v1/attendance/sessions/",
    ):
        for value in odd_headers():
            office.ask(f"{name}: {value!r}", "GET", address, fine, **{name: value})

    assert office.problems == []


def odd_headers() -> Iterator[str]:
    yield from ["", "*", '"', "W/", ",,,", ";q=x", "a/b;q=9", "a=b; a=b; =", "NaN", "-1", LONG[:5000]]
    # As servers hand over bytes that are no ASCII.
    yield EMOJI.encode().decode("latin-1")
    yield "\xff\xfe"
    yield "../" * 100


def test_an_impossible_idempotency_key_is_refused_and_nothing_saved(office: Asker, campus: Campus) -> None:
    body = {
        "session": str(campus.college.session.pk),
        "marks": [{"student": campus.college.number(1), "status": "late"}],
    }
    address, sent = "/api/v1/attendance/records/bulk-mark/", json.dumps(body).encode()
    office.ask("a good key", "POST", address, {200}, sent, "application/json", **{"Idempotency-Key": "a"})
    for key in ("", "\t", "x" * 256, EMOJI.encode().decode("latin-1"), "\xff", "a\x7fb"):
        office.ask(repr(key), "POST", address, {400}, sent, "application/json", **{"Idempotency-Key": key})

    assert office.problems == []


def test_a_credential_that_is_none_lets_nobody_in(campus: Campus) -> None:
    stranger = Asker(client_of(None), is_coded)
    for value in (
        "Bearer",
        "Bearer a b",
        "Bearer x.y.z",
        "Bearer " + LONG,
        "Bearer \xff",
        "Basic \xff",
        "Basic eDp5",
        "x",
    ):
        stranger.ask(value[:30], "GET", "/api/v1/auth/me/", {401}, Authorization=value)
    for value in ("", "x", LONG[:4000], "\xff", EMOJI.encode().decode("latin-1")):
        stranger.ask(
            f"session {value[:30]}", "GET", "/api/v1/auth/me/", {401}, Cookie=f"campushub_session={value}"
        )

    assert stranger.problems == []
