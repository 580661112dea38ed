"""axe-core finds nothing serious on any page: small and large, light and dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.campus import Campus
from tests.browser.pages import SCENES, OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

# Playwright runs the script from outside the page: the content security policy has no gap for it.
AXE = Axe()
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: What a theme can break is colour alone; everything else is the same page again.
COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
EVERYTHING = {"runOnly": {"type": "tag", "values": LEVELS}}


def _show_all_of(page: Page) -> None:
    """As high as the page, so that nothing lies under the bar at the bottom until one scrolls."""
    page.set_viewport_size(
        {
            "width": page.viewport_size["width"],
            "height": page.evaluate("document.documentElement.scrollHeight"),
        }
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_serious_on_any_page(campus: Campus, open_page: OpenPage, width: int, dark: bool) -> None:
    found: list[str] = []
    for scene in SCENES:
        page = scene.play(campus, open_page, width=width, dark=dark)
        _show_all_of(page)
        answer = AXE.run(page, options=COLOUR if dark else EVERYTHING).response
        assert answer["passes"], f"{scene.name}: axe looked at nothing"
        for violation in answer["violations"]:
            if violation["impact"] in {"serious", "critical"}:
                places = "; ".join(
                    f"{node['target']} {node.get('failureSummary', '')}" for node in violation["nodes"][:3]
                )
                found.append(f"{scene.name}: {violation['id']}: {places}")
        page.context.close()
    assert not found, "\n".join(found)
