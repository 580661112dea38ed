"""The kept policy is what django-csp would have built."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from csp.constants import HEADER, NONCE
from csp.decorators import csp_exempt, csp_replace, csp_update
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from core.csp import PolicyMiddleware

View = Callable[[HttpRequest], HttpResponse]


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def with_a_nonce(request: HttpRequest) -> HttpResponse:
    # The same for both, so that their policies can be compared.
    request._csp_nonce = "bm9uY2U="  # type: ignore[attr-defined] # django-csp adds it to requests at run time
    return HttpResponse(str(request.csp_nonce))  # type: ignore[attr-defined] # so is this one


def with_its_own(request: HttpRequest) -> HttpResponse:
    return HttpResponse(headers={HEADER: "default-src 'none'"})


@pytest.mark.parametrize(
    "view",
    [
        plain,
        with_a_nonce,
        with_its_own,
        csp_update({"script-src": ["'wasm-unsafe-eval'"]})(plain),
        csp_update({"script-src": [NONCE]})(with_a_nonce),
        csp_replace({"img-src": ["data:"]})(plain),
        csp_exempt()(plain),
    ],
    ids=["plain", "nonce", "own", "updated", "updated with a nonce", "replaced", "exempt"],
)
def test_every_answer_has_the_policy_that_django_csp_gives_it(view: View) -> None:
    def header(middleware: type[CSPMiddleware]) -> str | None:
        return middleware(view)(RequestFactory().get("/")).headers.get(HEADER)

    assert header(PolicyMiddleware) == header(CSPMiddleware)


def test_the_kept_policy_is_the_settings() -> None:
    policy = PolicyMiddleware(plain)(RequestFactory().get("/"))[HEADER]

    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
