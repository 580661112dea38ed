from __future__ import annotations

from datetime import date, timedelta

import pytest

from academics.errors import DatesReversed, TermNameTaken, TermOverlap
from academics.models import Term
from academics.services import terms
from attendance.models import AttendanceRecord
from audit.models import AuditEntry
from core import partitions
from core.errors import CrossSchool, Invalid
from tests.factories import EnrollmentFactory, SchoolFactory, SectionFactory, TermFactory, UserFactory
from tests.races import together

pytestmark = pytest.mark.django_db


def save(school, now, name="Odd 2026", starts_on=date(2026, 8, 3), ends_on=date(2026, 12, 19), **kwargs):
    return terms.save_term(
        school=school,
        name=name,
        starts_on=starts_on,
        ends_on=ends_on,
        by=kwargs.pop("by", None),
        now=now,
        **kwargs,
    )


def test_a_term_makes_the_partitions_of_its_years(now):
    save(SchoolFactory(), now, starts_on=date(2030, 11, 1), ends_on=date(2031, 3, 31))

    assert {2030, 2031} <= set(partitions.years(AttendanceRecord))


def test_terms_of_one_school_never_overlap_not_even_on_one_day(now):
    school = SchoolFactory()
    save(school, now)

    with pytest.raises(TermOverlap) as refusal:
        save(school, now, name="Even 2027", starts_on=date(2026, 12, 19), ends_on=date(2027, 4, 30))

    assert refusal.value.code == "term_overlap"
    assert "Odd 2026" in str(refusal.value)
    save(school, now, name="Even 2027", starts_on=date(2026, 12, 20), ends_on=date(2027, 4, 30))
    save(SchoolFactory(), now)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"starts_on": date(2027, 1, 1)}, DatesReversed),
        ({"name": "  "}, Invalid),
        ({"name": "x" * 101}, Invalid),
        ({"starts_on": date(1, 1, 1), "ends_on": date(1, 2, 1)}, Invalid),
        ({"ends_on": date(9999, 12, 31)}, Invalid),
        ({"ends_on": date(2026, 8, 3) + timedelta(days=terms.LONGEST_DAYS + 1)}, Invalid),
    ],
)
def test_impossible_terms_are_refused(now, changes, refusal):
    with pytest.raises(refusal):
        save(SchoolFactory(), now, **changes)

    assert not Term.objects.exists()


def test_two_terms_cannot_share_a_name_whatever_the_case(now):
    school = SchoolFactory()
    save(school, now)

    with pytest.raises(TermNameTaken):
        save(school, now, name="ODD  2026", starts_on=date(2027, 8, 3), ends_on=date(2027, 12, 1))


def test_a_term_may_keep_its_own_name_and_dates_when_it_changes(now):
    school = SchoolFactory()
    term = save(school, now)

    changed = save(school, now, term=term, ends_on=date(2026, 12, 22), by=UserFactory(school=school))

    assert changed.ends_on == date(2026, 12, 22)
    entry = AuditEntry.objects.get(action="term.update")
    assert (entry.before, entry.after) == ({"ends_on": "2026-12-19"}, {"ends_on": "2026-12-22"})


def test_saving_a_term_as_it_is_writes_nothing_to_the_trail(now):
    school = SchoolFactory()
    term = save(school, now)

    save(school, now, term=term)

    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["term.create"]


def test_a_term_that_begins_earlier_takes_those_along_who_were_there_from_the_start(now):
    term = TermFactory()
    section = SectionFactory(school=term.school, term=term)
    from_start = EnrollmentFactory(section=section)
    later = EnrollmentFactory(section=section, joined_on=date(2026, 9, 1))

    save(term.school, now, term=term, starts_on=date(2026, 7, 27), ends_on=term.ends_on)

    from_start.refresh_from_db()
    later.refresh_from_db()
    assert (from_start.joined_on, later.joined_on) == (date(2026, 7, 27), date(2026, 9, 1))


def test_a_term_of_another_school_is_not_changed(now):
    with pytest.raises(CrossSchool):
        save(SchoolFactory(), now, term=TermFactory())


@pytest.mark.django_db(transaction=True)
def test_of_two_overlapping_terms_saved_at_the_same_moment_one_wins(now):
    school = SchoolFactory()

    answers = together(2, lambda index: save(school, now, name=f"Term {index}"))

    assert sorted(type(answer).__name__ for answer in answers) == ["Term", "TermOverlap"]
    assert Term.objects.count() == 1
