"""PDF: our own fonts, nothing from anywhere else, and a refusal that helps where a library is missing."""

from __future__ import annotations

import builtins
import io
from typing import Any

import pytest
from pypdf import PdfReader

from core import pdf

FONTS = (
    '@font-face { font-family: I; src: url("font:inter") }'
    '@font-face { font-family: T; src: url("font:telugu") }'
    '@font-face { font-family: D; src: url("font:devanagari") }'
)


def test_names_in_three_scripts_come_with_their_fonts() -> None:
    made = pdf.render(f"<style>{FONTS} html {{ font-family: I, T, D }}</style><p>Asha మౌనిక राहुल")

    reader = PdfReader(io.BytesIO(made))
    fonts = {str(font["/BaseFont"]) for font in _fonts(reader)}
    assert len(reader.pages) == 1
    assert len(fonts) == 3
    # Whoever copies a name out of the file gets the name.
    text = reader.pages[0].extract_text()
    assert "Asha" in text
    assert "మ" in text
    assert "र" in text


def _fonts(reader: PdfReader) -> list[Any]:
    found: Any = reader.pages[0]["/Resources"]
    return [font.get_object() for font in found["/Font"].values()]


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "http://127.0.0.1:9/x.png", "https://127.0.0.1:9/x.png", "ftp://127.0.0.1/x", "font:none",
     "data:image/png;base64,AAAA"],
)  # fmt: skip
def test_a_document_reaches_neither_the_network_nor_the_disk(address: str) -> None:
    from weasyprint.urls import FatalURLFetchingError

    with pytest.raises(FatalURLFetchingError):
        pdf.render(f'<img src="{address}">')


def test_without_pango_the_refusal_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(pdf.PdfUnavailable) as refused:
        pdf.render("<p>x")
    assert (refused.value.code, refused.value.status) == ("pdf_unavailable", 409)
    assert "libpango-1.0-0" in str(refused.value)
