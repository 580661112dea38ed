"""The schema's request bodies with everything in place, and one right value for each field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from tests.fuzz.values import choices_of, kind_of


@dataclass(frozen=True)
class Operation:
    """One method at one address."""

    method: str
    path: str
    parameters: tuple[dict[str, Any], ...]
    body: dict[str, Any]

    @property
    def label(self) -> str:
        return f"{self.method.upper()} {self.path}"


@dataclass(frozen=True)
class Endpoint:
    """One way to send something: `fields` is None where no body is taken."""

    method: str
    path: str
    fields: dict[str, dict[str, Any]] | None
    required: frozenset[str]
    multipart: bool

    @property
    def label(self) -> str:
        return f"{self.method.upper()} {self.path}"


def operations() -> list[Operation]:
    """Everything the API can be asked."""
    schema = _schema()
    return [
        Operation(
            method,
            path,
            tuple(resolved(told.get("parameters", []), schema)),
            resolved(told.get("requestBody", {}).get("content", {}), schema),
        )
        for path, by_method in schema["paths"].items()
        for method, told in by_method.items()
    ]


def endpoints() -> Iterator[Endpoint]:
    """Every POST and PATCH of the API."""
    for operation in operations():
        if operation.method in {"post", "patch", "put"}:
            body = operation.body.get("application/json", {}).get("schema", {})
            yield Endpoint(
                operation.method,
                operation.path,
                body.get("properties"),
                frozenset(body.get("required", ())),
                "multipart/form-data" in operation.body,
            )


@cache
def _schema() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call] # as the library has it
    return found


def resolved(part: Any, schema: dict[str, Any]) -> Any:
    """The schema with every reference replaced by what it means."""
    if isinstance(part, list):
        return [resolved(one, schema) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return resolved(schema["components"]["schemas"][part["$ref"].rpartition("/")[2]], schema)
    return {name: resolved(value, schema) for name, value in part.items()}


def fitting(name: str, schema: dict[str, Any], real: dict[str, Any]) -> Any:
    """A value that the field takes: a real thing where it names one."""
    if name in real:
        return real[name]
    if choices := choices_of(schema):
        return choices[0]
    kind = kind_of(schema)
    if kind == "array":
        return [fitting("", schema["items"], real)]
    if kind == "object":
        return {key: fitting(key, value, real) for key, value in schema.get("properties", {}).items()}
    plain: dict[str, Any] = {
        "boolean": True,
        "integer": schema.get("minimum", 1),
        "number": 0.5,
        "string": "text",
    }
    return plain[kind]
