"""PDF through WeasyPrint, from HTML of our own, which can reach nothing but the fonts of the site.

WeasyPrint needs Pango, which is a system library: it is loaded when the first PDF is asked for, and the site runs
without it. A document costs about 0.3 s to begin and 10 ms a page, so that much is rendered as one document.
"""

from __future__ import annotations

import logging
import threading
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError

CONTENT_TYPE = "application/pdf"
#: Debian's names of what WeasyPrint and the scripts of our names need.
PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-core"
#: What ``src: url("font:<name>")`` may name in a style sheet.
_FONTS = {
    "inter": "vendor/inter/inter-latin-wght-normal.woff2",
    "inter-ext": "vendor/inter/inter-latin-ext-wght-normal.woff2",
    "telugu": "vendor/noto-telugu/noto-sans-telugu-telugu-400-normal.woff2",
    "telugu-bold": "vendor/noto-telugu/noto-sans-telugu-telugu-600-normal.woff2",
    "devanagari": "vendor/noto-devanagari/noto-sans-devanagari-devanagari-400-normal.woff2",
    "devanagari-bold": "vendor/noto-devanagari/noto-sans-devanagari-devanagari-600-normal.woff2",
}


class PdfUnavailable(DomainError):
    """The machine lacks a system library. Everything else works."""

    code = "pdf_unavailable"
    message = _(
        "PDF files cannot be made on this server yet. Take CSV or XLSX, or ask whoever runs it to install {packages}."
    )

    def __init__(self) -> None:
        super().__init__(packages=PACKAGES)


#: Pango's and fontconfig's maps are not made for several threads; and one document at a time, which computes all the
#: while, leaves the others of this process their turns.
_one_at_a_time = threading.Lock()


class NotOurs(ValueError):
    """A document asked for something that is not one of our fonts."""


def render(html: str) -> bytes:
    """The document as PDF. Raises PdfUnavailable where WeasyPrint cannot be loaded."""
    weasyprint = load()
    with _one_at_a_time:
        document = weasyprint.HTML(string=html, base_url=None, url_fetcher=_fetcher())
        pdf: bytes = document.write_pdf(optimize_images=False)
    return pdf


def load() -> Any:
    """WeasyPrint itself. Raises PdfUnavailable."""
    try:
        import weasyprint
    except OSError as error:
        # It opens Pango when it is imported.
        raise PdfUnavailable from error
    # It tells every step of every document.
    logging.getLogger("weasyprint.progress").setLevel(logging.WARNING)
    return weasyprint


def missing_fonts() -> list[str]:
    """Those of our own fonts that are not where they should be."""
    return [path for path in _FONTS.values() if not finders.find(path)]


@lru_cache(maxsize=1)
def _fetcher() -> Any:
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class OurFonts(URLFetcher):
        """Neither the network nor the disk: fonts by name, and nothing else."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            scheme, _colon, name = url.partition(":")
            if scheme != "font" or name not in _FONTS:
                raise NotOurs(url)
            return URLFetcherResponse(url, body=_font(name), headers={"Content-Type": "font/ttf"})

    return OurFonts(fail_on_errors=True)


@lru_cache(maxsize=len(_FONTS))
def _font(name: str) -> bytes:
    from fontTools.ttLib import woff2

    found = finders.find(_FONTS[name])
    if not isinstance(found, str):
        raise NotOurs(name)
    # Unpacked once: WeasyPrint would do it again for every document, which takes longer than a page.
    unpacked = BytesIO()
    with Path(found).open("rb") as packed:
        woff2.decompress(packed, unpacked)
    return unpacked.getvalue()
