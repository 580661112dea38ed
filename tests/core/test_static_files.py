"""The pages' files: which are published, what a first visit weighs, and that pages keep to the policy."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from core.staticfiles import VENDOR_FILES, VendorFinder

#: What browsers are sent; what becomes a PDF brings its own style, and no browser sees it.
# Files and e-mails carry their style with them: nobody fetches it for them.
TEMPLATES = sorted(
    path
    for path in (settings.BASE_DIR / "templates").rglob("*.html")
    if path.parent.name != "pdf" and path.name != "mail.html"
)
FIRST_VISIT = (
    "vendor/tabler/css/tabler.min.css",
    "css/tokens.css",
    "css/app.css",
    "django_htmx/htmx-2.min.js",
    "js/app.js",
    "js/forms.js",
    "js/theme.js",
    "js/timezone.js",
    "js/scan.js",
    "js/scan-confirm.js",
    "js/lib/backoff.js",
    "js/lib/decoder.js",
    "js/lib/strings.js",
)


def test_every_published_library_file_is_there_and_found() -> None:
    assert VendorFinder().check() == []
    for prefix, _package, names in VENDOR_FILES:
        for name in names:
            assert finders.find(f"{prefix}/{name}"), name


def test_missing_libraries_are_named_with_what_to_do(tmp_path: Path) -> None:
    [warning] = VendorFinder(root=tmp_path).check()
    assert "vendor/zxing/es/reader/index.js" in str(warning.msg)
    assert warning.hint == "Run `npm ci`."
    assert list(VendorFinder(root=tmp_path).list(None)) == []


def test_nothing_but_the_listed_files_is_published() -> None:
    assert VendorFinder().find("vendor/tabler/css/tabler.css") == []
    assert VendorFinder().find("vendor/tabler/css/../../package.json") == []


def test_a_first_visit_to_a_student_page_is_under_200_kilobytes() -> None:
    sizes = {name: len(gzip.compress(Path(str(finders.find(name))).read_bytes())) for name in FIRST_VISIT}
    assert sum(sizes.values()) < 200_000, sizes


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_page_carries_style_or_script_of_its_own(template: Path) -> None:
    source = template.read_text()
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", source)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", source))
    assert not re.search(r"https?://(?!www\.w3\.org)", source)
