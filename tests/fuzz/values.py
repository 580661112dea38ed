"""What a field may be sent that it was not made for, by the list of the house; see `unfit`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

Case = TypeVar("Case")

LONG = "x" * 10_000
EMOJI = "Großes Kino 🎓👩🏽‍🏫"
RIGHT_TO_LEFT = "‮مرحبا بالعالم שלום"


#: A normal run takes some of what there is to try, the same every time; a deep one everything.
DEEP = bool(os.environ.get("CAMPUSHUB_DEEP"))


def some(cases: Iterable[Case], number: int, of: str = "") -> Sequence[Case]:
    """At most so many of them, from all over; others for another `of`, so that together all are met."""
    cases = list(cases)
    if DEEP or len(cases) <= number:
        return cases
    return Random(f"{number} {of}").sample(cases, number)  # noqa: S311 - no secret


class Literal(str):
    """Stands in the JSON text as it is, without quotes."""


@dataclass(frozen=True)
class Wrong:
    """A value that a field cannot take, and what is wrong with it."""

    what: str
    value: Any


def unfit(schema: dict[str, Any]) -> Iterator[Wrong]:
    """Values that are wrong for every field of this JSON schema: each has to be refused with a 400."""
    kind = kind_of(schema)
    yield Wrong("NaN", Literal("NaN"))
    yield Wrong("Infinity", Literal("-Infinity"))
    yield Wrong("a number beyond floats", Literal("1e999"))
    yield Wrong("a number of 400 digits", Literal("9" * 400))
    yield Wrong("a NUL byte", "a\0b")
    yield Wrong("half a character", Literal('"\\ud800"'))
    yield Wrong("nested too deeply", Literal("[" * 5000 + "]" * 5000))
    if not nullable(schema):
        yield Wrong("null", None)
    yield from _by_kind(kind, schema)


def _by_kind(kind: str, schema: dict[str, Any]) -> Iterator[Wrong]:
    if kind != "object":
        yield Wrong("an object", {"a": 1})
    if kind != "array":
        yield Wrong("a list", [[], 1])
    if kind != "string":
        yield Wrong("a text", RIGHT_TO_LEFT)
        yield Wrong("10,000 characters", LONG)
    if kind in {"string", "array"}:
        yield Wrong("true", True)
    if kind in {"integer", "number"}:
        yield Wrong("a huge number", 2**62)
        least = schema.get("minimum")
        yield Wrong("a negative number", -1e9 if least is None else min(-1, least - 1))
    if kind == "string":
        yield from _texts(schema)
    if kind == "array":
        for wrong in _by_kind(kind_of(schema.get("items", {})), schema.get("items", {})):
            yield Wrong(f"a list with {wrong.what}", [wrong.value])


def _texts(schema: dict[str, Any]) -> Iterator[Wrong]:
    yield Wrong("10,000 characters", LONG)
    exact = schema.get("format") in {"date", "date-time", "uuid", "binary"} or "pattern" in schema
    if exact or choices_of(schema):
        yield Wrong("emoji", EMOJI)
        yield Wrong("right to left", RIGHT_TO_LEFT)
        yield Wrong("an unknown choice", "no-such-choice")
        yield Wrong("a negative number", -1)
    if schema.get("format") in {"date", "date-time"}:
        end = "T00:00:00Z" if schema["format"] == "date-time" else ""
        for day in ("0001-01-01", "9999-12-31", "0000-00-00", "2026-02-30", "12026-01-01"):
            yield Wrong(day, day + end)


def kind_of(schema: dict[str, Any]) -> str:
    """``string``, ``integer``, …: enumerations included, null left out."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        kinds = next(kind for kind in kinds if kind != "null")
    if kinds is None:
        for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
            if part.get("type") != "null" and part.get("enum") != [None]:
                return kind_of(part)
        return "string" if all(isinstance(one, str) for one in schema.get("enum", ["-"])) else "integer"
    return str(kinds)


def nullable(schema: dict[str, Any]) -> bool:
    if "null" in schema.get("type", ()) or None in schema.get("enum", ()):
        return True
    return any(
        part.get("type") == "null" or nullable(part)
        for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ()))
    )


def choices_of(schema: dict[str, Any]) -> list[Any]:
    found = list(schema.get("enum", ()))
    for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
        found += choices_of(part)
    return [one for one in found if one is not None]
