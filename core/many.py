"""The same act on many things, each by itself: what cannot be done does not keep the others from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError

from core.db import refusal_of
from core.errors import DomainError

Thing = TypeVar("Thing")
Outcome = TypeVar("Outcome")


def one_by_one(act: Callable[[Thing], Outcome], things: Iterable[Thing]) -> list[Outcome | DomainError]:
    """In the order given, what became of each or why not.

    Each in a transaction of its own: of two people who do so at once with the same rows, neither waits for the other
    with rows in hand that the other wants.
    """
    outcomes: list[Outcome | DomainError] = []
    for thing in things:
        try:
            outcomes.append(act(thing))
        except DomainError as refusal:
            outcomes.append(refusal)
        except (DatabaseError, InterfaceError) as error:
            # Those before it are committed: to fail as a whole would say that nothing was saved.
            found = refusal_of(error)
            if found is None:
                raise
            outcomes.append(found)
    return outcomes
