"""The palette holds what it promises: readable in both themes, one source for each."""

from __future__ import annotations

import re
from itertools import product

import pytest
from django.conf import settings

SOURCE = (settings.BASE_DIR / "static/css/tokens.css").read_text()
STATUSES = ("present", "late", "absent", "excused", "unmarked")


def block(selector: str) -> dict[str, str]:
    """The custom properties of the first rule with exactly this selector."""
    found = re.search(rf"(?:^|\n) *{re.escape(selector)} \{{\n(.*?)\n *\}}", SOURCE, re.DOTALL)
    assert found, selector
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", found.group(1)))


LIGHT = block(":root")
DARK = block(':root:not([data-theme="light"])')


def luminance(colour: str) -> float:
    """Relative luminance, 0–1 (WCAG 2.2, "relative luminance")."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_chosen_dark_theme_is_the_systems_dark_theme() -> None:
    assert block(':root[data-theme="dark"]') == DARK


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_reaches_four_and_a_half_to_one(theme: dict[str, str]) -> None:
    texts = ("ink", "ink-2", "ink-3", "accent", *STATUSES)
    pairs = [*product(texts, ("paper", "ground")), *((s, f"{s}-soft") for s in STATUSES)]
    pairs += [("on-accent", "accent"), ("on-accent", "accent-strong"), ("accent", "accent-soft")]
    assert [pair for pair in pairs if contrast(theme[pair[0]], theme[pair[1]]) < 4.5] == []


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_edges_and_bars_reach_three_to_one(theme: dict[str, str]) -> None:
    pairs = [("edge", "paper"), ("edge", "ground")]
    pairs += [
        (f"{status}-fill", ground) for status in ("present", "late", "absent") for ground in ("paper", "line")
    ]
    assert [pair for pair in pairs if contrast(theme[pair[0]], theme[pair[1]]) < 3] == []
