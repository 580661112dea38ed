"""What waits for somebody's word, of all that students ask for."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Count, QuerySet, Value

from accounts.models import School, User
from attendance.models import CondonationRequest, CorrectionRequest, LeaveApplication

#: By the names under which `waiting` tells them.
_MODELS: dict[str, Any] = {
    "leave": LeaveApplication,
    "corrections": CorrectionRequest,
    "condonation": CondonationRequest,
}


def waiting(user: User, school: School | None = None) -> dict[str, int]:
    """How many of each kind this person can decide on now, in that school or in all of theirs. One query."""
    first, *others = [_waiting(name, user, school) for name in _MODELS]
    return dict.fromkeys(_MODELS, 0) | dict(first.union(*others, all=True))


def waiting_for(user: User) -> int:
    """The same in all. One query."""
    return sum(waiting(user).values())


def _waiting(name: str, user: User, school: School | None) -> QuerySet[Any, Any]:
    found = _MODELS[name].objects.waiting_for(user)
    if school is not None:
        found = found.filter(school=school)
    of_kind = found.order_by().annotate(of=Value(name, CharField())).values("of")
    return of_kind.annotate(n=Count("pk")).values_list("of", "n")
