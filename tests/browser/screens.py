"""The class screen as a phone's camera sees it."""

from __future__ import annotations

import cv2
import numpy
from playwright.sync_api import Page, expect

#: OpenCV's detector gives up on about one clean code in ten at any one size; a phone sees the code at many.
SIZES = (1.0, 0.5, 0.75, 0.4)


def code_on(screen: Page) -> str:
    """The address in the QR code that the class screen shows, read from a picture of the whole screen."""
    expect(screen.locator("[data-qr] svg")).to_be_visible()
    picture = cv2.imdecode(numpy.frombuffer(screen.screenshot(), numpy.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    detector = cv2.QRCodeDetector()
    for size in SIZES:
        seen = cv2.resize(picture, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
        text, *_corners = detector.detectAndDecode(seen)
        if text:
            return str(text)
    raise AssertionError("no code can be read from the class screen")


def here_on(screen: Page) -> int:
    """The large number."""
    return int(screen.locator("[data-here]").inner_text())
