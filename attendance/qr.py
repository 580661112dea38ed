"""QR codes as SVG: dark on white with the quiet zone of four modules that ISO/IEC 18004 wants, in either theme."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

import qrcode
from qrcode.constants import ERROR_CORRECT_M

QUIET_ZONE = 4
#: Trying all eight masks takes eight times as long, for every screen every few seconds. Tokens look random, so no
#: mask meets the regular patterns that the choice is there to break up.
MASK = 2


@lru_cache(maxsize=256)
def svg_of(text: str) -> str:
    """A picture of the text: one path over a white square, one unit per module, no styles and no script.

    Kept for a while, because page and API ask for the same code within its seconds.
    """
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE, mask_pattern=MASK)
    code.add_data(text)
    rows: list[list[bool]] = code.get_matrix()
    size = len(rows)
    dark = "".join(
        f"M{x} {y}h{length}v1h-{length}z" for y, row in enumerate(rows) for x, length in _runs(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/><path fill="#000" d="{dark}"/></svg>'
    )


def _runs(row: list[bool]) -> Iterator[tuple[int, int]]:
    """(start, length) of neighbouring dark modules."""
    x = 0
    for dark, group in groupby(row):
        length = len(list(group))
        if dark:
            yield x, length
        x += length
