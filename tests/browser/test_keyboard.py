"""Everything that a pointer can do, the keyboard can do; `test_every_page.py` looks whether it gets everywhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from attendance.models import AttendanceRecord
from tests.browser.campus import Campus
from tests.browser.pages import SCENES, OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


def _statuses(campus: Campus) -> dict[str, str]:
    return dict(
        AttendanceRecord.objects.filter(session=campus.open).values_list("student__enrollment_no", "status")
    )


def _saved(page: Page, press: str) -> None:
    """Press a key and wait until the server has answered what it asked for."""
    with page.expect_response("**/records/bulk-mark/") as answer:
        page.keyboard.press(press)
    assert answer.value.ok


def test_a_roster_is_marked_and_corrected_without_a_pointer(campus: Campus, open_page: OpenPage) -> None:
    numbers = [student.enrollment_no for student in campus.students]
    page = open_page(f"/classes/{campus.open.pk}/", campus.teacher)
    cell = page.locator("[data-student]")
    expect(page.locator(f'[data-student="{numbers[1]}"]')).to_be_focused()  # the first one unmarked
    before = _statuses(campus)

    _saved(page, "p")
    assert _statuses(campus) == before | {numbers[1]: "present"}
    expect(page.locator(f'[data-student="{numbers[2]}"]')).to_be_focused()

    page.keyboard.press("ArrowRight")
    _saved(page, "l")
    page.keyboard.press("ArrowRight")
    _saved(page, "a")
    page.keyboard.press("ArrowRight")
    _saved(page, "e")
    marked = before | {numbers[1]: "present", numbers[3]: "late", numbers[5]: "absent", numbers[7]: "excused"}
    assert _statuses(campus) == marked

    _saved(page, "Control+z")
    assert _statuses(campus) == {no: status for no, status in marked.items() if no != numbers[7]}
    expect(page.locator(f'[data-student="{numbers[7]}"]')).to_have_attribute("data-status", "")
    page.keyboard.press("Home")
    expect(cell.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(f'[data-student="{numbers[3]}"]')).to_be_focused()  # three columns


def test_a_class_is_closed_without_a_pointer(campus: Campus, open_page: OpenPage) -> None:
    page = open_page(f"/classes/{campus.open.pk}/", campus.teacher)
    button = page.locator("header").get_by_role("button", name="Close class")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Close this class?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()

    page.keyboard.press("Enter")
    for _ in range(3):  # the cross, "Keep it open", and what one came for
        if dialog.get_by_role("button", name="Close class").evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Summary")).to_be_visible()
    campus.open.refresh_from_db()
    assert campus.open.status == "closed"
    assert len(_statuses(campus)) == len(campus.students)


def test_a_scan_is_confirmed_without_a_pointer(campus: Campus, open_page: OpenPage) -> None:
    (confirm,) = [scene for scene in SCENES if scene.name == "scan-confirm"]
    page = confirm.play(campus, open_page, width=360)
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.get_by_role("button", name="I am here").evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Present")).to_be_visible()
    assert AttendanceRecord.objects.filter(session=campus.open, student__user=campus.student).exists()
