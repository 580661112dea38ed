"""What is asked of a page as it is shown: does it fit, can it be tapped, reached by Tab, used by everybody."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAP = 44

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

# What a person could want to reach now. A roster is one stop per student (arrows and letters do the rest); of a
# group of radio buttons the chosen one is the stop; an open modal dialog hides what lies behind it.
_REACHABLE = """() => {
  const dialog = document.querySelector("dialog[open]");
  const wanted = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter((one) =>
    one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.type !== "hidden" &&
    !(dialog && !dialog.contains(one)) && !one.closest("[data-grid]") && !(one.type === "radio" && !one.checked));
  wanted.forEach((one, index) => (one.dataset.stop = index));
  return wanted.map((one) => `${one.dataset.stop} ${one.outerHTML.slice(0, 80)}`);
}"""

# The focused element, and whether it can be told from the others: an outline of its own, or of what stands for it
# (a radio button's label, a picture's frame).
_FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const drawn = (each) => {
    const style = getComputedStyle(each);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  };
  const places = [one, one.nextElementSibling, one.closest("label"), one.closest("[data-student]")];
  return { stop: one.dataset.stop ?? null, seen: places.some((each) => each && drawn(each)),
           what: one.outerHTML.slice(0, 80) };
}"""

# Playwright runs the script from outside the page: the content security policy has no gap for it.
_AXE = Axe()
_LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_EVERYTHING = {"runOnly": {"type": "tag", "values": _LEVELS}, "resultTypes": ["violations"]}
#: What a theme can break is colour alone; everything else is the same page again.
_COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


def misfits(page: Page) -> list[str]:
    """What is wider than the window or smaller than a thumb, a line each."""
    return [*page.evaluate(_TOO_WIDE), *page.evaluate(_TOO_SMALL, TAP)]


def lost_to_the_keyboard(page: Page) -> list[str]:
    """What Tab never reaches, and where it leads without showing it, a line each."""
    wanted = page.evaluate(_REACHABLE)
    reached: set[str | None] = set()
    unseen: set[str] = set()
    page.evaluate("document.activeElement.blur()")
    # Once around, and on from where the walk began if it began in the middle.
    for _ in range(len(wanted) + 30):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if len(reached - {None}) == len(wanted) and (focused is None or focused["stop"] in reached):
            break
        if focused is not None:
            reached.add(focused["stop"])
            if not focused["seen"]:
                unseen.add(focused["what"])
    return [
        *(f"Tab never reaches {one}" for one in wanted if one.split()[0] not in reached),
        *(f"focus does not show on {what}" for what in sorted(unseen)),
    ]


def let_go_of_the_bars(page: Page) -> None:
    """The bars at the top and the bottom into the flow of the page, so that they lie over nothing until one scrolls."""
    page.evaluate(
        "() => document.querySelectorAll('.ch-top, .ch-bottom, .ch-sticky-actions')"
        ".forEach((bar) => { bar.style.position = 'static'; })"
    )


def barriers(page: Page, *, colour_alone: bool = False) -> list[str]:
    """What axe-core calls serious or critical, a line each."""
    answer: dict[str, Any] = _AXE.run(page, options=_COLOUR if colour_alone else _EVERYTHING).response
    assert answer["passes"], "axe looked at nothing"
    return [
        f"{violation['id']}: "
        + "; ".join(f"{node['target']} {node.get('failureSummary', '')}" for node in violation["nodes"][:3])
        for violation in answer["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]
