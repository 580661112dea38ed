"""A real browser on a real server: what the tests of the pages stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from accounts.models import User
from core import limits
from tests.browser import campus as campus_module
from tests.browser.campus import Campus
from tests.browser.pages import OpenPage

PATIENCE = 15_000  # milliseconds: a busy machine is slow, not broken
HEIGHTS = {360: 740, 768: 1024, 1440: 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def site(live_server: Any, settings: Any, transactional_db: None) -> str:
    """The site's address, known to the site itself as well: the codes on the class screen lead there."""
    settings.PUBLIC_URL = live_server.url
    settings.CAMPUSHUB_THROTTLE_RATES = dict.fromkeys(["login", "user", "bulk", "scan"], "100000/s")
    limits.forget_local()
    return str(live_server.url)


@pytest.fixture
def at(settings: Any) -> Callable[..., None]:
    """``at(instant)`` moves the clock of the whole process there, the server's thread included; it goes on."""
    return campus_module.clock_mover(settings)


@pytest.fixture
def campus(site: str, at: Callable[..., None]) -> Campus:
    """The college of the sample files on a Tuesday morning of its third week, with a class open."""
    at(campus_module.MORNING)
    return campus_module.build()


@pytest.fixture
def new_context(browser: Browser, site: str) -> Iterator[Callable[..., BrowserContext]]:
    """``new_context(user, width=360, dark=True)``: a browser of its own, signed in as the user if one is given.

    Without the service worker, which a browser that is new would fetch and start for each page of each test; what is
    about it says ``service_workers="allow"``.
    """
    contexts: list[BrowserContext] = []

    def make(
        user: User | None = None, *, width: int = 1440, dark: bool = False, **more: Any
    ) -> BrowserContext:
        context = browser.new_context(
            base_url=site,
            viewport={"width": width, "height": more.pop("height", HEIGHTS.get(width, 900))},
            color_scheme="dark" if dark else "light",
            timezone_id=more.pop("timezone_id", "Asia/Kolkata"),
            locale=more.pop("locale", "en-GB"),
            has_touch=width < 768,
            reduced_motion="reduce",
            service_workers=more.pop("service_workers", "block"),
            **more,
        )
        context.set_default_timeout(PATIENCE)
        if user is not None:
            context.add_cookies([{**_session_cookie(user), "url": site}])  # type: ignore[typeddict-item] # three texts
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def open_page(new_context: Callable[..., BrowserContext]) -> OpenPage:
    """``open_page("/scan/", user, width=360)``: a page in a browser of its own, loaded and at rest."""

    def show(path: str, user: User | None = None, *, status: int = 200, **how: Any) -> Page:
        page = new_context(user, **how).new_page()
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status, f"{path} answered {answer.status}"
        return page

    return show


def _session_cookie(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user, backend="accounts.backends.CampusBackend")
    name = django_settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value}
