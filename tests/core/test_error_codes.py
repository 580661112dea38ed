"""Every code that an endpoint can answer stands in the schema."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

#: Codes as they are given to ErrorDetail and ValidationError, and to a field's fail().
GIVEN = re.compile(r'(?:\bcode=|\.fail\()"([a-z_]+)"')


@pytest.mark.django_db
def test_every_code_in_the_source_is_listed() -> None:
    schema = Client().get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    listed = set(schema["components"]["schemas"]["ErrorCode"]["enum"])

    given = {
        code: path.name
        for path in Path(settings.BASE_DIR).glob("*/api/**/*.py")
        if "tests" not in path.parts
        for code in GIVEN.findall(path.read_text())
    }

    assert {code: where for code, where in given.items() if code not in listed} == {}
    assert {
        "qr_expired",
        "not_on_roster",
        "school_required",
        "idempotency_key_reused",
        "unknown_filter",
    } <= listed
