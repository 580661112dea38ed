"""The class screen as a phone's camera sees it."""

from __future__ import annotations

from io import BytesIO

import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect


def code_on(screen: Page) -> str:
    """The address in the QR code that the class screen shows, read from a picture of the whole screen."""
    expect(screen.locator("[data-qr] svg")).to_be_visible()
    seen = zxingcpp.read_barcodes(
        Image.open(BytesIO(screen.screenshot())), formats=zxingcpp.BarcodeFormat.QRCode
    )
    assert [code.content_type for code in seen] == [zxingcpp.ContentType.Text], "no code can be read"
    return seen[0].text


def here_on(screen: Page) -> int:
    """The large number."""
    return int(screen.locator("[data-here]").inner_text())
