"""Leave from both sides in a real browser: with a script, and without one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from attendance.models import LeaveApplication, LeaveSession, Session
from attendance.services.evidence import MOST_BYTES
from tests.browser.campus import COHORT, Campus
from tests.browser.pages import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

#: A Tuesday to come, for which the campus's student has asked nothing yet.
DAY = "2026-11-24"


def _newest(campus: Campus) -> LeaveApplication:
    return LeaveApplication.objects.filter(student__user=campus.student).latest("applied_at", "pk")


def _classes(day: str) -> list[Session]:
    return list(Session.objects.filter(sections__cohort__code=COHORT, held_on=day).order_by("starts_at"))


def test_leave_for_one_class_is_asked_for_and_cancelled(campus: Campus, open_page: OpenPage) -> None:
    page = open_page("/leave/apply/", campus.student, width=360)
    page.get_by_label("First day").fill(DAY)
    boxes = page.get_by_role("group", name="Only some classes of Tuesday 24 November").get_by_role("checkbox")
    expect(boxes).to_have_count(len(_classes(DAY)))
    boxes.nth(1).check()

    # Of several days no class can be chosen; back on one day, the boxes are there again.
    page.get_by_label("Last day").fill("2026-11-25")
    expect(boxes).to_have_count(0)
    page.get_by_label("Last day").fill(DAY)
    expect(boxes).to_have_count(len(_classes(DAY)))
    boxes.nth(1).check()
    page.get_by_label("Reason").fill("Passport office")
    page.get_by_role("button", name="Send the application").click()

    expect(page.get_by_role("status").get_by_text("Your application is sent")).to_be_visible()
    leave = _newest(campus)
    assert (leave.reason, leave.partial) == ("Passport office", True)
    assert LeaveSession.objects.get(leave=leave).session == _classes(DAY)[1]

    card = page.locator(f"#leave-{leave.pk}")
    card.get_by_role("button", name="Cancel leave").click()
    dialog = page.get_by_role("dialog", name="Cancel this application?")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    assert _newest(campus).status == "pending"
    card.get_by_role("button", name="Cancel leave").click()
    dialog.get_by_role("button", name="Cancel leave").click()
    expect(card.get_by_text("cancelled")).to_be_visible()
    assert _newest(campus).status == "cancelled"


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(campus: Campus, open_page: OpenPage) -> None:
    page = open_page("/leave/apply/", campus.student, width=360)
    page.get_by_label("Reason").fill("Fever")
    large = {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-" + b"x" * MOST_BYTES}
    page.get_by_label("File").set_input_files(files=large)  # type: ignore[arg-type] # its type wants literals
    expect(page.get_by_text("That file is larger than 4 MB")).to_be_visible()
    expect(page.get_by_label("File")).to_have_value("")
    expect(page.get_by_label("Reason")).to_have_value("Fever")
    small = {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    page.get_by_label("File").set_input_files(files=small)  # type: ignore[arg-type] # as above
    expect(page.get_by_text("That file is larger than 4 MB")).to_be_hidden()


def test_leave_works_without_a_script(campus: Campus, new_context: Callable[..., BrowserContext]) -> None:
    page = new_context(campus.student, width=360, java_script_enabled=False).new_page()
    page.goto("/leave/apply/")
    page.get_by_label("First day").fill(DAY)
    page.get_by_label("Reason").fill("Passport office")
    page.get_by_role("button", name="Only some classes of that day").click()
    page.get_by_role("group", name="Only some classes").get_by_role("checkbox").first.check()
    expect(page.get_by_label("Reason")).to_have_value("Passport office")
    page.get_by_role("button", name="Send the application").click()

    expect(page.get_by_text("Your application is sent")).to_be_visible()
    leave = _newest(campus)
    assert LeaveSession.objects.get(leave=leave).session == _classes(DAY)[0]

    page.locator(f"#leave-{leave.pk}").get_by_role("button", name="Cancel leave").click()
    expect(page.get_by_text("The application is cancelled.")).to_be_visible()
    assert _newest(campus).status == "cancelled"


def test_many_are_approved_at_once_and_one_is_revoked(campus: Campus, open_page: OpenPage) -> None:
    page = open_page("/approvals/", campus.office, width=768)
    everybody, approve = (
        page.get_by_label("Select all"),
        page.get_by_role("button", name="Approve the selected"),
    )
    boxes = page.get_by_role("checkbox", name="Select the application of")
    everybody.check()
    expect(approve).to_have_text("Approve the selected(4)")
    boxes.last.uncheck()
    expect(approve).to_have_text("Approve the selected(3)")
    assert everybody.evaluate("box => box.indeterminate")
    approve.click()

    expect(page.get_by_text("3 applications are approved. 3 marks changed.")).to_be_visible()
    assert sorted(LeaveApplication.objects.values_list("status", flat=True)) == [
        *["approved"] * 4,
        "cancelled",
        "pending",
        "rejected",
    ]
    page.get_by_text("Revoke…").first.click()
    page.get_by_label("Why").and_(page.locator(":visible")).fill("By mistake")
    page.get_by_role("button", name="Revoke", exact=True).and_(page.locator(":visible")).click()
    expect(page.get_by_text("approval revoked")).to_be_visible()
    assert LeaveApplication.objects.filter(status="revoked", remarks="By mistake").count() == 1


def test_many_are_approved_without_a_script(
    campus: Campus, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(campus.office, java_script_enabled=False).new_page()
    page.goto("/approvals/")
    expect(page.get_by_label("Select all")).to_be_hidden()
    boxes = page.get_by_role("checkbox", name="Select the application of")
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("button", name="Approve the selected").click()
    expect(page.get_by_text("2 applications are approved.")).to_be_visible()
    page.get_by_text("Reject…").first.click()
    page.get_by_role("button", name="Reject", exact=True).and_(page.locator(":visible")).click()
    expect(page.get_by_text("Say why: this change needs a reason.")).to_be_visible()
