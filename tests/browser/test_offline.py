"""first look"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.campus import Campus

pytestmark = pytest.mark.django_db(transaction=True)


def test_look(campus: Campus, new_context: Callable[..., BrowserContext]) -> None:
    context = new_context(campus.teacher)
    page = context.new_page()
    page.on("console", lambda m: print("CONSOLE", m.type, m.text))
    page.on("pageerror", lambda e: print("ERROR", e))
    page.on("requestfailed", lambda r: print("FAILED", r.url, r.failure))
    page.goto(f"/classes/{campus.open.pk}/")
    page.evaluate("navigator.serviceWorker.ready.then(()=>1)")
    page.wait_for_timeout(1500)
    print(
        page.evaluate(
            "(async()=>{const o={};for(const n of await caches.keys()){o[n]=(await (await caches.open(n)).keys()).map(r=>r.url)};return o})()"
        )
    )
    context.set_offline(True)
    page.keyboard.press("p")
    page.wait_for_timeout(1500)
    page.screenshot(path="/tmp/pwa/offline1.png")
    page.reload()
    page.wait_for_timeout(1500)
    page.screenshot(path="/tmp/pwa/offline2.png")
    page.goto("/shortage/")
    page.wait_for_timeout(500)
    page.screenshot(path="/tmp/pwa/offline3.png")
