"""Walks the permission matrix over every route that exists; a route that is missing from it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import override_settings
from django.urls import get_resolver, reverse

from tests.colleges import held_clock  # noqa: F401 - a fixture used by name
from tests.conftest import NOW
from tests.permissions import matrix
from tests.permissions.world import ACTORS, World, build
from tests.standing import taken_back

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Made once for all rows: everybody's questions are taken back after each."""
    with (
        override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media")),
        taken_back(django_db_blocker, NOW),
    ):
        yield build(NOW)


@pytest.fixture
def world(standing: World, db: None) -> World:
    return deepcopy(standing)


def outcome_of(response: Any) -> str:
    """``ok`` when the right was there (whatever the rules said then), else the refusal."""
    if response.status_code == 302 and "/login/" in response["Location"]:
        return "login"
    if response.status_code in {401, 403, 404}:
        return str(response.status_code)
    assert response.status_code < 500, response.content
    return "ok"


def ask(world: World, row: matrix.Row, actor: str) -> str:
    """Ask as that person, and take back whatever it changed."""
    address = reverse(row.route, args=[world.argument(name) for name in row.arguments])
    with transaction.atomic():
        client = world.client(actor)
        body = row.body(world)
        if row.is_page:
            response = (
                client.generic(row.method, address) if row.method == "GET" else client.post(address, body)
            )
        else:
            response = client.generic(
                row.method, address, matrix.as_json(body), content_type="application/json"
            )
        outcome = outcome_of(response)
        transaction.set_rollback(True)
    return outcome


@pytest.mark.parametrize("row", matrix.ROWS, ids=lambda row: f"{row.method} {row.route}")
def test_everybody_gets_the_answer_of_the_matrix(world: World, row: matrix.Row) -> None:
    found = {actor: ask(world, row, actor) for actor in ACTORS}
    if os.environ.get("PRINT_MATRIX"):
        print("MATRIX", row.method, row.route, " ".join(row.arguments), *found.values())
    assert found == row.expected


def routes() -> Iterator[tuple[str, str]]:
    """(method, route name) of every address outside Django admin."""

    def walk(patterns: Any, namespace: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                inner = ":".join(part for part in (namespace, pattern.namespace) if part)
                if pattern.namespace != "admin":
                    yield from walk(pattern.url_patterns, inner)
                continue
            name = ":".join(part for part in (namespace, pattern.name) if part)
            for method in methods_of(pattern.callback):
                yield method, name

    yield from walk(get_resolver().url_patterns, "")


def methods_of(callback: Any) -> list[str]:
    actions = getattr(callback, "actions", None)
    if actions:
        return [method.upper() for method in actions if method != "head"]
    view = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
    if view is not None:
        return [
            method.upper() for method in ("get", "post", "put", "patch", "delete") if hasattr(view, method)
        ]
    return ["*"]


def test_no_route_is_missing_from_the_matrix() -> None:
    known = {(row.method, row.route) for row in matrix.ROWS}
    names = {route for _method, route in known} | set(matrix.OPEN_TO_ALL)
    missing = [
        (method, route)
        for method, route in routes()
        if route not in matrix.OPEN_TO_ALL
        and (route not in names if method == "*" else (method, route) not in known)
    ]
    assert missing == []


def test_every_model_of_django_admin_is_in_the_matrix() -> None:
    registered = {model._meta.label for model in admin.site._registry}
    assert registered == set(matrix.ADMIN)


@pytest.mark.parametrize("label", sorted(matrix.ADMIN))
def test_django_admin_lists_and_adds_for_whom_the_matrix_says(world: World, label: str) -> None:
    name = label.lower().replace(".", "_")
    rights = matrix.ADMIN[label]
    for actor in ACTORS:
        client = world.client(actor)
        for page, letters in (("changelist", rights.lists), ("add", rights.adds)):
            found = outcome_of(client.get(reverse(f"admin:{name}_{page}")))
            assert found in matrix.admin_answer(actor, letters), (actor, page, found)
