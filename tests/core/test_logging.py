"""No token, no personal value reaches a log."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog

from core import logging as our_logging
from core.logging import remove_secrets, scrub


@pytest.mark.parametrize(
    "text",
    [
        "Not Found: /s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9aaaa.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "mail to asha.rao@college.example failed",
        "duplicate key\nDETAIL:  Key (username)=(21A91A0501@gprec) already exists.",
        "cannot reach redis://:hunter2secret@127.0.0.1:6379/0",
        "postgres://campushub_app:hunter2secret@db/campushub",
    ],
)
def test_what_looks_secret_is_cut_out_of_texts(text: str) -> None:
    clean = scrub(text)
    for secret in ("AAAAAAAA", "eyJ", "asha", "21A91A0501", "hunter2"):
        assert secret not in clean
    assert "[removed]" in clean


def test_ordinary_texts_stay_as_they_are() -> None:
    for text in (
        "request",
        "attendance/records/<uuid:pk>/",
        "01a1fd6a44fa731698f294b1ddc89e00",
        "3 rows, 99.5 %",
    ):
        assert scrub(text) == text


def test_secret_fields_are_cut_whatever_they_hold() -> None:
    event = remove_secrets(None, "info", {"event": "x", "password": "p", "phone": 91, "user_id": 7})
    assert event == {"event": "x", "password": "[removed]", "phone": "[removed]", "user_id": 7}


@pytest.fixture
def written() -> Any:
    """What our JSON configuration writes, line by line."""
    our_logging.configure({"format": "json"})
    handler = logging.getLogger().handlers[0]
    stream = io.StringIO()
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def test_lines_of_every_library_are_json_with_the_requests_id(written: Any) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("ours").info("done", rows=3)
        logging.getLogger("theirs").warning("failed for %s", "someone@college.example")

    ours, theirs = written()

    assert (ours["event"], ours["rows"], ours["request_id"], ours["level"]) == ("done", 3, "r-1", "info")
    assert (theirs["event"], theirs["request_id"], theirs["logger"]) == (
        "failed for [removed]",
        "r-1",
        "theirs",
    )
    assert ours["timestamp"].endswith("Z")


def test_tracebacks_are_cleaned_too(written: Any) -> None:
    try:
        raise ValueError("token " + "A" * 60)
    except ValueError:
        logging.getLogger("theirs").exception("broken")

    (line,) = written()

    assert "ValueError: token [removed]" in line["exception"]
