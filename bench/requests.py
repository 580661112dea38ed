"""The bytes of requests as the proxy would send them: everybody with their own token, each from their own address.

Access tokens live for 15 minutes: make new requests for each run.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from _campushub.console import Problem

from attendance import codes
from bench import data
from bench.place import HOST
from core import clock, tokens

ROTATION = 15
#: Characters of an id.
_ID = 36
_FAMILY = UUID("018f0000-0000-7000-8000-000000000000")

Request = Callable[[int], bytes]


class ScanRequests:
    """``requests(n)`` is the n-th scan (see `bench.data.pair`), with the code that the class shows at that moment.

    `plain` makes the gate leave them to Django.
    """

    def __init__(self, *, plain: bool = False) -> None:
        self._lines = [self._lines_of(student, plain) for student in range(data.STUDENTS)]
        self._step = -1
        self._codes: dict[int, bytes] = {}

    def __call__(self, number: int) -> bytes:
        pair = data.pair(number)
        step = int(time.time()) // ROTATION
        if step != self._step:
            self._step, self._codes = step, {}
        code = self._codes.get(pair.session)
        if code is None:
            code = self._codes[pair.session] = _code(pair.session)
        return b'%s%s","device_id":"device-%06d"}' % (self._lines[pair.student], code, pair.student)

    @staticmethod
    def _lines_of(student: int, plain: bool) -> bytes:
        length = len(b'{"token":"') + len(_code(0)) + len(b'","device_id":"device-000000"}')
        path = f"/api/v1/attendance/records/qr-scan/{'?plain' if plain else ''}"
        return head("POST", path, token=student_token(student), sender=student, length=length) + b'{"token":"'


#: What a teacher says of a class by hand: every seventh is absent, every eleventh of the others late.
STATUSES = [
    "absent" if place % 7 == 0 else "late" if place % 11 == 0 else "present"
    for place in range(data.CLASS_SIZE)
]


class BulkRequests:
    """``requests(n)`` marks the n-th class by its teacher: all sixty, of whom nobody has a mark yet."""

    def __init__(self, first_wave: int) -> None:
        self._first_wave = first_wave
        self._lines = [self._lines_of(cohort) for cohort in range(data.FULL_COHORTS)]

    def __call__(self, number: int) -> bytes:
        wave, cohort = divmod(number, data.FULL_COHORTS)
        before, after = self._lines[cohort]
        return b"%s%s%s" % (before, _session(self._first_wave + wave, cohort), after)

    @staticmethod
    def _lines_of(cohort: int) -> tuple[bytes, bytes]:
        students = range(cohort * data.CLASS_SIZE, (cohort + 1) * data.CLASS_SIZE)
        marks = [
            {"student": f"B{student}", "status": status}
            for student, status in zip(students, STATUSES, strict=True)
        ]
        before = b'{"session":"'
        after = b'","marks":%s}' % json.dumps(marks, separators=(",", ":")).encode()
        length = len(before) + _ID + len(after)
        path = "/api/v1/attendance/records/bulk-mark/"
        start = head("POST", path, token=teacher_token(cohort), sender=cohort, length=length)
        return start + before, after


class SummaryRequests:
    """``requests(n)`` is a student's look at their own percentages; neighbours sit in different classes."""

    def __init__(self) -> None:
        path = "/api/v1/attendance/statistics/student-summary/"
        self._requests = [
            head("GET", path, token=student_token(student), sender=student)
            for student in range(data.STUDENTS)
        ]

    def __call__(self, number: int) -> bytes:
        return self._requests[number * data.STRIDE % data.STUDENTS]


class LifeRequests:
    """Classes are opened and closed by their teachers: the openings of `AT_ONCE` classes, then their closings.

    So many requests lie between the two of one class that the first is answered when the second is sent.
    """

    AT_ONCE = 128

    def __init__(self, first_wave: int) -> None:
        self._first_wave = first_wave
        self._tokens = [teacher_token(cohort) for cohort in range(data.FULL_COHORTS)]

    def __call__(self, number: int) -> bytes:
        wave, cohort = divmod(self.place(number), data.FULL_COHORTS)
        session = data.session_id(data.session_of(self._first_wave + wave, cohort))
        verb = "close" if self.closes(number) else "open"
        path = f"/api/v1/attendance/sessions/{session}/{verb}/"
        return head("POST", path, token=self._tokens[cohort], sender=cohort)

    @classmethod
    def place(cls, number: int) -> int:
        """Which class the n-th request is about."""
        return number // (2 * cls.AT_ONCE) * cls.AT_ONCE + number % cls.AT_ONCE

    @classmethod
    def closes(cls, number: int) -> bool:
        return number // cls.AT_ONCE % 2 == 1


def head(method: str, path: str, *, token: str = "", sender: int, length: int = 0) -> bytes:
    """A request up to its body, from an address that `sender` makes."""
    return (
        f"{method} {path} HTTP/1.1\r\n"
        f"Host: {HOST}\r\n"
        f"X-Forwarded-For: 10.{sender >> 16}.{sender >> 8 & 255}.{sender & 255}\r\n"
        "X-Forwarded-Proto: https\r\n"
        f"X-Request-ID: {sender:032x}\r\n"
        + (f"Authorization: Bearer {token}\r\n" if token else "")
        + "Accept: application/json\r\n"
        + ("Content-Type: application/json\r\n" if length else "")
        + (f"Content-Length: {length}\r\n" if method == "POST" else "")
        + "\r\n"
    ).encode()


def student_token(student: int) -> str:
    return _token(data.FIRST_USER + student, "student", student + 1)


def teacher_token(cohort: int) -> str:
    """Of whoever holds the classes of a cohort."""
    return _token(data.FIRST_TEACHER + cohort, "faculty", None)


def office_token(number: int) -> str:
    """An access token of somebody who may watch every class."""
    return _token(data.OFFICE_USERS[number % len(data.OFFICE_USERS)], "admin", None)


def _token(user_id: int, role: str, student_id: int | None) -> str:
    return tokens.encode_access(
        user_id=user_id,
        school_id=data.SCHOOL,
        role=role,
        student_id=student_id,
        family_id=_FAMILY,
        issued_at=clock.now(),
    )


def _session(wave: int, cohort: int) -> bytes:
    return str(data.session_id(data.session_of(wave, cohort))).encode()


def _code(session: int) -> bytes:
    shown = codes.code_at(
        session_id=data.session_id(session),
        school_id=data.SCHOOL,
        generation=1,
        rotation=ROTATION,
        now=clock.now(),
    )
    return codes.encode(shown).encode()


def answered(port: int, request: bytes) -> Any:
    """Send one request by itself; its JSON. Raises Problem when it is refused."""
    return json.loads(told(port, request))


def told(port: int, request: bytes) -> str:
    """Send one request by itself; the text of the answer. Raises Problem when it is refused."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(request)
        answer = http.client.HTTPResponse(line)
        answer.begin()
        body = answer.read()
    if answer.status != HTTPStatus.OK:
        raise Problem(f"A request was refused: {answer.status} {body.decode()[:200]}")
    return body.decode()
