"""Requests made up from the schema, as each role: no answer is a server error, and none is undocumented.

Half of the ids are those of real things, so that requests get past the look-up. Every request is undone before the
next, so that all of them meet the same open class. Signing out is left out: it would end the sign-in of the others.
"""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup

from accounts.models import User
from tests.fuzz.conftest import Campus, token_of
from tests.fuzz.values import DEEP

pytestmark = pytest.mark.usefixtures("one_connection")

LEFT_OUT = re.compile(r"/auth/logout/|/deactivate/|/api/schema/")
#: Checking a password is slow on purpose.
SLOW = re.compile(r"/auth/token/$")
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]


@pytest.mark.parametrize(
    ("who", "examples"),
    [
        pytest.param(who, examples, marks=[pytest.mark.deep] if examples > 6 else [])
        for examples in (6, 40)
        for who in ("student", "teacher", "admin")
    ],
)
def test_no_request_breaks_the_api_or_gets_an_answer_that_is_not_in_the_schema(
    campus: Campus, who: str, examples: int
) -> None:
    api = schemathesis.openapi.from_wsgi("/api/schema/", get_wsgi_application())
    failures: list[str] = []
    seen: Counter[int] = Counter()
    for found in api.get_all_operations():
        operation = found.ok()
        if LEFT_OUT.search(operation.path):
            continue
        count = max(2, examples // 10) if SLOW.search(operation.path) else examples
        try:
            _fuzz(operation, campus, campus.college.user(who), count, seen)
        except (Exception, FailureGroup) as error:  # every broken operation is to be told, not only the first
            failures.append(f"{operation.label}: {_told(error)}")

    assert not failures, "\n\n".join(failures)
    # A fuzz that never gets past the door shows nothing.
    assert seen[200] > 20
    assert seen[400] > 20
    assert seen[401] < sum(seen.values()) / 20


def _told(error: BaseException) -> str:
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
    return "\n".join(str(part) for part in parts)[:2500]


def _fuzz(operation: Any, campus: Campus, user: User, count: int, seen: Counter[int]) -> None:
    fitting = operation.as_strategy()
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    # Made-up requests are the same in every normal run, so that a red run can be repeated; deep runs explore.
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=not DEEP,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=fitting | wrong)
    def try_out(case: Any) -> None:
        _make_real(case, campus, Random(repr(case.body)))  # noqa: S311 - no secret
        with transaction.atomic():
            answer = case.call(headers={"Authorization": f"Bearer {token_of(user)}"})
            transaction.set_rollback(True)
        seen[answer.status_code] += 1
        case.validate_response(answer, checks=schemathesis.checks.CHECKS.get_by_names(CHECKS))

    try_out()


def _make_real(case: Any, campus: Campus, dice: Random) -> None:
    """Put real names in place of half of the made-up ones, in the path and in the body."""
    for name in case.path_parameters or {}:
        kind = next((part for part in campus.ids if f"/{part}/{{{name}}}" in case.path), None)
        if kind and dice.random() < 0.5:
            case.path_parameters[name] = campus.ids[kind]
    rows = case.body if isinstance(case.body, list) else [case.body]
    for row in [row for row in rows if isinstance(row, dict)]:
        for name, value in campus.real.items():
            if name in row and dice.random() < 0.6:
                row[name] = [value] if isinstance(row[name], list) and not isinstance(value, list) else value
        for mark in row.get("marks") if isinstance(row.get("marks"), list) else ():
            if isinstance(mark, dict) and dice.random() < 0.6:
                mark["student"] = campus.real["student"]
