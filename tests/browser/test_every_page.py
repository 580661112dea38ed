"""Every page in every state: it fits, a thumb can tap it, Tab reaches all of it, axe-core finds nothing serious.

A page is opened once for a phone and once for a desk, and all that is asked of it is asked there: opening it is what
takes the time.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.campus import Campus
from tests.browser.conftest import HEIGHTS
from tests.browser.looks import barriers, let_go_of_the_bars, lost_to_the_keyboard, misfits
from tests.browser.pages import SCENES, WORDLESS, OpenPage, Scene

pytestmark = pytest.mark.django_db(transaction=True)

#: A folder here keeps a picture of every page, to be looked at: CAMPUSHUB_PICTURES=var/pictures.
PICTURES = os.environ.get("CAMPUSHUB_PICTURES", "")
#: For several processes to share.
PARTS = [SCENES[part::4] for part in range(4)]
PART_NAMES = [f"part {part}" for part in range(1, 5)]


def _keep_picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def _resize(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})


@pytest.mark.parametrize("scenes", PARTS, ids=PART_NAMES)
def test_on_a_phone_by_day_and_by_night(campus: Campus, open_page: OpenPage, scenes: list[Scene]) -> None:
    wrong: list[str] = []
    for scene in scenes:
        page = scene.play(campus, open_page, width=360)
        _keep_picture(page, f"{scene.name}-360")
        wrong += [f"{scene.name}: {what}" for what in misfits(page)]
        let_go_of_the_bars(page)
        wrong += [f"{scene.name}: {what}" for what in barriers(page)]
        page.emulate_media(color_scheme="dark")
        wrong += [f"{scene.name}, dark: {what}" for what in barriers(page, colour_alone=True)]
        page.context.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scenes", PARTS, ids=PART_NAMES)
def test_on_a_desk_and_on_a_tablet(campus: Campus, open_page: OpenPage, scenes: list[Scene]) -> None:
    wrong: list[str] = []
    for scene in scenes:
        page = scene.play(campus, open_page, width=1440)
        for width in (768, 1440):
            _resize(page, width)
            _keep_picture(page, f"{scene.name}-{width}")
            wrong += [f"{scene.name}, {width} px: {what}" for what in misfits(page)]
        wrong += [f"{scene.name}: {what}" for what in lost_to_the_keyboard(page)]
        let_go_of_the_bars(page)
        wrong += [f"{scene.name}: {what}" for what in barriers(page)]
        page.context.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.deep
@pytest.mark.parametrize("language", ["hi", "te"])
def test_longer_words_fit_a_phone_too(campus: Campus, open_page: OpenPage, language: str) -> None:
    User.objects.update(language=language)
    wrong: list[str] = []
    for scene in WORDLESS:
        page = scene.play(campus, open_page, width=360, locale=f"{language}-IN")
        _keep_picture(page, f"{scene.name}-360-{language}")
        wrong += [f"{scene.name}: {what}" for what in misfits(page)]
        page.context.close()
    assert not wrong, "\n".join(wrong)
