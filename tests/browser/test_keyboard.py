"""Everything that a pointer can do, the keyboard can do, and one always sees where it is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from attendance.models import AttendanceRecord
from tests.browser.campus import Campus
from tests.browser.pages import SCENES, OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

# What a person could want to reach now. A roster is one stop per student (arrows and letters do the rest); of a
# group of radio buttons the chosen one is the stop; an open modal dialog hides what lies behind it.
_REACHABLE = """() => {
  const dialog = document.querySelector("dialog[open]");
  const wanted = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter((one) =>
    one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.type !== "hidden" &&
    !(dialog && !dialog.contains(one)) && !one.closest("[data-grid]") && !(one.type === "radio" && !one.checked));
  wanted.forEach((one, index) => (one.dataset.stop = index));
  return wanted.map((one) => `${one.dataset.stop} ${one.outerHTML.slice(0, 80)}`);
}"""

# The focused element, and whether it can be told from the others: an outline of its own, or of what stands for it
# (a radio button's label, a picture's frame).
_FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const drawn = (each) => {
    const style = getComputedStyle(each);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  };
  const places = [one, one.nextElementSibling, one.closest("label"), one.closest("[data-student]")];
  return { stop: one.dataset.stop ?? null, seen: places.some((each) => each && drawn(each)),
           what: one.outerHTML.slice(0, 80) };
}"""


def _walk(page: Page, stops: int) -> list[dict[str, object]]:
    """Where Tab leads, from the top of the page until every stop had its turn twice over."""
    page.evaluate("document.activeElement.blur()")
    found = []
    for _ in range(stops + 30):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if focused is not None:
            found.append(focused)
    return found


def test_tab_reaches_everything_and_shows_where_it_is(campus: Campus, open_page: OpenPage) -> None:
    found: list[str] = []
    for scene in SCENES:
        page = scene.play(campus, open_page, width=1440)
        wanted = page.evaluate(_REACHABLE)
        steps = _walk(page, len(wanted))
        reached = {step["stop"] for step in steps}
        found += [f"{scene.name} never reaches {one}" for one in wanted if one.split()[0] not in reached]
        unseen = {str(step["what"]) for step in steps if not step["seen"]}
        found += [f"{scene.name} does not show focus on {what}" for what in sorted(unseen)]
        page.context.close()
    assert not found, "\n".join(found)


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
