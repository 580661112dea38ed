"""What else is answered before Django: a student's own percentages, the marks of a fresh class, opening and closing.

Why: the statements behind them take a fraction of a millisecond (`selectors.own_summary`) to a few
(`services.fresh_marks`); sixteen layers of middleware, DRF's dispatch and its serializers take as much again, or many
times as much. Every student's phone asks the first, every teacher of the campus sends the others at nine o'clock.

Only what is plain is answered here: an access token, no cookie, no query, no `Idempotency-Key`, a body in which nothing
is odd, and success. Everything else, every refusal among it, falls through to Django as it came. Headers are Django's
own (`envelope`), the limit is the same counter, the log and Prometheus are told the same as by
`core.middleware.RequestContextMiddleware`. tests/attendance/test_doors.py holds both paths equal.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import orjson
import structlog
from django.db import DatabaseError, InterfaceError, connection
from django.urls import resolve

from accounts.enums import Role
from accounts.models import User
from attendance import metrics
from attendance.api.serializers.figures import plain_summary
from attendance.enums import Status
from attendance.gate.envelope import Application, Envelopes, Environ, Headers, StartResponse
from attendance.gate.reading import NotForTheGate, body_of, sender
from attendance.models import Session
from attendance.selectors import in_charge
from attendance.selectors.own_summary import own_summary
from attendance.selectors.shown_session import shown_session
from attendance.services import fresh_marks, plain_moves, sessions
from core import clock, context, limits
from core import metrics as shared
from core.api.renderers import dumps
from core.errors import DomainError
from core.middleware import address_of, request_id_of
from core.tokens import AccessClaims

SUMMARY = "/api/v1/attendance/statistics/student-summary/"
BULK_MARK = "/api/v1/attendance/records/bulk-mark/"
_SESSIONS = "/api/v1/attendance/sessions/"
_ANY_SESSION = f"{_SESSIONS}{UUID(int=0)}/"
_SESSION = re.compile(rf"{_SESSIONS}[0-9a-f-]{{36}}/")
#: A class of two hundred; larger ones take a while anyhow.
_MOST_MARKS = 200
_LONGEST_BODY = 32_768
_LONGEST_NUMBER = 30
_STATUSES = frozenset(Status.values)

log = structlog.get_logger(__name__)
Q = TypeVar("Q")


class Door(Protocol[Q]):
    """One address: how a plain request is read, and its answer."""

    method: str
    path: str
    role: str
    #: Under which it counts, see `core.limits`.
    scope: str

    def read(self, environ: Environ) -> Q:
        """What is asked. Raises NotForTheGate; the body can then be read again from `environ`."""

    def answer(self, asked: Q, claims: AccessClaims, now: datetime) -> dict[str, Any]:
        """The body of the answer. Raises NotForTheGate, DatabaseError; then nothing was written."""


class OwnSummary:
    """``GET statistics/student-summary/`` by a student, of themselves."""

    method, path, role, scope = "GET", SUMMARY, Role.STUDENT.value, "user"

    def read(self, environ: Environ) -> None:
        return None

    def answer(self, asked: None, claims: AccessClaims, now: datetime) -> dict[str, Any]:
        found = own_summary(user_id=claims.user_id, now=now)
        if found is None:
            raise NotForTheGate("unknown_person")
        return plain_summary(found)


@dataclass(frozen=True, slots=True)
class _Marks:
    session_id: UUID
    numbers: Sequence[str]
    statuses: Sequence[str]


class FreshMarks:
    """``POST records/bulk-mark/`` by a teacher of the class, of students who have no mark in it yet."""

    method, path, role, scope = "POST", BULK_MARK, Role.FACULTY.value, "bulk"

    def read(self, environ: Environ) -> _Marks:
        if "HTTP_IDEMPOTENCY_KEY" in environ:
            raise NotForTheGate("idempotency_key")
        return _marks(body_of(environ, longest=_LONGEST_BODY))

    def answer(self, asked: _Marks, claims: AccessClaims, now: datetime) -> dict[str, Any]:
        made = fresh_marks.save(
            session_id=asked.session_id,
            numbers=asked.numbers,
            statuses=asked.statuses,
            user_id=claims.user_id,
            now=now,
        )
        if not made:
            raise NotForTheGate("not_plain")
        return {"saved": len(asked.numbers), "unchanged": 0, "failed": []}


class _Life:
    """``POST sessions/{id}/open/`` and ``…/close/`` by whoever holds the class."""

    method, role, scope = "POST", Role.FACULTY.value, "user"

    def __init__(self, verb: str, plain: Callable[..., bool], move: Callable[..., Session]) -> None:
        #: Of no class at all: what is asked to learn the headers.
        self.path = f"{_SESSIONS}{UUID(int=0)}/{verb}/"
        self._plain, self._move = plain, move

    def read(self, environ: Environ) -> UUID:
        if environ.get("CONTENT_LENGTH") not in {None, "", "0"} or "HTTP_TRANSFER_ENCODING" in environ:
            raise NotForTheGate("body")
        return _uuid(environ["PATH_INFO"].removeprefix(_SESSIONS).partition("/")[0])

    def answer(self, asked: UUID, claims: AccessClaims, now: datetime) -> dict[str, Any]:
        if not self._plain(session_id=asked, user_id=claims.user_id, now=now):
            self._move_anyway(asked, claims, now)
        found = shown_session(asked)
        if found is None:
            raise NotForTheGate("gone")
        return found

    def _move_anyway(self, asked: UUID, claims: AccessClaims, now: datetime) -> None:
        """A second time, by way of the scheduler, after its end: the service knows. Raises NotForTheGate."""
        if not in_charge.holds(user_id=claims.user_id, session_id=asked):
            raise NotForTheGate("not_in_charge")
        # Of either the service wants no more than who they are.
        by = User(pk=claims.user_id, school_id=claims.school_id, role=claims.role)
        try:
            self._move(session=Session(pk=asked), by=by, now=now)
        except DomainError as refusal:
            raise NotForTheGate(refusal.code) from None


class _Opened(Generic[Q]):
    """A door with the headers of its answers."""

    def __init__(self, door: Door[Q], django: Application) -> None:
        self.door = door
        self.route = resolve(door.path).route
        self.seconds = shared.REQUEST_SECONDS.labels(door.method, self.route, 200)
        self._envelopes = Envelopes(django, door.path, door.method)

    def pass_through(self, environ: Environ) -> tuple[Headers, bytes]:
        """The answer. Raises NotForTheGate."""
        started = time.perf_counter()
        if environ.get("QUERY_STRING"):
            raise NotForTheGate("query")
        now = clock.now()
        claims = sender(environ, now, role=self.door.role)
        asked = self.door.read(environ)
        envelope = self._envelopes.of(environ)
        if envelope is None:
            raise NotForTheGate("kind_of_request")
        # Refused attempts do not count, so Django's counting of this one refuses it too, and says how long.
        if limits.hit_shared(self.door.scope, f"u{claims.user_id}"):
            raise NotForTheGate("throttled")
        environ[limits.COUNTED] = self.door.scope
        known = context.RequestContext(request_id=request_id_of(environ), ip=address_of(environ))
        # As at the beginning of a request in Django: a connection that died since the last one is made anew.
        connection.health_check_done = False  # type: ignore[attr-defined] # of Django's, untyped
        try:
            with context.use(known):
                body = dumps(self.door.answer(asked, claims, now))
        except (DatabaseError, InterfaceError):
            # Django tries it again, and knows what to say if it fails once more.
            raise NotForTheGate("error") from None
        self._tell(known, claims, time.perf_counter() - started)
        own = [("Content-Length", str(len(body))), ("X-Request-ID", known.request_id)]
        return [*envelope.headers, *own], body

    def _tell(self, known: context.RequestContext, claims: AccessClaims, seconds: float) -> None:
        self.seconds.observe(seconds)
        structlog.contextvars.clear_contextvars()
        log.info(
            "request",
            method=self.door.method,
            route=self.route,
            status=200,
            milliseconds=round(seconds * 1000, 1),
            queries=1,
            request_id=known.request_id,
            user_id=claims.user_id,
            school_id=claims.school_id,
        )


class Doors:
    """A WSGI application: answers what is plain at these addresses, everything else by Django."""

    def __init__(self, django: Application) -> None:
        self._django = django
        doors: list[Door[Any]] = [
            OwnSummary(),
            FreshMarks(),
            _Life("open", plain_moves.open_planned, sessions.open_session),
            _Life("close", plain_moves.close_open, sessions.close_session),
        ]
        self._doors = {(door.path, door.method): _Opened(door, django) for door in doors}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if path.startswith(_SESSIONS):
            # Which class it is, the door reads.
            path = _SESSION.sub(_ANY_SESSION, path, count=1)
        door = self._doors.get((path, environ["REQUEST_METHOD"]))
        if door is not None:
            try:
                headers, body = door.pass_through(environ)
            except NotForTheGate as reason:
                metrics.PASSED_DOOR.labels(door.route, str(reason)).inc()
            else:
                start_response("200 OK", headers)
                return [body]
        return self._django(environ, start_response)


def _marks(body: bytes) -> _Marks:
    """The marks of a plain body. Raises NotForTheGate."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotForTheGate("body") from None
    plain = isinstance(fields, dict) and fields.keys() == {"session", "marks"} and b"\\" not in body
    rows = fields["marks"] if plain else None
    if not isinstance(rows, list) or not 0 < len(rows) <= _MOST_MARKS or not all(map(_is_plain, rows)):
        raise NotForTheGate("body")
    # orjson keeps the last of two equal keys, where Django refuses them: then there are more quotation marks.
    if body.count(b'"') != 2 * (3 + 4 * len(rows)):
        raise NotForTheGate("body")
    numbers = [row["student"] for row in rows]
    if len({number.upper() for number in numbers}) != len(numbers):
        raise NotForTheGate("body")
    return _Marks(_uuid(fields["session"]), numbers, [row["status"] for row in rows])


def _is_plain(row: Any) -> bool:
    """Whether it is a mark with a status and nothing else, and a number that is measured and cut as it stands."""
    if not isinstance(row, dict) or row.keys() != {"student", "status"}:
        return False
    number, status = row["student"], row["status"]
    return (
        isinstance(number, str)
        and 0 < len(number) <= _LONGEST_NUMBER
        # What PostgreSQL and Python make of other letters' upper case need not agree.
        and number.isascii()
        and number.isprintable()
        and " " not in number
        and isinstance(status, str)
        and status in _STATUSES
    )


def _uuid(text: Any) -> UUID:
    try:
        found = UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise NotForTheGate("body") from None
    if str(found) != text:
        raise NotForTheGate("body")
    return found
