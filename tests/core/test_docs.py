"""The API's description: complete, without a CDN, and readable under the site's content security policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client


@pytest.mark.django_db
def test_the_schema_is_openapi_3_1_for_everybody_in_both_forms(client: Client) -> None:
    as_json = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    as_yaml = client.get("/api/schema/")

    assert (as_json.status_code, as_json.json()["openapi"]) == (200, "3.1.0")
    assert as_yaml.content.startswith(b"openapi: 3.1.0")


@pytest.mark.django_db
def test_every_operation_tells_its_refusals_in_the_one_shape(client: Client) -> None:
    schema = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    operations = [
        operation
        for path in schema["paths"].values()
        for operation in path.values()
        if "responses" in operation
    ]
    assert operations
    for operation in operations:
        refusals = {status for status in operation["responses"] if status >= "400"}
        assert {"400", "405", "429", "503"} <= refusals, operation["operationId"]
        for status in refusals:
            body = operation["responses"][status]["content"]["application/json"]["schema"]
            assert body == {"$ref": "#/components/schemas/ErrorResponse"}, (operation["operationId"], status)


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_the_pages_load_nothing_from_elsewhere_and_have_nothing_inline(client: Client, page: str) -> None:
    text = client.get(f"/api/{page}/").content.decode()

    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)
    assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", text)
    assert "style=" not in text
    assert "<style" not in text


@pytest.mark.django_db
def test_only_redoc_may_style_inline_and_nobody_may_run_inline_script(client: Client) -> None:
    def directives(address: str) -> dict[str, list[str]]:
        header = client.get(address).headers["Content-Security-Policy"]
        return {
            name: values for name, *values in (part.split() for part in header.split(";") if part.strip())
        }

    swagger, redoc = directives("/api/docs/"), directives("/api/redoc/")
    assert "'unsafe-inline'" not in swagger["style-src"]
    assert "'unsafe-inline'" in redoc["style-src"]
    for policy in (swagger, redoc):
        assert policy["script-src"] == ["'self'"]


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("address", "shown"), [("docs", ".opblock-tag-section"), ("redoc", ".menu-content")])
def test_a_browser_shows_the_operations(live_server: Any, page: Any, address: str, shown: str) -> None:
    elsewhere: list[str] = []
    page.on(
        "response", lambda answer: elsewhere.append(answer.url) if live_server.url not in answer.url else None
    )
    page.goto(f"{live_server.url}/api/{address}/")

    page.wait_for_selector(shown, timeout=30_000)
    assert [url for url in elsewhere if not url.startswith(("blob:", "data:"))] == []
