"""Logs: one JSON object per line in production, readable lines elsewhere.

Every line carries the request's id and, once known, the person's and the school's ids. Tokens and personal data
are cut out of every line on its way, whoever wrote it.
"""

from __future__ import annotations

import logging.config
import re
import sys
from collections.abc import MutableMapping
from typing import Any, BinaryIO

import orjson
import structlog
from structlog.types import EventDict, Processor

_REMOVED = "[removed]"

#: Fields whose values never belong in a log.
_SECRET_FIELDS = frozenset(
    {
        "access", "api_key", "authorization", "cookie", "csrf", "date_of_birth", "email", "full_name",
        "guardian_contact", "password", "phone", "refresh", "secret", "session_key", "token", "username",
    }
)  # fmt: skip

#: What looks like a token (long base64url, also dotted), an e-mail address, or a row that PostgreSQL quotes.
_SECRETS = re.compile(
    r"[A-Za-z0-9_-]{40,}(?:\.[A-Za-z0-9_-]+)*"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<=DETAIL:).*"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)


def configure(options: dict[str, Any]) -> None:
    """Set up logging; `options` is the setting LOGGING: ``{"format": "json" | "console"}``."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        remove_secrets,
    ]
    if options.get("format") == "json":
        _write_lines_directly(shared, sys.stderr.buffer)
    else:
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                *shared[:-1],
                structlog.stdlib.PositionalArgumentsFormatter(),
                remove_secrets,
                structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=True,
        )
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_json)
        if options.get("format") == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                },
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": "INFO"},
            "loggers": {
                # Django tells every 4xx as a warning; the request line says so already.
                "django.request": {"level": "ERROR"},
                "axes": {"level": "WARNING"},
                # Our own tasks tell what they did; that they came and went says nothing more.
                "celery.worker.strategy": {"level": "WARNING"},
                "celery.app.trace": {"level": "WARNING"},
                "celery.beat": {"level": "WARNING"},
                "fontTools": {"level": "WARNING"},
            },
        }
    )


class _Lines(structlog.BytesLogger):
    """Writes our own lines. Errors take the way through `logging`, because that is where monitoring listens."""

    __slots__ = ("_errors",)

    def __init__(self, file: BinaryIO, *, name: str | None = None) -> None:
        super().__init__(file, name=name)
        self._errors = logging.getLogger(name)

    def error(self, *event: Any, **more: Any) -> None:
        self._errors.error(*event, **more)

    def critical(self, *event: Any, **more: Any) -> None:
        self._errors.critical(*event, **more)


def _write_lines_directly(processors: list[Processor], file: BinaryIO) -> None:
    """Our own lines in production: every request writes one, which through `logging` takes twice as long."""
    wrapped = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    rendered = structlog.processors.JSONRenderer(serializer=_json_bytes)

    def finish(logger: Any, method: str, event: EventDict) -> Any:
        return (wrapped if method in {"error", "critical"} else rendered)(logger, method, event)

    structlog.configure(
        processors=[*processors, finish],
        logger_factory=lambda name=None: _Lines(file, name=name),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


def bind_person(user: Any) -> None:
    """Let the lines of this request say whose it is: by ids alone."""
    structlog.contextvars.bind_contextvars(user_id=user.pk, school_id=getattr(user, "school_id", None))


def remove_secrets(logger: Any, method: str, event: EventDict) -> MutableMapping[str, Any]:
    """Cut secret fields, and whatever looks like a secret inside texts."""
    for name, value in event.items():
        if name in _SECRET_FIELDS:
            event[name] = _REMOVED
        elif isinstance(value, str):
            event[name] = scrub(value)
    return event


def scrub(text: str) -> str:
    """The text without what looks like a token, an e-mail address, a password in a URL, or a quoted row."""
    return _SECRETS.sub(_REMOVED, text)


def _json(event: Any, **kwargs: Any) -> str:
    return _json_bytes(event).decode()


def _json_bytes(event: Any, **kwargs: Any) -> bytes:
    return orjson.dumps(event, default=str)
