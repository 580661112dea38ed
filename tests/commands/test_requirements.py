"""The compiled requirements agree with each other, so that installing the largest set serves all commands."""

from __future__ import annotations

import re

import pytest
from _campushub import environment
from _campushub.layout import ROOT

PINNED = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+))?", re.MULTILINE)


def pins(file: str) -> set[tuple[str, str, str]]:
    found = PINNED.finditer((ROOT / file).read_text())
    return {(pin["name"], pin["version"], (pin["marker"] or "").strip()) for pin in found}


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [(larger, smaller) for larger, contained in environment.CONTAINS.items() for smaller in contained],
)
def test_the_larger_set_holds_the_smaller(larger: str, smaller: str) -> None:
    names = {(name, version) for name, version, _ in pins(larger)}
    assert pins(smaller)
    assert {(name, version) for name, version, _ in pins(smaller)} <= names


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt", "requirements-node.txt"])
def test_every_package_is_pinned_with_hashes_and_without_a_source(file: str) -> None:
    text = (ROOT / file).read_text()
    packages = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in package for package in packages if "==" in package)
    assert "://" not in text
