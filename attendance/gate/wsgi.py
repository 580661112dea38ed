"""The callable itself: reads a scan, has it decided in a batch, answers as Django would."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import repeat

import psycopg
import structlog
from django.utils import translation

from attendance import metrics
from attendance.api.scans import ALONE
from attendance.gate.envelope import Application, Envelope, Envelopes, Environ, Headers, StartResponse
from attendance.gate.reading import NotForTheGate, Scan, read
from attendance.services.scan_line import MOST_ROWS, Line, Outcome
from attendance.services.scanning import ScanAnswer
from core import context, limits
from core.api.exceptions import handle
from core.api.renderers import dumps
from core.batching import Batcher
from core.db import DatabaseUnavailable
from core.errors import DomainError
from core.middleware import address_of, request_id_of

PATH = "/api/v1/attendance/records/qr-scan/"
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Asked:
    """A scan that waits for its batch, and what its answer will be wrapped in."""

    scan: Scan
    envelope: Envelope


@dataclass(slots=True)
class _Reply:
    """An answer as WSGI wants it."""

    status: str
    headers: Headers
    body: bytes


class ScanGate:
    """A WSGI application: scans itself, everything else by the Django application behind it."""

    def __init__(self, django: Application, *, line: Line | None = None) -> None:
        self._django = django
        self._envelopes = Envelopes(django, PATH)
        self._line = line or Line()
        self._batcher: Batcher[_Asked, _Reply | NotForTheGate] = Batcher(self._decide, max_rows=MOST_ROWS)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == PATH and environ["REQUEST_METHOD"] == "POST":
            try:
                reply = self._scan(environ)
            except NotForTheGate as reason:
                metrics.PASSED.labels(str(reason)).inc()
            else:
                start_response(reply.status, reply.headers)
                return [reply.body]
        return self._django(environ, start_response)

    def close(self) -> None:
        """Give the database connection back; the next scan makes a new one."""
        self._line.close()

    def _scan(self, environ: Environ) -> _Reply:
        """The answer to a scan. Raises NotForTheGate, after which Django can read the request from its start."""
        known = context.RequestContext(request_id=request_id_of(environ), ip=address_of(environ))
        scan = read(environ, known=known)
        envelope = self._envelopes.of(environ)
        if envelope is None:
            raise NotForTheGate("kind_of_request")
        # Refused attempts do not count, so Django's counting of this one refuses it too, and says how long.
        if limits.local("scan").hit(scan.request.user_id):
            raise NotForTheGate("throttled")
        reply = self._batcher.ask(_Asked(scan, envelope))
        if isinstance(reply, NotForTheGate):
            environ[ALONE] = True
            raise reply
        return reply

    def _decide(self, asked: Sequence[_Asked]) -> Sequence[_Reply | NotForTheGate]:
        """One batch: one statement, one commit, one line in the log.

        The leading thread also makes the answers: the others then only have to pass theirs on.
        """
        # Its own request is one of several here.
        structlog.contextvars.clear_contextvars()
        started = time.perf_counter()
        outcomes: Iterable[Outcome]
        try:
            outcomes = self._line.run([one.scan.request for one in asked])
        except DatabaseUnavailable as refusal:
            outcomes = repeat(refusal, len(asked))
        seconds = time.perf_counter() - started
        pairs = list(zip(asked, outcomes, strict=True))
        log.info(
            "scans",
            milliseconds=round(seconds * 1000, 1),
            scans=[_line_of(one.scan, outcome) for one, outcome in pairs],
        )
        return [_reply(one, outcome) for one, outcome in pairs]


def _line_of(scan: Scan, outcome: Outcome) -> dict[str, object]:
    """What the log says of one scan: ids and a code."""
    return {
        "request_id": scan.request.request_id,
        "user_id": scan.request.user_id,
        "school_id": scan.school_id,
        "code": "error" if isinstance(outcome, psycopg.Error) else outcome.code,
    }


def _reply(asked: _Asked, outcome: Outcome) -> _Reply | NotForTheGate:
    """What Django would answer; NotForTheGate where only Django knows."""
    if isinstance(outcome, psycopg.Error):
        # Failed alone, for example on a lock that somebody keeps: Django tries it on a connection of its own.
        return NotForTheGate("error")
    if isinstance(outcome, ScanAnswer) and outcome.code == "unknown_person":
        # Switched off since the token was made: what such a person may be told, Django decides.
        return NotForTheGate("unknown_person")
    own: Headers = []
    if isinstance(outcome, ScanAnswer) and outcome.ok:
        status, body = outcome.http_status, dumps(outcome.body())
    else:
        refusal = outcome.refusal() if isinstance(outcome, ScanAnswer) else outcome
        status, own, body = _refusal(refusal, asked.envelope.language)
    headers = [
        *asked.envelope.headers,
        *own,
        ("Content-Length", str(len(body))),
        ("X-Request-ID", asked.scan.request.request_id),
    ]
    return _Reply(_STATUS_LINES[status], headers, body)


def _refusal(refusal: DomainError, language: str) -> tuple[int, Headers, bytes]:
    """What the API answers to a refusal, by its own exception handler."""
    with translation.override(language):
        # Of a refusal that is the server's own fault the handler tells monitoring, with the request if there is one.
        response = handle(refusal, {"request": None})
        if response is None:
            raise refusal
        own = [(name, response[name]) for name in ("Retry-After",) if name in response]
        return response.status_code, own, dumps(response.data)
