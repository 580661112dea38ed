"""The bytes of scans as the proxy would send them: each student with their own token and device."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from attendance import codes
from bench import data
from bench.place import HOST
from core import clock, tokens

ROTATION = 15
_FAMILY = UUID("018f0000-0000-7000-8000-000000000000")

Request = Callable[[int], bytes]


class ScanRequests:
    """``requests(n)`` is the n-th scan (see `bench.data.pair`), with the code that the class shows at that moment.

    `plain` makes the gate leave them to Django. Access tokens live for 15 minutes: make a new one for each run.
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
        token = tokens.encode_access(
            user_id=data.FIRST_USER + student,
            school_id=data.SCHOOL,
            role="student",
            student_id=student + 1,
            family_id=_FAMILY,
            issued_at=clock.now(),
        )
        length = len(b'{"token":"') + len(_code(0)) + len(b'","device_id":"device-000000"}')
        return (
            f"POST /api/v1/attendance/records/qr-scan/{'?plain' if plain else ''} HTTP/1.1\r\n"
            f"Host: {HOST}\r\n"
            f"X-Forwarded-For: 10.{student >> 16}.{student >> 8 & 255}.{student & 255}\r\n"
            "X-Forwarded-Proto: https\r\n"
            f"X-Request-ID: {student:032x}\r\n"
            f"Authorization: Bearer {token}\r\n"
            "Accept: application/json\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {length}\r\n\r\n"
            '{"token":"'
        ).encode()


def office_token(number: int) -> str:
    """An access token of somebody who may watch every class."""
    return tokens.encode_access(
        user_id=data.OFFICE_USERS[number % len(data.OFFICE_USERS)],
        school_id=data.SCHOOL,
        role="admin",
        student_id=None,
        family_id=_FAMILY,
        issued_at=clock.now(),
    )


def _code(session: int) -> bytes:
    shown = codes.code_at(
        session_id=data.session_id(session),
        school_id=data.SCHOOL,
        generation=1,
        rotation=ROTATION,
        now=clock.now(),
    )
    return codes.encode(shown).encode()
