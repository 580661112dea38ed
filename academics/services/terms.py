"""Terms: they never overlap inside a school, and whatever is partitioned by year is ready for them."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from academics.errors import DatesReversed, TermNameTaken, TermOverlap
from academics.models import Enrollment, Term
from academics.services.scope import same_school
from accounts.models import School, User
from audit.services import entries
from core import locks, partitions
from core.errors import Invalid

#: A mistyped year must not make partitions for centuries.
LONGEST_DAYS = 3 * 366
_FIRST_YEAR, _LAST_YEAR = 1950, 2200


@transaction.atomic
def save_term(
    *,
    school: School,
    name: str,
    starts_on: date,
    ends_on: date,
    term: Term | None = None,
    by: User | None,
    now: datetime,
) -> Term:
    """Make a term, or change `term`; both days belong to it.

    Moving the first day earlier takes everybody along who was there from the start. Raises DatesReversed, Invalid,
    TermOverlap, TermNameTaken, CrossSchool.
    """
    name = " ".join(name.split())
    _judge(school, name, starts_on, ends_on, term)
    # Concurrent inserts into one exclusion constraint deadlock; one writer per school does not.
    locks.lock("term", school.pk)
    _refuse_collisions(school, name, starts_on, ends_on, term)
    values = {"name": name, "starts_on": starts_on, "ends_on": ends_on}
    with entries.operation(by=by, at=now) as operation:
        if term is None:
            term = Term.objects.create(school=school, **values)
            operation.record("term.create", term, school_id=school.pk, after=_told(values))
        else:
            before, after = entries.difference(term, values)
            if after:
                old_start = term.starts_on
                for field, value in values.items():
                    setattr(term, field, value)
                term.save(update_fields=list(values))
                operation.record(
                    "term.update", term, school_id=school.pk, before=_told(before), after=_told(after)
                )
                _follow_first_day(term, old_start, operation)
        partitions.ensure(range(starts_on.year, ends_on.year + 1))
    return term


def _judge(school: School, name: str, starts_on: date, ends_on: date, term: Term | None) -> None:
    same_school(school, term=term)
    if not name or len(name) > 100 or "\0" in name:
        raise Invalid(detail=_("A term needs a name of at most 100 characters."), attr="name")
    if ends_on < starts_on:
        raise DatesReversed(attr="ends_on")
    if not _FIRST_YEAR <= starts_on.year <= ends_on.year <= _LAST_YEAR:
        raise Invalid(
            detail=_("A term lies between the years %(first)s and %(last)s.")
            % {"first": _FIRST_YEAR, "last": _LAST_YEAR},
            attr="starts_on",
        )
    if (ends_on - starts_on).days > LONGEST_DAYS:
        raise Invalid(detail=_("A term lasts three years at most."), attr="ends_on")


def _refuse_collisions(school: School, name: str, starts_on: date, ends_on: date, term: Term | None) -> None:
    others = Term.objects.filter(school=school)
    if term is not None:
        others = others.exclude(pk=term.pk)
    if others.filter(name__iexact=name).exists():
        raise TermNameTaken(name=name, attr="name")
    clash = others.filter(Q(starts_on__lte=ends_on, ends_on__gte=starts_on)).order_by("starts_on").first()
    if clash is not None:
        raise TermOverlap(other=clash.name, attr="starts_on", meta={"term": clash.pk})


def _follow_first_day(term: Term, old_start: date, operation: entries.Operation) -> None:
    """Whoever was enrolled from the old first day on is enrolled from the new, earlier one."""
    if term.starts_on < old_start:
        from_start = Enrollment.objects.filter(section__term=term, joined_on=old_start)
        count = from_start.update(joined_on=term.starts_on)
        if count:
            after = {"count": count, "joined_on": term.starts_on}
            operation.record("enrollment.follow_term", term, school_id=term.school_id, after=after)


def _told(values: dict[str, object]) -> dict[str, object]:
    """A term's name is no personal field: it goes into the trail in clear, under a key that says so."""
    return {("term" if name == "name" else name): value for name, value in values.items()}
