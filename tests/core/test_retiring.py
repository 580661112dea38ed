"""Acting as the owner, and taking a year of a table away beside others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection, transaction

from attendance.models import AttendanceRecord
from core import owner, partitions, retiring
from core.db import DatabaseBusy
from tests.attendance.retired import Old, forget_years_before
from tests.races import held

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def only_these_years() -> Iterator[None]:
    forget_years_before(2025)
    yield
    forget_years_before(2025)


def role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def test_inside_the_block_it_is_the_owner_who_acts() -> None:
    assert role() == settings.DATABASE_APP_ROLE
    with owner.acting():
        assert role() == settings.OWNER_DATABASE["USER"]
    assert role() == settings.DATABASE_APP_ROLE


def test_after_a_failure_the_application_acts_again() -> None:
    with pytest.raises(ZeroDivisionError), owner.acting():
        raise ZeroDivisionError
    assert role() == settings.DATABASE_APP_ROLE


def test_the_applications_own_transaction_goes_on_untouched() -> None:
    with transaction.atomic():
        before = connection.connection
        with owner.acting():
            assert not connection.in_atomic_block
        assert connection.connection is before
        assert connection.in_atomic_block


def test_what_is_detached_is_known_until_it_is_dropped() -> None:
    partitions.ensure([2011])
    with owner.acting():
        retiring.detach(AttendanceRecord, 2011)
        assert 2011 not in partitions.years(AttendanceRecord)
        assert retiring.detached(AttendanceRecord) == [2011]
        retiring.free(AttendanceRecord, 2011)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_constraint WHERE conrelid = 'attendance_record__y2011'::regclass "
                "AND contype = 'f'"
            )
            assert cursor.fetchone() == (0,)


def test_a_lock_that_is_not_to_be_had_is_given_up_and_nothing_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retiring, "ATTEMPTS", 2)
    old = Old([2011, 2026])
    with (
        held("UPDATE attendance_record SET remarks = 'x' WHERE held_on > '2026-01-01'"),
        owner.acting(),
        pytest.raises(DatabaseBusy),
    ):
        retiring.detach(AttendanceRecord, 2011)
    assert 2011 in partitions.years(AttendanceRecord)
    assert old.records() == [2011, 2011, 2026, 2026]
