"""The page about exports: forms by kind, files at once, jobs with their progress."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.models import ExportJob
from attendance.services import exports
from core import clock, limits
from tests.attendance.export_world import ExportWorld, build, content_of, never_exported, read_csv
from tests.colleges import signed_in
from tests.factories import SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
PAGE = "/exports/"


@pytest.fixture(autouse=True)
def unhurried(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path
    settings.CAMPUSHUB_THROTTLE_RATES = {"export": "100000/s"}
    limits.forget_local()
    with clock.frozen(NOW):
        yield
    limits.forget_local()


@pytest.fixture
def world() -> ExportWorld:
    return build()


def a_job(world: ExportWorld, monkeypatch: pytest.MonkeyPatch, **filters: Any) -> ExportJob:
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    job = exports.ask(
        by=world.teacher, school=world.school, kind="records", file_format="csv", filters=filters, now=NOW
    )
    assert isinstance(job, ExportJob)
    return job


def test_a_teacher_finds_the_register_of_this_month_ready_to_be_asked_for(world: ExportWorld) -> None:
    text = signed_in(world.teacher).get(f"{PAGE}?kind=register&section={world.section.pk}").content.decode()
    assert f'<option value="{world.section.pk}" selected>' in text
    assert '<option value="2026-11" selected>' in text
    assert '<option value="pdf" selected>' in text
    assert "Audit trail" not in text
    assert "Nothing in the background" in text


def test_little_is_a_download_at_once(world: ExportWorld) -> None:
    answer = signed_in(world.teacher).post(
        f"{PAGE}?kind=records",
        {"format": "csv", "section": world.section.pk, "first": "2026-11-02", "last": "2026-11-03"},
    )
    assert answer["Content-Disposition"] == (
        'attachment; filename="attendance-records_CS302_CSE-A_2026-11-02_2026-11-03.csv"'
    )
    assert len(read_csv(content_of(answer))) == 8


@pytest.mark.parametrize(
    ("who", "kind", "form", "rows"),
    [
        ("teacher", "register", {"section": True, "month": "2026-11"}, 4),
        ("teacher", "summary", {}, 4),
        ("head", "shortage", {"department": "CSE", "band": "shortage"}, 1),
        ("office", "audit", {"first": "2026-11-02", "last": "2026-11-02", "action": "session.close"}, 1),
    ],
)
def test_every_kind_has_its_form(
    world: ExportWorld, who: str, kind: str, form: dict[str, Any], rows: int
) -> None:
    if "section" in form:
        form = {**form, "section": world.section.pk}
    browser = signed_in(world.person(who))
    assert browser.get(f"{PAGE}?kind={kind}").status_code == 200
    answer = browser.post(f"{PAGE}?kind={kind}", {"format": "csv", **form})
    assert len(read_csv(content_of(answer))) == rows


def test_much_is_a_job_in_the_list_which_asks_for_itself(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    browser = signed_in(world.teacher)
    answer = browser.post(f"{PAGE}?kind=records", {"format": "xlsx"}, follow=True)
    job = ExportJob.objects.get()
    text = answer.content.decode()
    assert "This takes a moment" in text
    assert 'hx-get="/exports/jobs/" hx-trigger="every 2s"' in text
    assert '<progress max="100" aria-label="Records">' in text
    ExportJob.objects.filter(pk=job.pk).update(state="running", rows_total=16000, rows_done=4000)
    text = browser.get("/exports/jobs/").content.decode()
    assert '<progress max="100" value="25" aria-label="Records">' in text
    assert "4,000 of 16,000 rows" in text
    assert "<html" not in text


def test_done_it_is_downloaded_and_the_list_is_at_rest(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = a_job(world, monkeypatch, section=str(world.section.pk))
    exports.run(job_id=job.pk, now=NOW)
    browser = signed_in(world.teacher)
    text = browser.get(PAGE).content.decode()
    assert "hx-trigger" not in text.partition('id="export-jobs"')[2]
    assert f'href="/exports/{job.pk}/file/"' in text
    assert "Data Structures · CSE-A" in text
    assert "kept until 7 Dec" in text
    assert len(read_csv(content_of(browser.get(f"/exports/{job.pk}/file/")))) == 16


def test_a_job_is_cancelled_by_its_button(world: ExportWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    job = a_job(world, monkeypatch)
    browser = signed_in(world.teacher)
    assert (
        "The export is cancelled." in browser.post(f"/exports/{job.pk}/cancel/", follow=True).content.decode()
    )
    # The file is refused in words, on the page.
    text = browser.get(f"/exports/{job.pk}/file/", follow=True).content.decode()
    assert "This export has no file: it is Cancelled." in text


def test_a_failed_job_says_why(world: ExportWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    job = a_job(world, monkeypatch)
    ExportJob.objects.filter(pk=job.pk).update(state="failed", error_code="x", error="The disk is full.")
    assert "The disk is full." in signed_in(world.teacher).get(PAGE).content.decode()


def test_who_gets_in(world: ExportWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    job = a_job(world, monkeypatch)
    student, outsider = signed_in(world.students[0].user), signed_in(UserFactory(school=SchoolFactory()))
    for path in (PAGE, "/exports/jobs/", f"/exports/{job.pk}/file/"):
        assert student.get(path).status_code == 403
    assert signed_in(world.teacher).get(f"{PAGE}?kind=audit").status_code == 403
    assert signed_in(world.office).get(f"{PAGE}?kind=everything").status_code == 404
    assert signed_in(world.office).get(f"/exports/{job.pk}/file/").status_code == 403
    assert outsider.get(f"/exports/{job.pk}/file/").status_code == 404
    assert outsider.post(f"/exports/{job.pk}/cancel/").status_code == 404


def test_refusals_stand_beside_their_field_with_what_was_typed(world: ExportWorld) -> None:
    browser = signed_in(world.office)
    answer = browser.post(
        f"{PAGE}?kind=records",
        {"format": "csv", "first": "2026-11-03", "last": "2026-11-02", "student": "24CSE001"},
    )
    text = answer.content.decode()
    assert answer.status_code == 400
    assert "The last day lies before the first." in text
    assert 'value="24CSE001"' in text
    answer = browser.post(f"{PAGE}?kind=records", {"format": "csv", "student": "NOBODY"})
    assert (answer.status_code, "There is no such object." in answer.content.decode()) == (404, True)
    assert browser.post(f"{PAGE}?kind=register", {"format": "pdf"}).status_code == 400


def test_the_page_counts_with_the_api(world: ExportWorld, settings: Any) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"export": "1/h"}
    never_exported(world.colleague)
    browser = signed_in(world.colleague)
    statuses = [browser.post(f"{PAGE}?kind=shortage", {"format": "csv"}).status_code for _ in range(2)]
    assert statuses == [200, 429]


def test_pages_about_classes_lead_here(world: ExportWorld) -> None:
    browser = signed_in(world.teacher)
    section = browser.get(f"/sections/{world.section.pk}/").content.decode()
    assert f'href="/exports/?kind=register&amp;section={world.section.pk}"' in section
    assert f'href="/exports/?kind=summary&amp;section={world.section.pk}"' in section
    shortage = browser.get(f"/shortage/?section={world.section.pk}&band=shortage").content.decode()
    assert f'href="/exports/?kind=shortage&amp;section={world.section.pk}&amp;band=shortage"' in shortage


@pytest.mark.parametrize("path", [PAGE, "/exports/jobs/"])
def test_more_jobs_do_not_cost_more_queries(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    browser = signed_in(world.teacher)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            browser.get(path)
        return len(found)

    a_job(world, monkeypatch, section=str(world.section.pk))
    one = queries()
    for _ in range(2):
        a_job(world, monkeypatch, section=str(world.section.pk))
    assert (queries(), one <= 12) == (one, True)
