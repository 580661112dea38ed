"""Exports in a real browser: the list moves on by itself, a file comes down, and without a script it is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from attendance.models import ExportJob
from attendance.services import exports
from core import clock
from tests.browser.campus import Campus
from tests.browser.pages import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


def test_progress_and_the_finished_file_appear_without_loading_the_page(
    campus: Campus, open_page: OpenPage, settings: object, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined] # of pytest-django
    page = open_page("/exports/?kind=audit", campus.office, width=360)
    job = ExportJob.objects.get(state="running")
    card = page.locator(f"#export-{job.pk}")
    expect(card.get_by_role("progressbar")).to_have_attribute("value", "25")

    ExportJob.objects.filter(pk=job.pk).update(rows_done=12_000)
    expect(card.get_by_role("progressbar")).to_have_attribute("value", "75")
    expect(card.get_by_text("12,000 of 16,000 rows")).to_be_visible()

    exports.run(job_id=job.pk, now=clock.now())
    expect(card.get_by_text("ready")).to_be_visible()
    with page.expect_download() as coming:
        card.get_by_role("link", name="Download").click()
    assert coming.value.suggested_filename.startswith("audit-trail_")
    assert Path(coming.value.path()).read_bytes().startswith(b"\xef\xbb\xbfat,actor,")


def test_a_register_comes_down_from_the_page_of_its_section(campus: Campus, open_page: OpenPage) -> None:
    page = open_page(f"/sections/{campus.section.pk}/", campus.teacher)
    page.get_by_role("link", name="Month register").click()
    expect(page.get_by_label("Section")).to_have_value(str(campus.section.pk))
    expect(page.get_by_label("Month")).to_have_value("2026-11")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Export").click()
    assert coming.value.suggested_filename.endswith("_CSE-A_2026-11.pdf")
    assert Path(coming.value.path()).read_bytes().startswith(b"%PDF-")
