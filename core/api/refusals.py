"""Saying, at an endpoint, which coded refusals it can give: that is where the schema reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from core.errors import DomainError

F = TypeVar("F", bound=Callable[..., Any])


def refuses(*errors: type[DomainError]) -> Callable[[F], F]:
    """Declare the refusals of an API method; several decorators add up."""

    def declare(method: F) -> F:
        method.refusals = (*getattr(method, "refusals", ()), *errors)  # type: ignore[attr-defined] # read by the schema
        return method

    return declare


def declared(method: Any) -> Iterable[type[DomainError]]:
    """What `refuses` said about a method."""
    return getattr(method, "refusals", ())


def all_codes() -> set[str]:
    """The codes of every refusal that exists in the loaded apps."""
    return {error.code for error in _below(DomainError) if not error.__module__.startswith("tests.")} | {
        DomainError.code
    }


def _below(parent: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _below(child)
