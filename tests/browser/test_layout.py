"""No page is wider than its window, and everything to tap is large enough for a thumb."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from accounts.models import User
from tests.browser.campus import Campus
from tests.browser.pages import SCENES, WORDLESS, OpenPage, Scene

pytestmark = pytest.mark.django_db(transaction=True)

TAP = 44
#: A folder here keeps a picture of every page, to be looked at: CAMPUSHUB_PICTURES=var/pictures.
PICTURES = os.environ.get("CAMPUSHUB_PICTURES", "")

# What sticks out to the right of the window, but for what scrolls in a box of its own.
_TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > width + 0.5)
    .map((one) => `${one.tagName.toLowerCase()}.${one.className} ${one.getBoundingClientRect().right}`)
    .slice(0, 5).concat("page scrolls sideways");
}"""

# The target of a control is what reacts to a tap: its own box, together with that of its label.
# Not measured: what is hidden, disabled or moved off the page until focused; what a dialog covers; and links
# within a sentence, which WCAG 2.5.8 exempts because the line of text sets their height ("inline").
_TOO_SMALL = """(least) => {
  const dialog = document.querySelector("dialog[open]");
  const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled &&
    !(dialog && !dialog.contains(one));
  const inline = (one) => one.tagName === "A" && getComputedStyle(one).display === "inline" &&
    one.parentElement.closest("p, li, td") !== null &&
    one.parentElement.closest("p, li, td").textContent.trim() !== one.textContent.trim();
  const boxes = (one) => [one, ...(one.labels ?? [])].map((each) => each.getBoundingClientRect());
  const found = [];
  for (const one of document.querySelectorAll("a[href], button, input, select, textarea, summary, label.btn")) {
    if (!shown(one) || one.type === "hidden" || inline(one)) continue;
    if (boxes(one)[0].bottom <= 0 && one.classList.contains("ch-skip")) continue;
    const width = Math.max(...boxes(one).map((box) => box.width));
    const height = Math.max(...boxes(one).map((box) => box.height));
    if (width < least - 0.5 || height < least - 0.5)
      found.push(`${one.outerHTML.slice(0, 90)} is ${width.toFixed(1)} x ${height.toFixed(1)}`);
  }
  return found;
}"""


def _wrong_on(
    scenes: list[Scene], campus: Campus, open_page: OpenPage, width: int, *, suffix: str = "", **how: str
) -> str:
    """What does not fit or cannot be tapped, a line each; empty when all is well."""
    found: list[str] = []
    for scene in scenes:
        page = scene.play(campus, open_page, width=width, **how)
        found += [f"{scene.name}: {what}" for what in page.evaluate(_TOO_WIDE)]
        found += [f"{scene.name}: {what}" for what in page.evaluate(_TOO_SMALL, TAP)]
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{scene.name}-{width}{suffix}.png", full_page=True)
        page.context.close()
    return "\n".join(found)


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_pages_fit_and_can_be_tapped(campus: Campus, open_page: OpenPage, width: int) -> None:
    assert _wrong_on(SCENES, campus, open_page, width) == ""


@pytest.mark.deep
@pytest.mark.parametrize("language", ["hi", "te"])
def test_longer_words_fit_a_phone_too(campus: Campus, open_page: OpenPage, language: str) -> None:
    User.objects.update(language=language)
    wrong = _wrong_on(WORDLESS, campus, open_page, 360, suffix=f"-{language}", locale=f"{language}-IN")
    assert wrong == ""
