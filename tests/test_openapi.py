"""The API's schema: made without a warning, the one in docs/, and what it says of keys and refusals is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command

pytestmark = pytest.mark.django_db

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("schema") / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(file))
    return file


@pytest.fixture(scope="module")
def operations(made: Path) -> dict[str, dict[str, Any]]:
    """``post /api/v1/…`` → what the schema says of it."""
    schema = yaml.safe_load(made.read_text())
    return {
        f"{method} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }


def test_it_is_the_one_in_docs(made: Path) -> None:
    assert made.read_text() == (settings.BASE_DIR / "docs" / "openapi.yaml").read_text(), (
        "bin/manage spectacular --file docs/openapi.yaml"
    )


def test_every_operation_documents_its_refusals_in_one_shape(operations: dict[str, dict[str, Any]]) -> None:
    for name, operation in operations.items():
        answers = operation["responses"]
        if "/schema" in name or "/docs" in name:
            continue
        assert {"400", "401", "503"} <= set(answers), name
        for status, answer in answers.items():
            if int(status) >= 400:
                assert "application/json" in answer["content"], (name, status)


def test_what_may_be_sent_twice_says_so(operations: dict[str, dict[str, Any]]) -> None:
    safe = {
        name
        for name, operation in operations.items()
        if any(item["name"] == "Idempotency-Key" for item in operation.get("parameters", []))
    }
    assert "post /api/v1/attendance/records/bulk-mark/" in safe
    assert all(name.startswith("post ") for name in safe)
