"""Every service that writes says so in the audit trail, under one operation, without a personal value.

The table is in `writing`; it is complete: a public function of a `services` package is either in it or silent for
a reason.
"""

from __future__ import annotations

import inspect
import json
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from django.apps import apps

from academics.services import people
from accounts.models import User
from attendance.models import AttendanceRecord
from attendance.services import marking
from audit.models import AuditEntry
from audit.services import entries
from core.crypto import fingerprint
from tests.audit.world import BORN, EMAIL, NAME, NEW_NAME, NEW_PHONE, PHONE, REMARK, SECRETS, World
from tests.audit.writing import SILENT, TABLE, Row

pytestmark = pytest.mark.django_db

APPS = ["audit", "accounts", "notifications", "academics", "attendance", "events", "registrations"]
APPS += ["certificates", "analytics"]

_FINGERPRINT = re.compile(r"fp:[0-9a-f]{24}")


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_the_service_tells_what_it_did_under_one_operation(case: Row) -> None:
    world = World()
    call = case.prepare(world)
    assert call.func is case.service
    before = set(AuditEntry.objects.values_list("pk", flat=True))

    answer = call()
    if inspect.isgenerator(answer):
        list(answer)

    told = list(AuditEntry.objects.exclude(pk__in=before))
    assert Counter((entry.action, entry.object_type) for entry in told) == case.told
    assert len({entry.operation_id for entry in told}) == 1
    assert not AuditEntry.objects.filter(pk__in=before, operation_id=told[0].operation_id).exists()
    actor = _actor(case, call, world)
    for entry in told:
        assert (entry.actor_id, entry.actor_kind) == (
            (actor.pk, "user") if actor is not None else (None, "system")
        )
        assert entry.school_id is not None
        assert entry.object_id or "count" in (entry.after or {}), entry.action
        assert_only_changes(entry)
        assert_nothing_personal(entry)


def _actor(case: Row, call: partial[Any], world: World) -> User | None:
    if "by" in call.keywords:
        return call.keywords["by"]
    return {
        "office": world.office,
        "student": world.student.user,
        "teacher": world.teacher.user,
        "system": None,
    }[case.actor]


def assert_only_changes(entry: AuditEntry) -> None:
    """What stands in `before` and in `after` differs there, and an update has something to say."""
    before, after = entry.before or {}, entry.after or {}
    assert [name for name in before if name in after and before[name] == after[name]] == [], entry.action
    if entry.action.endswith(".update"):
        assert before.keys() == after.keys() != set(), entry.action
    assert before or after or entry.action == "user.issue_code", entry.action


def assert_nothing_personal(entry: AuditEntry) -> None:
    values = [getattr(entry, field.name) for field in entry._meta.concrete_fields if field.name != "ip"]
    text = json.dumps(values, default=str, ensure_ascii=False)
    people_here = User.objects.values_list("full_name", "email", "phone")
    known = {value for person in people_here for value in person if value}
    assert [secret for secret in known | set(SECRETS) if secret in text] == [], entry.action
    for name, value in {**(entry.before or {}), **(entry.after or {})}.items():
        if name in entries.PERSONAL and value not in (None, ""):
            assert _FINGERPRINT.fullmatch(str(value)), (entry.action, name)


def test_personal_fields_appear_by_name_with_the_fingerprint_of_their_value() -> None:
    world = World()
    student = world.new_student("22CSE00002", email=EMAIL, phone=PHONE)

    people.update_student(
        student=student,
        changes={"full_name": NEW_NAME, "phone": NEW_PHONE, "date_of_birth": BORN, "study_year": 3},
        **world.by,
    )

    entry = AuditEntry.objects.get(action="student.update")
    assert entry.before == {
        "full_name": fingerprint(NAME),
        "phone": fingerprint(PHONE),
        "date_of_birth": None,
        "study_year": None,
    }
    assert entry.after == {
        "full_name": fingerprint(NEW_NAME),
        "phone": fingerprint(NEW_PHONE),
        "date_of_birth": fingerprint(str(BORN)),
        "study_year": 3,
    }


def test_a_remark_is_told_by_its_fingerprint_and_nothing_that_stayed() -> None:
    world = World()
    session = world.opened()
    args = {"session": session, "student": world.student.enrollment_no, "by": world.office}
    marking.mark(**args, status="late", remarks="bus", now=session.starts_at)

    marking.mark(**args, status="late", remarks=REMARK, now=session.starts_at)

    entry = AuditEntry.objects.get(action="record.update")
    assert (entry.before, entry.after) == (
        {"remarks": fingerprint("bus")},
        {"remarks": fingerprint(REMARK)},
    )
    assert AttendanceRecord.objects.get().remarks == REMARK


# -- nothing is left out ---------------------------------------------------------------------


def public_functions() -> Iterator[tuple[str, Any]]:
    """Every public function defined in a module of a `services` package of ours, by its full name."""
    for label in APPS:
        assert apps.is_installed(label)
        if find_spec(f"{label}.services") is None:
            continue
        package = import_module(f"{label}.services")
        found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        for module in (package, *(import_module(info.name) for info in found)):
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if not name.startswith("_") and function.__module__ == module.__name__:
                    yield f"{module.__name__}.{name}", function


def test_every_service_is_in_the_table_or_says_why_it_is_silent() -> None:
    found = dict(public_functions())
    told = {name for name, function in found.items() if any(case.service is function for case in TABLE)}

    assert len(told) == len({case.service for case in TABLE})
    assert sorted(found.keys() - told - SILENT.keys()) == [], "add a row to the table"
    assert sorted(SILENT.keys() - found.keys()) == [], "there is no such service any more"
    assert sorted(told & SILENT.keys()) == [], "either in the table or silent"
