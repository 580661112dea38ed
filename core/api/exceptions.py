"""One shape for every refusal: ``{"type", "errors": [{"code", "detail", "attr", "meta"?}]}``."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, InterfaceError
from django.http import UnreadablePostError
from django.utils.translation import gettext_lazy as _
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import ErrorResponse, ErrorType
from rest_framework import exceptions
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings

from core import db
from core.errors import DomainError
from core.redis import RedisAway


class Refusal(APIException):
    """A DomainError on its way out."""

    def __init__(self, error: DomainError) -> None:
        self.status_code = error.status
        self.attr = error.attr
        self.meta = error.meta
        wait = getattr(error, "retry_after", None)
        if wait is not None:
            self.wait = wait
        if error.status == 401:
            self.auth_header = 'Bearer realm="api"'
        super().__init__(str(error), error.code)


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"


class RedisUnavailable(APIException):
    """A backstop: whoever uses Redis has a way to go on without it."""

    status_code = 503
    default_code = "redis_unavailable"
    default_detail = _("A part of the site is restarting. Try again in a few seconds.")
    wait = 5


def handle(exc: Exception, context: Any) -> Response | None:
    """DRF's hook: the answer to whatever an API view raised."""
    return _Handler(exc, context).run()


class _Handler(ExceptionHandler):
    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, DatabaseError | InterfaceError):
            refusal = db.refusal_of(exc)
            return Refusal(refusal) if refusal else exc
        if isinstance(exc, DomainError):
            return Refusal(exc)
        if isinstance(exc, DjangoValidationError):
            return ValidationError(_detail_of(exc))
        if isinstance(exc, RedisAway):
            return RedisUnavailable()
        if isinstance(exc, RequestDataTooBig):
            return BodyTooLarge(str(exc))
        if isinstance(exc, TooManyFieldsSent | TooManyFilesSent | UnreadablePostError):
            return exceptions.ParseError(str(exc))
        return super().convert_known_exceptions(exc)

    def format_exception(self, exc: APIException) -> Any:
        return _Formatter(exc, self.context, self.exc).run()


class _Formatter(ExceptionFormatter):
    def get_error_type(self) -> ErrorType:
        # A refused input is the same to a client, whether a serializer or a service refused it.
        if isinstance(self.exc, Refusal) and self.exc.status_code in {400, 422} and self.exc.attr:
            return "validation_error"
        return super().get_error_type()

    def format_error_response(self, error_response: ErrorResponse) -> Any:
        body = super().format_error_response(error_response)
        if isinstance(self.exc, Refusal):
            (error,) = body["errors"]
            error["attr"] = self.exc.attr
            if self.exc.meta is not None:
                error["meta"] = self.exc.meta
        return body


def _detail_of(error: DjangoValidationError) -> dict[str, list[ErrorDetail]]:
    """Django's validation errors in DRF's words, by field."""
    by_field = (
        error.error_dict
        if hasattr(error, "error_dict")
        else {api_settings.NON_FIELD_ERRORS_KEY: error.error_list}
    )
    return {
        api_settings.NON_FIELD_ERRORS_KEY if field == "__all__" else field: [
            ErrorDetail(message, code=item.code or "invalid") for item in items for message in item.messages
        ]
        for field, items in by_field.items()
    }
