"""No token, no personal value reaches a log."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import Any

import pytest
import structlog
from django.conf import settings

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
def written(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What our JSON configuration writes, line by line."""
    stream = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(stream, write_through=True))
    our_logging.configure({"format": "json"})
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    monkeypatch.undo()
    our_logging.configure(settings.LOGGING)


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


def test_our_own_lines_are_cleaned_and_told_from_info_upwards(written: Any) -> None:
    log = structlog.get_logger("ours")
    log.debug("not told")
    log.warning("seen %s", "asha@college.example", token="t", note="A" * 60)

    (line,) = written()

    assert (line["event"], line["token"], line["note"]) == ("seen [removed]", "[removed]", "[removed]")
    assert (line["level"], line["logger"]) == ("warning", "ours")


def test_our_own_errors_pass_where_monitoring_listens(written: Any) -> None:
    heard: list[logging.LogRecord] = []

    class Monitor(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record)

    monitor = Monitor()
    logging.getLogger().addHandler(monitor)
    log = structlog.get_logger("ours")
    try:
        raise ValueError("token " + "A" * 60)
    except ValueError:
        log.exception("broken", rows=3)
    log.critical("worse")
    logging.getLogger().removeHandler(monitor)

    broken, worse = written()

    assert [record.levelname for record in heard] == ["ERROR", "CRITICAL"]
    assert (broken["event"], broken["rows"], broken["level"]) == ("broken", 3, "error")
    assert "ValueError: token [removed]" in broken["exception"]
    assert (worse["event"], worse["level"], worse["logger"]) == ("worse", "critical", "ours")
