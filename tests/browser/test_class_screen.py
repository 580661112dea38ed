"""From the code on the wall to a name on the wall, and what that costs a phone."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect

from attendance.models import AttendanceRecord
from tests.browser.campus import Campus
from tests.browser.pages import OpenPage
from tests.browser.screens import code_on, here_on

pytestmark = pytest.mark.django_db(transaction=True)

BUDGET = 200 * 1024


def _screen(campus: Campus, open_page: OpenPage, **how: object) -> Page:
    return open_page(f"/classes/{campus.open.pk}/screen/", campus.teacher, **how)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_scanned_code_becomes_a_name_on_the_screen(
    campus: Campus, open_page: OpenPage, site: str, dark: bool
) -> None:
    screen = _screen(campus, open_page, dark=dark)
    before = here_on(screen)
    address = code_on(screen)
    assert address.startswith(f"{site}/s/")

    phone = open_page(urlsplit(address).path, campus.student, width=360)
    phone.get_by_role("button", name="I am here").click()
    expect(phone.get_by_role("heading", name="Present")).to_be_visible()

    expect(screen.locator("[data-here]")).to_have_text(str(before + 1))
    name = campus.student.full_name
    expect(screen.locator("[data-names] li").first).to_contain_text(name)
    assert AttendanceRecord.objects.get(session=campus.open, student__user=campus.student).source == "qr"


@pytest.mark.parametrize(
    ("width", "height", "zone"),
    [
        (1024, 768, "Asia/Kolkata"),
        (1280, 720, "Asia/Kolkata"),
        (1920, 1080, "Asia/Kolkata"),
        # A device of elsewhere is told so in a line above everything.
        (1280, 720, "Europe/Berlin"),
    ],
)
def test_the_whole_screen_is_in_sight_on_any_projector(
    campus: Campus, open_page: OpenPage, width: int, height: int, zone: str
) -> None:
    screen = _screen(campus, open_page, width=width, height=height, timezone_id=zone)
    assert screen.locator("[data-timezone-notice]").is_visible() is (zone != "Asia/Kolkata")
    code_on(screen)
    assert screen.evaluate("document.documentElement.scrollHeight") <= height
    for part in (screen.locator("[data-countdown]"), screen.get_by_role("button", name="Close class").first):
        box = part.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height
    code = screen.locator("[data-qr]").bounding_box()
    assert code is not None
    assert min(code["width"], code["height"]) >= 0.6 * height, "the last row could not scan it"


def test_a_new_code_kills_the_one_on_the_screen(campus: Campus, open_page: OpenPage) -> None:
    screen = _screen(campus, open_page)
    old = code_on(screen)
    with screen.expect_response("**/generate-qr/"):
        screen.get_by_role("button", name="New code").click()
    expect(screen.get_by_role("status").filter(has_text="A new code is on the screen")).to_be_visible()
    assert code_on(screen) != old

    phone = open_page(urlsplit(old).path, campus.student, width=360)
    phone.get_by_role("button", name="I am here").click()
    expect(phone.get_by_role("button", name="I am here")).to_be_hidden()
    assert not AttendanceRecord.objects.filter(session=campus.open, student__user=campus.student).exists()


def test_a_class_closed_elsewhere_leaves_its_screen(campus: Campus, open_page: OpenPage) -> None:
    screen = _screen(campus, open_page)
    code_on(screen)
    other = open_page(f"/classes/{campus.open.pk}/", campus.teacher)
    other.locator("header").get_by_role("button", name="Close class").click()
    other.get_by_role("dialog").get_by_role("button", name="Close class").click()
    expect(other.get_by_role("region", name="Summary")).to_be_visible()
    expect(screen.locator("[data-class-screen]")).to_have_count(0, timeout=20_000)


@pytest.mark.parametrize("path", ["/", "/attendance/", "/scan/"])
def test_a_student_page_stays_within_its_budget(
    campus: Campus, new_context: Callable[..., BrowserContext], path: str
) -> None:
    """Script and style of a first visit, in gzip: Brotli, which most browsers get, is smaller still."""
    page = new_context(campus.student, width=360).new_page()
    seen: list[Response] = []
    page.on("response", lambda answer: seen.append(answer))
    page.goto(path, wait_until="networkidle")
    weights = {
        urlsplit(answer.url).path: len(gzip.compress(answer.body(), 9))
        for answer in seen
        if answer.request.resource_type in {"script", "stylesheet"}
    }
    assert any(path.endswith("tabler.min.css") for path in weights)
    assert sum(weights.values()) <= BUDGET, weights


def test_the_decoder_comes_only_when_the_scanner_is_opened(campus: Campus, open_page: OpenPage) -> None:
    page = open_page("/", campus.student, width=360, permissions=[])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/scan/", wait_until="networkidle")
    assert not [url for url in asked if "zxing" in url]
    with page.expect_request(lambda request: "zxing" in request.url):
        page.locator("[data-scan-file]").set_input_files(
            files=[{"name": "code.png", "mimeType": "image/png", "buffer": page.screenshot()}]
        )


def test_the_scanner_reads_a_picture_of_the_class_screen(campus: Campus, open_page: OpenPage) -> None:
    screen = _screen(campus, open_page)
    code_on(screen)
    phone = open_page("/scan/", campus.student, width=360)
    phone.locator("[data-scan-file]").set_input_files(
        files=[{"name": "screen.png", "mimeType": "image/png", "buffer": screen.screenshot()}]
    )
    expect(phone.get_by_role("button", name="I am here")).to_be_visible()
