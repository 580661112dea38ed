"""Holidays in bulk: the public ones of a country, or those of a calendar file. Harmless to repeat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

import holidays as public_holidays
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import School, User
from attendance.enums import HolidayKind
from attendance.models import Holiday
from attendance.services.calendar_files import Ignored, all_day_events
from attendance.services.holidays import FIRST_YEAR, NAME_LENGTH, HolidayOutcome, add_holiday
from audit.services.entries import operation
from core.errors import Invalid

#: The library knows no rules for later years.
LAST_PUBLIC_YEAR = 2100
#: More all-day events than this is somebody's whole diary.
MOST_DAYS = 1000


@dataclass(slots=True)
class ImportOutcome:
    """New holidays with what each cancelled; `existing` days were holidays before; `ignored` entries say why."""

    created: list[HolidayOutcome] = field(default_factory=list)
    existing: int = 0
    ignored: list[Ignored] = field(default_factory=list)


@transaction.atomic
def import_public(
    *,
    school: School,
    year: int,
    country: str = "",
    subdivision: str = "",
    dry_run: bool = False,
    by: User | None,
    now: datetime,
) -> ImportOutcome:
    """The public holidays of a year from the library ``holidays``; the school's own country where none is named.

    A dry run answers the same and changes nothing. Raises Invalid for a country, part of it, or year that the
    library does not know.
    """
    country = (country or school.country).upper()
    subdivision = (subdivision or (school.subdivision if country == school.country else "")).upper()
    known = public_holidays.list_supported_countries(include_aliases=True)
    if country not in known:
        raise Invalid(attr="country", detail=_("No public holidays are known for “{c}”.").format(c=country))
    parts = {part.upper(): part for part in known[country]}
    if subdivision and subdivision not in parts:
        detail = _("{c} has no part called “{s}”.").format(c=country, s=subdivision)
        raise Invalid(attr="subdivision", detail=detail)
    if not FIRST_YEAR <= year <= LAST_PUBLIC_YEAR:
        detail = _("Choose a year between {a} and {b}.").format(a=FIRST_YEAR, b=LAST_PUBLIC_YEAR)
        raise Invalid(attr="year", detail=detail)
    found = public_holidays.country_holidays(country, subdiv=parts.get(subdivision), years=year)
    return _import(
        school, sorted(found.items()), HolidayKind.PUBLIC, ImportOutcome(), dry_run, by=by, now=now
    )


@transaction.atomic
def import_ics(
    *,
    school: School,
    content: bytes,
    kind: str = HolidayKind.PUBLIC,
    dry_run: bool = False,
    by: User | None,
    now: datetime,
) -> ImportOutcome:
    """All-day events of an iCalendar file (RFC 5545); one of several days becomes several holidays.

    Yearly events are taken for last year to two years ahead. Raises Invalid for what is no calendar or holds no
    all-day event.
    """
    this_year = school.local_date(now).year
    days, ignored = all_day_events(content, first_year=this_year - 1, last_year=this_year + 2)
    if not days:
        raise Invalid(attr="file", detail=_("The file holds no all-day events."))
    if len(days) > MOST_DAYS:
        raise Invalid(attr="file", detail=_("The file holds more than {n} days.").format(n=MOST_DAYS))
    return _import(school, days, kind, ImportOutcome(ignored=ignored), dry_run, by=by, now=now)


def _import(
    school: School,
    days: Iterable[tuple[date, str]],
    kind: str,
    outcome: ImportOutcome,
    dry_run: bool,
    *,
    by: User | None,
    now: datetime,
) -> ImportOutcome:
    days = list(days)
    there = set(
        Holiday.objects.filter(
            school=school, department=None, date__in=[day for day, _name in days]
        ).values_list("date", flat=True)
    )
    with transaction.atomic():
        with operation(by=by, at=now):
            for day, name in days:
                if day in there:
                    outcome.existing += 1
                    continue
                outcome.created.append(
                    add_holiday(school=school, day=day, name=name[:NAME_LENGTH], kind=kind, by=by, now=now)
                )
        if dry_run:
            transaction.set_rollback(True)
    return outcome
