"""Corrections and consents in a real browser: what one asks for on a phone changes what one sees there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from attendance.models import AttendanceRecord, BiometricTemplate, CorrectionRequest
from attendance.services import corrections
from core import clock
from tests.attendance.evidence import PDF
from tests.browser.campus import Campus
from tests.browser.pages import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


def _percentage(page: Page, course: str) -> str:
    """What Home says of a course."""
    page.goto("/")
    return page.locator(".ch-attendance", has_text=course).locator(".ch-attendance-value").inner_text()


def _others_ask_too(campus: Campus) -> None:
    """A fellow student of the class that the campus's student missed."""
    there = AttendanceRecord.objects.filter(session=campus.missed, status="present").exclude(
        student__user=campus.student
    )
    student = there.earliest("student__enrollment_no").student
    corrections.request_correction(
        session=campus.missed,
        student=student,
        requested_status="late",
        reason="I came late",
        by=student.user,
        now=clock.now(),
    )


def test_a_mark_that_was_wrong_is_corrected_and_the_percentage_follows(
    campus: Campus, open_page: OpenPage
) -> None:
    course = campus.missed.sections.get().course.title
    phone = open_page("/", campus.student, width=360)
    before = _percentage(phone, course)

    phone.goto("/attendance/")
    row = phone.locator("li.ch-row", has_text="12 Nov").filter(has_text=course)
    row.get_by_role("link", name="This is wrong").click()
    expect(phone.get_by_label("It should be")).to_have_value("present")
    phone.get_by_label("Reason").fill("I was at the board; see the picture.")
    photo = {"name": "board.pdf", "mimeType": "application/pdf", "buffer": PDF}
    phone.get_by_label("File").set_input_files(files=photo)  # type: ignore[arg-type] # its type wants literals
    phone.get_by_role("button", name="Send the request").click()
    expect(phone.get_by_role("status").get_by_text("Your request is sent")).to_be_visible()
    asked = CorrectionRequest.objects.latest("requested_at")
    expect(phone.locator(f"#correction-{asked.pk}").get_by_text("waiting")).to_be_visible()

    _others_ask_too(campus)
    desk = open_page("/approvals/", campus.missed.faculty.get().user)
    desk.get_by_role("navigation", name="What is asked for").get_by_role("link", name="Corrections").click()
    card = desk.locator(f"#correction-{asked.pk}")
    after = card.locator(".ch-figures-change strong").inner_text()
    with desk.expect_download() as download:
        card.get_by_role("link", name="board.pdf").click()
    assert download.value.path().read_bytes() == PDF
    waiting = desk.get_by_role("checkbox", name="Select the application of").count()
    desk.get_by_label("Select all").check()
    desk.get_by_role("button", name=f"Approve the selected ({waiting})").click()
    expect(desk.get_by_text(f"{waiting} marks are corrected.")).to_be_visible()

    assert after != before
    assert _percentage(phone, course) == after
    phone.goto("/corrections/")
    expect(phone.locator(f"#correction-{asked.pk}").get_by_text("approved")).to_be_visible()


def test_a_fingerprint_goes_with_the_consent(campus: Campus, open_page: OpenPage) -> None:
    page = open_page("/more/", campus.student, width=360)
    page.get_by_role("main").get_by_role("link", name="Privacy").click()
    card = page.locator("#biometric")
    expect(card.get_by_text("Kept of you: Fingerprint")).to_be_visible()
    card.get_by_text("Withdraw…").click()
    expect(card.get_by_text("templates are removed at once. Your attendance history stays")).to_be_visible()
    card.get_by_role("button", name="Withdraw my consent").click()

    expect(page.get_by_role("status").get_by_text("1 template was removed.")).to_be_visible()
    expect(card.get_by_text("not agreed")).to_be_visible()
    assert not BiometricTemplate.objects.exists()
    assert AttendanceRecord.objects.filter(student__user=campus.student).exists()
    card.get_by_role("button", name="I agree").click()
    expect(card.get_by_text("agreed 17 Nov 2026")).to_be_visible()


def test_it_all_works_without_a_script(campus: Campus, new_context: Callable[..., BrowserContext]) -> None:
    page = new_context(campus.student, width=360, java_script_enabled=False).new_page()
    page.goto(f"/corrections/ask/{campus.missed.pk}/")
    page.get_by_label("Reason").fill("I was there.")
    page.get_by_role("button", name="Send the request").click()
    asked = CorrectionRequest.objects.latest("requested_at")
    page.locator(f"#correction-{asked.pk}").get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("The correction is taken back.")).to_be_visible()

    page.goto("/attendance/?course=CS303")
    page.get_by_role("link", name="Apply for condonation").click()
    page.get_by_label("Reason").fill("Three weeks in hospital.")
    page.get_by_label("Fee reference").fill("SBI-4712")
    page.get_by_role("button", name="Send the application").click()
    expect(page.get_by_text("Your application is sent.")).to_be_visible()

    desk = new_context(campus.head, java_script_enabled=False).new_page()
    desk.goto("/approvals/condonation/")
    boxes = desk.get_by_role("checkbox", name="Select the application of")
    boxes.nth(0).check()
    boxes.nth(1).check()
    desk.get_by_label("Remarks").and_(desk.locator(":visible")).fill("Papers seen.")
    desk.get_by_role("button", name="Recommend the selected").click()
    expect(desk.get_by_text("2 applications are recommended.")).to_be_visible()
