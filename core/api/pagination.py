"""Pages with a count for lists that people leaf through, cursors for what only grows."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.utils.translation import gettext as _
from rest_framework import pagination
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

if TYPE_CHECKING:
    # At run time DRF's views import this module.
    from rest_framework.views import APIView

DEFAULT_SIZE = 50
MAX_SIZE = 200


class PageNumberPagination(pagination.PageNumberPagination):
    """``?page=&page_size=`` → ``{count, next, previous, results}``; a page after the last is 404."""

    page_size = DEFAULT_SIZE
    max_page_size = MAX_SIZE
    page_size_query_param = "page_size"

    def get_page_size(self, request: Request) -> int:
        return size_of(request)

    def get_page_number(self, request: Request, paginator: Any) -> Any:
        raw = request.query_params.get(self.page_query_param, "1")
        if raw in self.last_page_strings:
            return paginator.num_pages
        if not (raw.isascii() and raw.isdigit() and int(raw[:20]) > 0):
            raise _wrong(self.page_query_param, _("A page is a whole number from 1."))
        return raw[:20]


class CursorPagination(pagination.BasePagination):
    """``?cursor=&page_size=`` → ``{next, previous, results}``. Costs the same on every page.

    A cursor holds the ordering fields of the row at the page's edge; the next page begins after it by comparing
    them as one row value, which an index over these fields answers. The view names them in `cursor_ordering`:
    all in one direction, none of them nullable, unique together (end with the primary key); `relation__field`
    works where the view selects the relation.
    """

    cursor_query_param = "cursor"
    page_size_query_param = "page_size"
    default_ordering = ("-id",)

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self._request = request
        size = size_of(request)
        ordering = tuple(getattr(view, "cursor_ordering", self.default_ordering))
        self._names = [name.removeprefix("-") for name in ordering]
        descending = ordering[0].startswith("-")
        if any(name.startswith("-") != descending for name in ordering):
            raise ValueError("a cursor's ordering goes in one direction")
        raw = request.query_params.get(self.cursor_query_param)
        backward, edge = self._decode(raw, queryset) if raw is not None else (False, None)
        rising = descending == backward
        found = queryset.order_by(*(name if rising else f"-{name}" for name in self._names))
        if edge is not None:
            beyond = TupleGreaterThan if rising else TupleLessThan
            found = found.filter(beyond(Tuple(*(F(name) for name in self._names)), edge))
        rows = list(found[: size + 1])
        more = len(rows) > size
        self._rows = rows[:size][::-1] if backward else rows[:size]
        self._has_next = more if not backward else True
        self._has_previous = more if backward else edge is not None
        return self._rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data})

    def get_next_link(self) -> str | None:
        return self._link("n", self._rows[-1]) if self._has_next and self._rows else None

    def get_previous_link(self) -> str | None:
        return self._link("p", self._rows[0]) if self._has_previous and self._rows else None

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            _parameter(
                self.cursor_query_param, {"type": "string"}, "That of `next` or `previous`, as it is."
            ),
            _parameter(
                self.page_size_query_param,
                {"type": "integer", "minimum": 1, "maximum": MAX_SIZE},
                "Rows per page.",
            ),
        ]

    def _link(self, direction: str, row: Any) -> str:
        values = [_text(row, name) for name in self._names]
        raw = json.dumps([direction, *values], separators=(",", ":")).encode()
        cursor = urlsafe_b64encode(raw).decode().rstrip("=")
        return replace_query_param(self._request.build_absolute_uri(), self.cursor_query_param, cursor)

    def _decode(self, cursor: str, queryset: QuerySet) -> tuple[bool, tuple[Any, ...]]:
        """(backward, edge). Raises ValidationError, ``invalid_cursor``, for whatever we did not make."""
        try:
            direction, *texts = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if direction not in {"n", "p"} or not all(isinstance(text, str) for text in texts):
                raise ValueError
            edge = tuple(
                _value(queryset.model, name, text) for name, text in zip(self._names, texts, strict=True)
            )
        except (ValueError, TypeError, RecursionError, DjangoValidationError):
            raise _wrong(
                self.cursor_query_param, _("Use the cursor of “next” or “previous” as it is.")
            ) from None
        return direction == "p", edge


def size_of(request: Request) -> int:
    """The wanted number of rows. Raises ValidationError for what is not within 1 and `MAX_SIZE`."""
    raw = request.query_params.get("page_size")
    if raw is None:
        return DEFAULT_SIZE
    if not (raw.isascii() and raw.isdigit() and len(raw) < 10 and 1 <= int(raw) <= MAX_SIZE):
        raise _wrong("page_size", _("A page holds 1 to {maximum} rows.").format(maximum=MAX_SIZE))
    return int(raw)


def parameters_of(paginator: Any) -> Sequence[str]:
    """The query parameters that a paginator reads."""
    names = ("page_query_param", "page_size_query_param", "cursor_query_param")
    return [value for name in names if (value := getattr(paginator, name, None))]


def _text(row: Any, path: str) -> str:
    """One ordering field of a row, as its field writes it in a fixture: exact to the microsecond."""
    *relations, last = path.split("__")
    for relation in relations:
        row = getattr(row, relation)
    field: Any = row._meta.get_field(last)
    return str(field.value_to_string(row))


def _value(model: Any, path: str, text: str) -> Any:
    """The value behind a text of a cursor. Raises ValueError or ValidationError for what no row has."""
    *relations, last = path.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    value = model._meta.get_field(last).to_python(text)
    if value is None or (isinstance(value, datetime) and value.tzinfo is None):
        raise ValueError("not a value of a row")
    return value


def _wrong(parameter: str, detail: str) -> ValidationError:
    return ValidationError({parameter: [ErrorDetail(detail, code=f"invalid_{parameter}")]})


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
