"""The office and the head of a department at work, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from attendance.models import AnomalyDismissal, BiometricDevice, DevicePin, LegalHold
from tests.browser.campus import Campus
from tests.browser.pages import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_office_looks_into_a_case_lets_a_reader_in_and_reads_what_happened(
    campus: Campus, open_page: OpenPage
) -> None:
    page = open_page("/anomalies/", campus.office)
    case = page.locator("[data-kind=outside]")
    expect(case).to_contain_text("2 students, up to 1.8 km from the room (allowed: 100 m).")
    case.get_by_text("Looked at…").click()
    case.get_by_label("What did you find?").fill("They were at the hackathon")
    case.get_by_role("button", name="It is fine").click()
    expect(page.get_by_text("Nothing stands out")).to_be_visible()
    page.get_by_role("link", name="Looked at").click()
    expect(page.get_by_text("They were at the hackathon")).to_be_visible()
    page.get_by_role("button", name="List it again").click()
    expect(page.get_by_text("It is listed again.")).to_be_visible()
    assert AnomalyDismissal.objects.filter(undone_by=campus.office).count() == 1

    page.goto("/devices/")
    page.get_by_role("link", name="Accept CGKX214760912").click()
    page.get_by_label("Name").fill("Library")
    page.get_by_role("button", name="Register it").click()
    key = page.get_by_label("Key", exact=True)
    expect(key).to_have_attribute("readonly", "")
    shown = key.input_value()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    assert BiometricDevice.objects.filter(serial="CGKX214760912", school=campus.school).exists()

    page.goto(f"/devices/{campus.device.pk}/")
    page.get_by_label("Number on the reader").fill("77")
    page.get_by_label("Enrollment number").fill(campus.students[5].enrollment_no)
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_text("1 number is changed. 1 reading found its class.")).to_be_visible()
    page.get_by_role("button", name="Take number 77 away").click()
    expect(page.get_by_text("1 number is changed.")).to_be_visible()
    assert not DevicePin.objects.filter(pin="77").exists()

    page.goto(f"/classes/{campus.closed.pk}/")
    page.get_by_role("link", name="history of the mark of").first.click()
    expect(page.get_by_role("heading", level=2).first).to_have_text(campus.teacher.full_name)
    expect(page.locator(".ch-trail-entries").first).to_contain_text("record.create")

    page.goto("/retention/")
    page.get_by_text("Lift…").click()
    page.get_by_role("button", name="Lift the hold").click()
    expect(page.get_by_text("Say why: this change needs a reason.")).to_be_visible()
    page.get_by_label("Why").fill("settled")
    page.get_by_role("button", name="Lift the hold").click()
    expect(page.get_by_text("The hold is lifted")).to_be_visible()
    assert LegalHold.objects.get().lifted_by == campus.office


def test_a_head_of_department_finds_a_substitute_on_a_phone(campus: Campus, open_page: OpenPage) -> None:
    page = open_page("/department/", campus.head, width=360)
    page.get_by_role("link", name="Substitute for").first.click()
    appoint = page.get_by_role("button", name="Appoint").first
    name = (appoint.get_attribute("aria-label") or "").removeprefix("Appoint ")
    appoint.click()
    expect(page.get_by_text(f"{name} stands in.")).to_be_visible()
    expect(page.get_by_text("substitute", exact=True)).to_be_visible()
    page.get_by_role("link", name="Substitute for").first.click()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("The substitute is taken back.")).to_be_visible()
