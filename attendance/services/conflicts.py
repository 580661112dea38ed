"""Saying who or what would be in two places at once, and where it already is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from academics.models import Cohort, Faculty, Room, Section
from attendance import errors
from attendance.models import Session, TimetableSlot
from attendance.selectors.sessions import slots_with_details, with_details

#: In this order they are told when several kinds meet at once.
_REFUSALS: dict[str, type[errors.Conflict]] = {
    "faculty": errors.FacultyConflict,
    "room": errors.RoomConflict,
    "cohort": errors.CohortConflict,
    "section": errors.CohortConflict,
}
_MODELS: dict[str, Any] = {"faculty": Faculty, "room": Room, "cohort": Cohort, "section": Section}
_ORDER = list(_REFUSALS)
#: A whole term can clash: nobody reads more than this.
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Clash:
    """`resource` is wanted and already taken by a slot or session."""

    resource: str
    kind: str
    id: UUID

    @property
    def rank(self) -> int:
        return _ORDER.index(self.resource.partition(":")[0])


def refusal_of(clashes: Iterable[Clash]) -> errors.Conflict:
    """The error that names what is taken and by whom; needs at least one clash."""
    ordered = sorted(clashes, key=lambda clash: clash.rank)
    first = ordered[0]
    others = list(dict.fromkeys((clash.kind, clash.id) for clash in ordered if clash.rank == first.rank))[
        :_LISTED
    ]
    labels = _labels(others)
    kind, _colon, ident = first.resource.partition(":")
    return _REFUSALS[kind](
        who=_MODELS[kind].objects.filter(pk=ident).first() or first.resource,
        other=labels[others[0]],
        meta={
            "conflicts_with": [
                {"kind": what, "id": str(pk), "label": labels[what, pk]} for what, pk in others
            ]
        },
    )


def _labels(others: list[tuple[str, UUID]]) -> dict[tuple[str, UUID], str]:
    slots = TimetableSlot.objects.filter(pk__in=[pk for kind, pk in others if kind == "slot"])
    sessions = Session.objects.filter(pk__in=[pk for kind, pk in others if kind == "session"])
    found: dict[tuple[str, UUID], str] = {}
    for slot in slots_with_details(slots):
        found["slot", slot.pk] = f"{_what(slot)}, {slot}"
    for session in with_details(sessions):
        start, end = session.school.local(session.starts_at), session.school.local(session.ends_at)
        found["session", session.pk] = f"{_what(session)}, {start:%Y-%m-%d %H:%M}–{end:%H:%M}"
    return found


def _what(thing: TimetableSlot | Session) -> str:
    return ", ".join(str(section) for section in thing.sections.all())
