"""Who signs in, and what is known about them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import User


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers by which the school knows a person; None where they have none."""

    student_id: int | None
    enrollment_no: str | None
    employee_no: str | None


def numbers_of(user: User) -> Numbers:
    """One query. Student and faculty hang on the user from above; only their names are known here."""
    row = (
        User.objects.filter(pk=user.pk)
        .values_list("student__pk", "student__enrollment_no", "faculty__employee_no")
        .get()
    )
    return Numbers(*row)


_asked_along: dict[str, Any] = {}


def ask_along(name: str, expression: Any) -> None:
    """A higher app adds a value, such as a count for the header, to what every request reads of who is signed in.

    `expression` is a subquery over OuterRef("pk"), cheap enough for that: pages save a query each.
    """
    _asked_along[name] = expression


def signed_in() -> QuerySet[User]:
    """People as a request knows who is signed in: with their school, and with what was asked along."""
    return User.objects.select_related("school").annotate(**_asked_along)


def who_may_be_meant(username: str, school: str = "") -> QuerySet[User]:
    """People who may sign in and have that user name, or that number in the school, or in any school.

    A complete user name wins over a number; for one that names its school, `school` is not looked at.
    """
    name, code = normalise(username), normalise(school)
    able = User.objects.select_related("school").filter(is_active=True).exclude(school__is_active=False)
    exact = Q(username=name)
    if "@" in name:
        return able.filter(exact)
    if code:
        return able.filter(Q(username=f"{name}@{code}") | (exact & Q(school__code__iexact=code)))
    if able.filter(exact).exists():
        return able.filter(exact)
    return able.filter(username__startswith=f"{name}@")


def normalise(name: str) -> str:
    """A user name as it is stored: without the differences that typing makes."""
    return unicodedata.normalize("NFKC", name).strip().lower()
