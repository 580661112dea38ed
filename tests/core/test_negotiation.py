"""What `RememberedNegotiation` chooses is what DRF chooses, asked once or many times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, StaticHTMLRenderer
from rest_framework.request import Request

from core.api.negotiation import FileNegotiation, RememberedNegotiation
from core.api.renderers import ORJSONRenderer


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    RememberedNegotiation._chosen.clear()
    yield
    RememberedNegotiation._chosen.clear()


def asking(accept: str | None) -> Request:
    return Request(RequestFactory().get("/", headers={} if accept is None else {"Accept": accept}))


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/json",
        "application/json; indent=8",
        "text/html,application/json;q=0.9",
        "text/*",
        "application/json, text/html",
    ],
)
def test_it_chooses_what_drf_chooses_also_the_second_time(accept: str | None) -> None:
    for kinds in ([ORJSONRenderer], [StaticHTMLRenderer, ORJSONRenderer]):
        for _ in range(2):
            renderers: list[BaseRenderer] = [kind() for kind in kinds]
            try:
                expected = DefaultContentNegotiation().select_renderer(asking(accept), renderers)
            except NotAcceptable:
                with pytest.raises(NotAcceptable):
                    RememberedNegotiation().select_renderer(asking(accept), renderers)
            else:
                # The very renderer of this request, not the one of the first.
                assert RememberedNegotiation().select_renderer(asking(accept), renderers) == expected


def test_a_missing_header_is_not_an_empty_one() -> None:
    assert RememberedNegotiation().select_renderer(asking(None), [ORJSONRenderer()])[1] == "application/json"
    with pytest.raises(NotAcceptable):
        RememberedNegotiation().select_renderer(asking("image/png"), [ORJSONRenderer()])
    with pytest.raises(NotAcceptable):
        RememberedNegotiation().select_renderer(asking("image/png"), [ORJSONRenderer()])


def test_who_invents_headers_does_not_fill_the_memory() -> None:
    for number in range(600):
        RememberedNegotiation().select_renderer(asking(f"application/json;n={number}"), [ORJSONRenderer()])
    RememberedNegotiation().select_renderer(asking("*/*," + "x" * 300), [ORJSONRenderer()])

    assert 0 < len(RememberedNegotiation._chosen) <= 256
    assert all(len(accept) <= 256 for accept, *_ in RememberedNegotiation._chosen)


@pytest.mark.parametrize("accept", [None, "", "*/*", "application/pdf", "text/html", "nonsense"])
def test_where_files_are_handed_out_whatever_the_client_takes_is_fine(accept: str | None) -> None:
    json = ORJSONRenderer()

    assert FileNegotiation().select_renderer(asking(accept), [json]) == (json, "application/json")
