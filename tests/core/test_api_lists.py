"""Pages, cursors, filters, ordering: exact, and never silently something else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from rest_framework.test import APIClient

from audit.models import AuditEntry
from core.ids import uuid7
from tests.factories.accounts import SchoolFactory, UserFactory

pytestmark = [pytest.mark.urls("tests.core.urls"), pytest.mark.django_db]


def walk(api: APIClient, address: str, key: str, *, link: str = "next") -> list[list[Any]]:
    """All pages from an address on, following `link`."""
    pages = []
    found: str | None = address
    while found:
        parts = urlsplit(found)
        body = api.get(f"{parts.path}?{parts.query}").json()
        pages.append([row[key] for row in body["results"]])
        found = body[link]
    return pages


def codes(answer: Any) -> set[tuple[str, str]]:
    assert answer.status_code == 400, answer.content
    return {(error["attr"], error["code"]) for error in answer.json()["errors"]}


def test_a_page_has_count_links_and_rows(api: APIClient) -> None:
    SchoolFactory.create_batch(4)

    body = api.get("/api/schools/?page_size=2&page=2").json()

    assert (body["count"], len(body["results"])) == (5, 2)
    assert body["next"].endswith("page=3&page_size=2")
    assert body["previous"].endswith("page_size=2")


def test_a_page_after_the_last_is_404(api: APIClient) -> None:
    assert api.get("/api/schools/?page=99").status_code == 404


@pytest.mark.parametrize("page", ["0", "-1", "x", "1.5", "", "٣"])
def test_a_page_that_is_no_number_is_refused(api: APIClient, page: str) -> None:
    assert codes(api.get("/api/schools/", {"page": page})) == {("page", "invalid_page")}


def test_an_enormous_page_is_404(api: APIClient) -> None:
    assert api.get("/api/schools/", {"page": "9" * 300}).status_code == 404


@pytest.mark.parametrize("size", ["0", "201", "-5", "x", "", "9" * 400])
def test_a_page_size_out_of_bounds_is_refused(api: APIClient, size: str) -> None:
    assert codes(api.get("/api/schools/", {"page_size": size})) == {("page_size", "invalid_page_size")}
    assert codes(api.get("/api/entries/", {"page_size": size})) == {("page_size", "invalid_page_size")}


def test_an_unknown_filter_is_refused_by_name(api: APIClient) -> None:
    answer = api.get("/api/schools/?contry=IN&country=IN")

    assert codes(answer) == {("contry", "unknown_filter")}
    assert "country" in answer.json()["errors"][0]["detail"]


def test_an_unknown_ordering_is_refused(api: APIClient) -> None:
    assert codes(api.get("/api/schools/?ordering=name,-id")) == {("ordering", "unknown_ordering")}


def test_a_filter_value_of_the_wrong_kind_is_refused(api: APIClient) -> None:
    assert api.get("/api/schools/?page=1&country=IN&is_active=true").status_code == 200
    assert codes(api.get("/api/entries/?action=x")) == {("action", "unknown_filter")}


def test_filter_search_and_ordering_work_together(api: APIClient) -> None:
    SchoolFactory(name="Beta College", country="DE")
    SchoolFactory(name="Alpha College", country="DE")
    SchoolFactory(name="Alpha School", country="IN")

    def names(query: str) -> list[str]:
        return [row["name"] for row in api.get(f"/api/schools/?{query}").json()["results"]]

    assert names("country=DE&ordering=name") == ["Alpha College", "Beta College"]
    assert names("country=DE&ordering=-name") == ["Beta College", "Alpha College"]
    assert names("search=alpha+college&country=DE") == ["Alpha College"]


def test_nul_in_an_address_is_refused_before_anything_looks_at_it(api: APIClient) -> None:
    assert api.get("/api/schools/?search=%00").status_code == 400
    assert api.get("/api/refuse/a%00b/").status_code == 400


@pytest.fixture
def entries(now: datetime) -> list[str]:
    """Ten entries, newest first, of which seven share one instant."""
    made = [
        AuditEntry(
            id=uuid7(),
            at=now + timedelta(microseconds=max(0, n - 6)),
            operation_id=uuid7(),
            action="test.made",
        )
        for n in range(10)
    ]
    AuditEntry.objects.bulk_create(made)
    return [str(entry.pk) for entry in sorted(made, key=lambda e: (e.at, e.pk), reverse=True)]


@pytest.mark.parametrize("size", [1, 3, 5, 10, 50])
def test_a_cursor_shows_every_row_once_however_many_share_an_instant(
    api: APIClient, entries: list[str], size: int
) -> None:
    pages = walk(api, f"/api/entries/?page_size={size}", "id")

    assert [row for page in pages for row in page] == entries
    assert all(len(page) == size for page in pages[:-1])


def test_a_cursor_leads_back_over_the_same_pages(api: APIClient, entries: list[str]) -> None:
    first = api.get("/api/entries/?page_size=4").json()
    second = api.get(_address(first["next"])).json()
    third = api.get(_address(second["next"])).json()

    assert (first["previous"], third["next"]) == (None, None)
    back = walk(api, _address(third["previous"]), "id", link="previous")
    assert back == [entries[4:8], entries[:4]]


def test_a_cursor_is_not_moved_by_rows_that_arrive_meanwhile(
    api: APIClient, entries: list[str], now: datetime
) -> None:
    first = api.get("/api/entries/?page_size=4").json()
    AuditEntry.objects.create(at=now + timedelta(hours=1), operation_id=uuid7(), action="test.made")

    second = api.get(_address(first["next"])).json()

    assert [row["id"] for row in second["results"]] == entries[4:8]


def test_a_cursor_can_go_through_a_relation(api: APIClient, person: Any) -> None:
    for code in ("aa", "zz"):
        school = SchoolFactory(code=code)
        for name in ("b", "a"):
            UserFactory(school=school, username=f"{name}.{code}")

    names = [name for page in walk(api, "/api/people/?page_size=2", "username") for name in page]

    assert names == ["a.aa", "b.aa", person.username, "a.zz", "b.zz"]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "",
        "ü",
        "W10",  # []
        "WyJuIl0",  # ["n"]
        "WyJuIiwxLDJd",  # ["n",1,2]
        "WyJuIiwibm93IiwieCJd",  # ["n","now","x"]
        "WyJuIiwiMjAyNi0wMS0wMVQwMDowMDowMCIsIjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJd",  # no offset
        "W" * 5000,
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(api: APIClient, entries: list[str], cursor: str) -> None:
    assert codes(api.get("/api/entries/", {"cursor": cursor})) == {("cursor", "invalid_cursor")}


@pytest.mark.parametrize("rows", [1, 3])
def test_a_list_costs_the_same_for_one_row_as_for_three(
    api: APIClient, rows: int, now: datetime, django_assert_num_queries: Any
) -> None:
    for _ in range(rows):
        AuditEntry.objects.create(at=now, operation_id=uuid7(), action="test.made")
    with django_assert_num_queries(1):
        assert len(api.get("/api/entries/").json()["results"]) == rows


def _address(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
