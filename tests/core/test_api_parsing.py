"""JSON that two readers could understand differently is refused, with 400 and a reason."""

from __future__ import annotations

import json

import pytest
from rest_framework.exceptions import ParseError
from rest_framework.test import APIClient

from core.api.parsers import MAX_DEPTH, parse


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 9223372036854775808}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1, "a": 2}',
        b'{"x": {"a": 1, "a": 1}}',
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"a": "\x00"}',
        b'{"a": "\\ud83d"}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        b"[" * 100_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
)
def test_what_is_not_plain_json_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError):
        parse(body)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True, "x"]},
        {"emoji": "😀", "rtl": "שלום", "telugu": "తెలుగు"},
        {"backslash": "\\u0000 is text here", "and": "\\\\ud800"},
        {"big": 2**63 - 1, "small": -(2**63)},
        "text",
        [],
    ],
)
def test_plain_json_arrives_as_it_was_sent(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


def test_the_deepest_allowed_body_passes() -> None:
    body = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert json.dumps(parse(body)).encode() == body


@pytest.mark.urls("tests.core.urls")
def test_a_bad_body_is_told_in_the_error_shape(api: APIClient) -> None:
    answer = api.post("/api/echo/", b'{"a": 1, "a": 2}', content_type="application/json")

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (answer.json()["type"], error["code"], error["attr"]) == ("client_error", "parse_error", None)


@pytest.mark.urls("tests.core.urls")
@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/xml"])
def test_other_content_types_are_415(api: APIClient, kind: str) -> None:
    answer = api.post("/api/echo/", b"--x", content_type=kind)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (415, "unsupported_media_type")


@pytest.mark.urls("tests.core.urls")
def test_a_body_over_five_megabytes_is_413_and_one_below_is_read(api: APIClient) -> None:
    large = api.post(
        "/api/echo/", json.dumps({"a": "x" * (5 * 1024 * 1024)}), content_type="application/json"
    )
    small = api.post(
        "/api/echo/", json.dumps({"a": "x" * (4 * 1024 * 1024)}), content_type="application/json"
    )

    assert (large.status_code, large.json()["errors"][0]["code"]) == (413, "body_too_large")
    assert small.status_code == 200
