"""JSON as RFC 8259 means it, and no more: what two readers could understand differently is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.http import UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

#: Deeper than anything that this API takes.
MAX_DEPTH = 20

# An escape counts only after an even number of backslashes.
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_ESCAPED_SURROGATE = re.compile(r"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]")


class StrictJSONParser(JSONParser):
    """Refuses NaN and infinities, duplicate keys, NUL characters, lone surrogates, bad UTF-8, deep nesting.

    Every refusal is a 400 ``parse_error`` that says which.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return parse(stream.read())
        except (UnreadablePostError, RequestDataTooBig) as error:
            raise ParseError(_("The request ended before its body was complete.")) from error


def parse(body: bytes) -> Any:
    """The value of a JSON text. Raises ParseError."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ParseError(_("The body is not valid UTF-8.")) from None
    if _ESCAPED_NUL.search(text):
        raise ParseError(_("The body contains NUL characters."))
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_storable,
        )
    except RecursionError:
        raise ParseError(_("The body is nested too deeply.")) from None
    except ValueError as error:
        # JSONDecodeError names line and column; also numbers of more digits than Python converts.
        raise ParseError(_("The body is not valid JSON: {reason}").format(reason=error)) from None
    _check_depth(value)
    if _ESCAPED_SURROGATE.search(text):
        _check_unicode(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ParseError(_("The body has an object with the same key twice."))
    return found


def _no_constant(name: str) -> Any:
    raise ParseError(_("{name} is not a JSON number.").format(name=name))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ParseError(_("{name} is too large a number.").format(name=text[:40]))
    return number


def _storable(text: str) -> int:
    # No column of ours is wider than 64 bits, and no answer could repeat such a number.
    if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
        raise ParseError(_("{name} is too large a number.").format(name=text[:40]))
    return int(text)


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ParseError(_("The body is nested too deeply."))
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]


def _check_unicode(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ParseError(_("The body contains half a character (a lone surrogate).")) from None
