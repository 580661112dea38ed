"""How our views describe themselves in the schema: every refusal included, in one shared shape."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from core.api.filters import ORDERING, SEARCH, ordering_fields
from core.api.refusals import all_codes, declared

_BODY_METHODS = {"POST", "PUT", "PATCH"}

#: status → (the codes that come from the foundation, description)
_COMMON: dict[str, tuple[tuple[str, ...], str]] = {
    "400": ((), "The request cannot be right: `errors` says which part and why."),
    "401": (("not_authenticated", "token_not_valid"), "Nobody is signed in."),
    "403": (("permission_denied", "csrf_failed"), "Signed in, but without the right to do this."),
    "404": (("not_found",), "There is no such thing, or it belongs to another school."),
    "405": (("method_not_allowed",), "This address has no such method."),
    "406": (("not_acceptable",), "Only JSON can be had here."),
    "409": (("conflict",), "The state of things does not allow it."),
    "413": (("body_too_large",), "The body is larger than 5 MB."),
    "415": (("unsupported_media_type",), "Only JSON is understood here."),
    "422": (("idempotency_key_reused",), "The Idempotency-Key was used for another request before."),
    "429": (("throttled",), "Too many requests: `Retry-After` says when to come back."),
    "503": (
        ("database_unavailable", "database_busy"),
        "Nothing was written: `Retry-After` says when to try again.",
    ),
}

#: Codes of DRF, Django's validators and the foundation, beside those of the apps' own refusals.
_GENERAL_CODES = {
    "authentication_failed", "blank", "body_too_large", "csrf_failed", "date", "datetime", "does_not_exist",
    "empty", "error", "idempotency_key_invalid", "incorrect_match", "incorrect_type", "invalid",
    "invalid_characters", "invalid_choice", "invalid_cursor", "invalid_date", "invalid_extension",
    "invalid_image", "invalid_list", "invalid_page", "invalid_page_size", "invalid_time", "item_invalid",
    "list", "make_aware", "max_decimal_places", "max_digits", "max_length", "max_string_length", "max_value",
    "max_whole_digits", "method_not_allowed", "min_length", "min_value", "no_match", "no_name", "not_a_dict",
    "not_a_list", "not_acceptable", "not_authenticated", "not_found", "null", "null_characters_not_allowed",
    "out_of_range", "overflow", "parse_error", "permission_denied", "redis_unavailable", "required",
    "surrogate_characters_not_allowed", "throttled", "time", "token_not_valid", "unique", "unknown_filter",
    "unknown_ordering", "unsupported_media_type",
}  # fmt: skip

_RETRY_AFTER = {
    "Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds.", "required": True}
}


class CampusAutoSchema(AutoSchema):
    """Operations with every status they can answer, and the header that makes them safe to repeat."""

    def get_override_parameters(self) -> list[Any]:
        found = list(super().get_override_parameters())
        if getattr(self._method(), "idempotent", False):
            found.append(
                OpenApiParameter(
                    "Idempotency-Key",
                    OpenApiTypes.STR,
                    OpenApiParameter.HEADER,
                    description="Send the same key again and get the same answer, for 24 hours. "
                    "A refusal is not kept: it changed nothing.",
                )
            )
        return found

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        responses = super()._get_response_bodies(direction=direction)
        if direction != "response":
            return responses
        for status, codes in sorted(self._refusals().items()):
            responses.setdefault(status, _error_response(status, codes))
        return responses

    def _refusals(self) -> dict[str, set[str]]:
        """Status → codes of what this operation may refuse."""
        # 404 everywhere: a body or a filter may name what does not exist, or belongs to another school.
        wanted = {"400", "401", "403", "404", "405", "406", "429", "503"}
        if self.method in _BODY_METHODS:
            wanted |= {"409", "413", "415"}
        elif self.method == "DELETE":
            wanted.add("409")
        if getattr(self._method(), "idempotent", False):
            wanted.add("422")
        found: dict[str, set[str]] = defaultdict(set)
        for status in wanted:
            found[status].update(_COMMON[status][0])
        for error in declared(self._method()):
            found[str(error.status)].add(error.code)
        return found

    def _method(self) -> Any:
        name = getattr(self.view, "action", None) or self.method.lower()
        return getattr(self.view, name, None)


class StrictFilterExtension(DjangoFilterExtension):  # type: ignore[no-untyped-call] # the same
    """Adds search and ordering, which the same backend does."""

    target_class = "core.api.filters.StrictFilterBackend"
    priority = 1

    def get_schema_operation_parameters(
        self, auto_schema: Any, *args: Any, **kwargs: Any
    ) -> list[dict[str, Any]]:
        view = auto_schema.view
        inherited: Any = super()
        found: list[dict[str, Any]] = inherited.get_schema_operation_parameters(auto_schema, *args, **kwargs)
        if getattr(view, "search_fields", None):
            found.append(_parameter(SEARCH, "Words that all have to occur."))
        if fields := ordering_fields(view):
            names = ", ".join(f"`{name}`" for name in fields)
            found.append(_parameter(ORDERING, f"One or more of {names}, separated by commas; `-` reverses."))
        return found


def describe_errors(result: dict[str, Any], generator: Any, **kwargs: Any) -> dict[str, Any]:
    """Put the shared error components into the schema."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["ErrorCode"] = {
        "type": "string",
        "description": "Stable names of all refusals.",
        "enum": sorted(_GENERAL_CODES | all_codes()),
    }
    schemas["Error"] = {
        "type": "object",
        "required": ["code", "detail", "attr"],
        "properties": {
            "code": {"$ref": "#/components/schemas/ErrorCode"},
            "detail": {"type": "string", "description": "What is wrong and what to do next, translated."},
            "attr": {
                "type": ["string", "null"],
                "description": "The field or parameter; nested names have dots.",
            },
            "meta": {"type": "object", "additionalProperties": True, "description": "For programs."},
        },
    }
    schemas["ErrorResponse"] = {
        "type": "object",
        "required": ["type", "errors"],
        "properties": {
            "type": {"type": "string", "enum": ["validation_error", "client_error", "server_error"]},
            "errors": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Error"}},
        },
    }
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def _error_response(status: str, codes: set[str]) -> dict[str, Any]:
    text = _COMMON[status][1] if status in _COMMON else "Refused."
    if codes:
        text += " Codes: " + ", ".join(f"`{code}`" for code in sorted(codes)) + "."
    response: dict[str, Any] = {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}},
    }
    if status in {"429", "503"}:
        response["headers"] = _RETRY_AFTER
    return response


def _parameter(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }
