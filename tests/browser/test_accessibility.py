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


def _let_go_of_the_bars(page: Page) -> None:
    """The bars at the top and the bottom into the flow of the page, so that they lie over nothing until one scrolls."""
    page.evaluate(
        "() => document.querySelectorAll('.ch-top, .ch-bottom, .ch-sticky-actions')"
        ".forEach((bar) => { bar.style.position = 'static'; })"
    )


@pytest.mark.parametrize(
    ("width", "dark"), [(360, False), (1440, False), (360, True)], ids=["360-light", "1440-light", "360-dark"]
)
def test_nothing_serious_on_any_page(campus: Campus, open_page: OpenPage, width: int, dark: bool) -> None:
    found: list[str] = []
    for scene in SCENES:
        page = scene.play(campus, open_page, width=width, dark=dark)
        _let_go_of_the_bars(page)
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
