"""Many things done one by one: what cannot be done does not undo the others, nor hide that they were done."""

from __future__ import annotations

import pytest
from django.db import ProgrammingError, connection, transaction

from accounts.models import School
from core import db
from core.errors import DomainError, NotFound
from core.many import one_by_one
from tests.factories import SchoolFactory
from tests.races import held

pytestmark = pytest.mark.django_db(transaction=True)


@transaction.atomic
def rename(ident: int) -> str:
    """Raises what the database says when somebody else has the row in hand."""
    school = School.objects.select_for_update(nowait=True).filter(pk=ident).first()
    if school is None:
        raise NotFound
    school.name = f"New {school.code}"
    school.save()
    return school.name


def named(outcomes: list[str | DomainError]) -> list[str]:
    return [one if isinstance(one, str) else type(one).__name__ for one in outcomes]


def test_what_the_database_refuses_is_an_outcome_and_the_others_are_done() -> None:
    schools = [SchoolFactory(name="Old", code=code) for code in ("a", "b", "c")]

    with held("SELECT 1 FROM accounts_school WHERE id = %s FOR UPDATE", schools[1].pk):
        outcomes = one_by_one(rename, [schools[0].pk, 0, schools[1].pk, schools[2].pk])

    assert named(outcomes) == ["New a", "NotFound", db.DatabaseBusy.__name__, "New c"]
    assert list(School.objects.order_by("code").values_list("name", flat=True)) == ["New a", "Old", "New c"]


def test_a_mistake_of_ours_is_none() -> None:
    def act(sql: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)

    with pytest.raises(ProgrammingError):
        one_by_one(act, ["SELECT 1", "SELECT no_such_column"])
